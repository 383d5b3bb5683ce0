import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Graph } from "../../src/graph/graph.js";
import { createSession, type Session } from "../../src/graph/session.js";
import { selectRows } from "../../src/matrix.js";
import { normalizeByFactors } from "../../src/normalize/normalize.js";
import { normalizeGraph } from "../../src/normalize/normalize-graph.js";
import type { SizeFactorRule } from "../../src/normalize/place-size-factors.js";
import { fitSizeFactors, type SizeFactors } from "../../src/normalize/size-factors.js";
import { toDense } from "../io/matrices.js";
import { madeCells } from "./made.js";

const GENES = 150;
const made = madeCells(90, GENES, { counts: 400 });
const train = Int32Array.from({ length: 70 }, (_, i) => i);
const all = toDense(made.x);
const row = (i: number) => all.data.slice(i * GENES, (i + 1) * GENES);
const shares = new Float32Array(GENES);
for (let p = 0; p < all.data.length; p++) shares[p % GENES] += all.data[p];
const sum = shares.reduce((a, b) => a + b, 0);
shares.forEach((v, g) => {
  shares[g] = v / sum;
});

let fitted: SizeFactors;
let session: Session;
const opened: Session[] = [];
async function graphOf(rule: SizeFactorRule): Promise<Session> {
  const g = new Graph("normalise");
  g.output("y", normalizeGraph(g, g.input("x", ["N", GENES]), "log1p-scran", shares, rule));
  const made = await createSession(g, { threads: 1 });
  opened.push(made);
  return made;
}
beforeAll(async () => {
  fitted = await fitSizeFactors(made.x, train);
  session = await graphOf(fitted.rule);
});
afterAll(async () => {
  for (const one of opened) await one.release();
});
const run = async (x: Float32Array, by = session) => (await by.run({ x })).y.data as Float32Array;

const median = (values: number[]) => {
  const order = values.sort((a, b) => a - b);
  return (order[(order.length - 1) >> 1] + order[order.length >> 1]) / 2;
};
/** The rule in so many words, without what is NaN. */
function factorOf(x: Float32Array, { genes, reference, pools, total, scale, least }: SizeFactorRule): number {
  const there = [...x.keys()].filter((g) => !Number.isNaN(x[g]));
  const lost = shares.reduce((a, share, g) => (Number.isNaN(x[g]) ? a + share : a), 0);
  const own = there.reduce((a, g) => a + x[g], 0) / (1 - lost);
  const kept = [...genes.keys()].filter((i) => !Number.isNaN(x[genes[i]]));
  if (kept.length === 0) return own / total;
  const count = pools.length / genes.length;
  let added = 0;
  for (let p = 0; p < count; p++) {
    const pool = (i: number) => pools[p * genes.length + i];
    const ratio = (i: number) => ((x[genes[i]] / own) * total) / reference[i];
    added += (median(kept.map((i) => pool(i) + ratio(i))) - median(kept.map(pool))) / count;
  }
  return (Math.max(scale * added, least) * own) / total;
}
function expectClose(found: Float32Array, expected: ArrayLike<number>): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((v, i) => {
    if (Number.isNaN(expected[i])) expect(v).toBeNaN();
    else expect(Math.abs(v - expected[i])).toBeLessThanOrEqual(1e-6 * Math.abs(expected[i]));
  });
}
const normalised = (x: Float32Array, factor: number) => Array.from(x, (v) => Math.log1p(v / factor));

describe("log1p-scran as a graph", () => {
  it("gives held-out samples what they got in the run", async () => {
    const held = Int32Array.from({ length: 20 }, (_, i) => 70 + i);
    const expected = normalizeByFactors(
      selectRows(all, held),
      Array.from(held, (i) => fitted.factors[i]),
    );
    expectClose(await run(selectRows(all, held).data), expected.kind === "dense" ? expected.data : []);
  });
  it("alone as in a batch", async () => {
    const both = await run(Float32Array.from([...row(80), ...row(3)]));
    expect(await run(row(80))).toEqual(both.slice(0, GENES));
  });
  it.each([1, 2, 3, 40, 41])("leaves %i genes that were not measured out", async (missing) => {
    for (const i of [75, 88]) {
      const x = row(i);
      for (let k = 0; k < missing; k++)
        x[fitted.rule.genes[(5 * k + i) % fitted.rule.genes.length]] = Number.NaN;
      expectClose(await run(x), normalised(x, factorOf(x, fitted.rule)));
    }
  });
  it("takes the library size where no gene of the medians was measured", async () => {
    const x = row(72);
    for (const gene of fitted.rule.genes) x[gene] = Number.NaN;
    x[[...x.keys()].find((g) => !Number.isNaN(x[g])) as number] = 4;
    expectClose(await run(x), normalised(x, factorOf(x, fitted.rule)));
  });
  it("does not go below the least of training", async () => {
    const x = new Float32Array(GENES);
    x[fitted.rule.genes[0]] = 300;
    expectClose(await run(x), normalised(x, (fitted.rule.least * 300) / fitted.rule.total));
  });
  it("leaves a sample without counts at 0", async () => {
    expect(await run(new Float32Array(GENES))).toEqual(new Float32Array(GENES));
  });
  it("divides by library sizes where nothing could be pooled", async () => {
    const { rule } = await fitSizeFactors(made.x, train.subarray(0, 9));
    const x = row(50);
    const total = x.reduce((a, b) => a + b, 0);
    expectClose(await run(x, await graphOf(rule)), normalised(x, total / rule.total));
  });
});
