import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { createSession } from "../../src/graph/session.js";
import { square } from "../../src/image-size.js";
import { Evaluator, networkGraph } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { formulaImages, formulaWeights } from "./formula.js";

const classes = 5;
const size = 64;
const sample = 3 * size * size;
const netNames: NetName[] = [
  "resnet18",
  "efficientnet_b0",
  "efficientnet_lite0",
  "mobilenet_v2",
  "squeezenet1_1",
];
const oracle = JSON.parse(readFileSync("test/fixtures/nets.json", "utf8")) as Record<
  NetName,
  { logits: { n: number; h: number; w: number; values: number[] }[] }
>;

/** Softmax of each row, in float64. */
function softmax(logits: readonly number[]): number[] {
  return Array.from({ length: logits.length / classes }, (_, i) => {
    const row = logits.slice(i * classes, (i + 1) * classes);
    const e = row.map((z) => Math.exp(z - Math.max(...row)));
    return e.map((v) => v / e.reduce((a, b) => a + b));
  }).flat();
}

const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i])));

const evaluate = (evaluator: Evaluator, weights: Tensors, images: Float32Array) =>
  evaluator.probabilities(weights, images.length / sample, (first, count, into) =>
    into.set(images.subarray(first * sample, (first + count) * sample)),
  );

describe.each(netNames)("Evaluator of %s", (net) => {
  const weights = formulaWeights(paramSpecs(net, classes));

  it("gives PyTorch's probabilities", async () => {
    const logits = oracle[net].logits.find(({ h, w }) => h === size && w === size);
    const evaluator = await Evaluator.create(net, classes, square(size), 2);
    const found = await evaluate(evaluator, weights, formulaImages(1, logits?.n ?? 0, size, size));
    await evaluator.release();
    expect(found.length).toBe(2 * classes);
    expect(largestGap(found, softmax(logits?.values ?? []))).toBeLessThan(1e-5);
  });

  it("is bit for bit the same with 1 and 2 threads, and whatever else is in the batch", async () => {
    const images = formulaImages(4, 35, size, size); // a full batch and a small one
    const results: Float32Array[] = [];
    for (const threads of [1, 2]) {
      const evaluator = await Evaluator.create(net, classes, square(size), threads);
      results.push(await evaluate(evaluator, weights, images));
      if (threads === 2) results.push(await evaluate(evaluator, weights, images.subarray(33 * sample)));
      await evaluator.release();
    }
    const digest = (data: Float32Array) =>
      createHash("sha256").update(new Uint8Array(data.slice().buffer)).digest("hex");
    expect(results[0].length).toBe(35 * classes);
    expect(digest(results[1])).toBe(digest(results[0]));
    expect(digest(results[2])).toBe(digest(results[0].subarray(33 * classes)));
  });
});

describe("Evaluator", () => {
  const weights = formulaWeights(paramSpecs("efficientnet_lite0", classes));

  it("of no samples is no probability; weights that are not finite are a CellhueError", async () => {
    const evaluator = await Evaluator.create("efficientnet_lite0", classes, square(size), 2);
    expect(await evaluate(evaluator, weights, new Float32Array(0))).toEqual(new Float32Array(0));
    const broken = new Map(weights);
    broken.set("classifier.1.bias", { dims: [classes], data: new Float32Array(classes).fill(Number.NaN) });
    const error: unknown = await evaluate(evaluator, broken, formulaImages(4, 1, size, size)).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(CellhueError);
    expect((error as CellhueError).describe()).toMatch(/efficientnet_lite0[\s\S]*--lr/);
    await evaluator.release();
  });
});

describe("networkGraph", () => {
  it("takes any batch: each sample alone gives what it gives among others", async () => {
    const weights = formulaWeights(paramSpecs("resnet18", classes));
    const session = await createSession(networkGraph("resnet18", weights, classes, square(size)), {
      threads: 2,
    });
    const images = formulaImages(1, 2, size, size);
    const both = await session.run({ image: images });
    expect(both.probabilities.dims).toEqual([2, classes]);
    expect(
      largestGap(both.probabilities.data as Float32Array, softmax([...(both.logits.data as Float32Array)])),
    ).toBeLessThan(1e-6);
    const one = await session.run({ image: images.subarray(sample) });
    await session.release();
    expect(
      largestGap(one.logits.data as Float32Array, (both.logits.data as Float32Array).subarray(classes)),
    ).toBeLessThan(1e-5);
  });

  it("names the parameter that is absent or has another shape", () => {
    const weights = formulaWeights(paramSpecs("resnet18", classes));
    weights.delete("fc.bias");
    expect(() => networkGraph("resnet18", weights, classes, square(size))).toThrow(
      "'fc.bias' is [absent], the network has [5]",
    );
    const other = formulaWeights(paramSpecs("resnet18", 4));
    expect(() => networkGraph("resnet18", other, classes, square(size))).toThrow("'fc.weight' is [4, 512]");
  });
});
