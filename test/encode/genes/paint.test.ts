import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type GenePlacings, renderGenes } from "../../../src/encode/genes/paint.js";
import { paintGraph } from "../../../src/encode/genes/paint-graph.js";
import type { Placing } from "../../../src/encode/genes/points.js";
import { gradients } from "../../../src/graph/gradients.js";
import { Graph } from "../../../src/graph/graph.js";
import { createSession } from "../../../src/graph/session.js";
import { RandomState } from "../../../src/random.js";

interface Case {
  n: number;
  genes: number;
  height: number;
  width: number;
  channels: number;
  absent: number;
  lit: number[];
  image: number[];
  gradient: number[];
}
const cases: Case[] = JSON.parse(readFileSync("test/fixtures/gene_paint.json", "utf8"));

function placing(seed: number[], genes: number, area: number, absent: number): Placing {
  const random = new RandomState(seed);
  const p = Int32Array.from({ length: genes }, () => Math.floor(random.random() * area));
  for (let j = 0; j < genes; j++) if (random.random() < absent) p[j] = -1;
  p[0] = area - 1;
  return p;
}

const painterOf = (seed: number, c: Omit<Case, "lit" | "image" | "gradient">): GenePlacings => {
  const all = Array.from({ length: c.channels }, (_, k) =>
    placing([seed, 2, k], c.genes, c.height * c.width, c.absent),
  );
  return { size: { height: c.height, width: c.width }, placings: all as [Placing] };
};

const drawnValues = (seed: number, length: number) => {
  const random = new RandomState([seed, 0]);
  return Float32Array.from({ length }, () => random.random());
};

async function paint(
  painter: GenePlacings,
  values: Float32Array | Float64Array,
  threads = 2,
  dy?: Float32Array,
) {
  const type = values instanceof Float64Array ? "float64" : "float32";
  const genes = painter.placings[0].length;
  const g = new Graph();
  const x = g.input("values", [dy === undefined ? "N" : values.length / genes, genes], type);
  const image = paintGraph(g, painter, x);
  g.output("image", image);
  const feeds: Record<string, Float32Array | Float64Array> = { values };
  if (dy !== undefined) {
    feeds.dy = dy;
    g.output("gradient", gradients(g, image, [x], g.input("dy", image.dims))[0]);
  }
  const session = await createSession(g, { threads });
  const out = await session.run(feeds);
  await session.release();
  return { image: out.image.data as Float32Array, dims: out.image.dims, gradient: out.gradient?.data };
}

describe("images of genes equal index_add's, and so do their gradients", () => {
  it.each(cases.map((c, seed) => ({ ...c, seed })))(
    "$n samples, $genes genes, $height×$width, $channels placings, $absent of the genes not painted",
    async ({ seed, ...c }) => {
      const painter = painterOf(seed, c);
      const values = drawnValues(seed, c.n * c.genes);
      const random = new RandomState([seed, 1]);
      const area = c.height * c.width;
      const dy = Float32Array.from({ length: c.n * 3 * area }, () => random.standardNormal());
      const expected = new Float32Array(c.n * 3 * area);
      c.lit.forEach((p, i) => {
        expected[p] = c.image[i];
      });
      const slow = renderGenes(painter, values);
      slow.forEach((v, p) => {
        expect(v).toBeCloseTo(expected[p], 6);
      });
      const fast = await paint(painter, values, 2, dy);
      expect(fast.dims).toEqual([c.n, 3, c.height, c.width]);
      expect(fast.image).toEqual(slow);
      Array.from(fast.gradient as Float32Array).forEach((v, p) => {
        expect(v).toBeCloseTo(c.gradient[p], 6);
      });
    },
  );
});

describe("paintGraph", () => {
  const painter = painterOf(50, { n: 64, genes: 3000, height: 31, width: 23, channels: 3, absent: 0.1 });
  const values = Float64Array.from(drawnValues(50, 64 * 3000), (v) => v / 3);

  it("draws what renderGenes draws, to the last bit, alone or in a batch, with 1 and 2 threads", async () => {
    const slow = renderGenes(painter, values);
    expect((await paint(painter, values, 1)).image).toEqual(slow);
    expect((await paint(painter, values, 2)).image).toEqual(slow);
    const pixels = 3 * 31 * 23;
    for (const i of [0, 17, 63]) {
      const alone = await paint(painter, values.slice(i * 3000, (i + 1) * 3000));
      expect(alone.image).toEqual(slow.slice(i * pixels, (i + 1) * pixels));
    }
  });

  it("of one placing is grey", async () => {
    const grey: GenePlacings = { size: painter.size, placings: [painter.placings[0]] };
    const { image } = await paint(grey, values.slice(0, 3000));
    const area = 31 * 23;
    expect(image.slice(area, 2 * area)).toEqual(image.slice(0, area));
    expect(image.slice(2 * area)).toEqual(image.slice(0, area));
    expect(new Set(image).size).toBeGreaterThan(100);
  });

  it("keeps 0 and 1 exactly, however many genes share a pixel", async () => {
    const shared: GenePlacings = { size: { height: 1, width: 2 }, placings: [new Int32Array(49)] };
    const { image } = await paint(
      shared,
      Float32Array.from({ length: 98 }, (_, p) => (p < 49 ? 1 : 0)),
    );
    expect([...image]).toEqual([1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("refuses placings that do not fit", () => {
    const size = { height: 2, width: 3 };
    const refuse = (...placings: number[][]) => {
      const bad = { size, placings: placings.map((p) => Int32Array.from(p)) as unknown as [Placing] };
      expect(() => renderGenes(bad, [])).toThrow(RangeError);
      const g = new Graph();
      expect(() => paintGraph(g, bad, g.input("v", [1, placings[0].length]))).toThrow(RangeError);
    };
    refuse([0, 6]);
    refuse([-2, 0]);
    refuse([-1, -1]);
    refuse([]);
    refuse([0, 1], [0, 1], [0]);
  });
});
