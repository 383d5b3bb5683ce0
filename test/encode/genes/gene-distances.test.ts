import { describe, expect, it } from "vitest";
import { type DistanceMetric, GeneDistances } from "../../../src/encode/genes/gene-distances.js";
import { InterruptedError } from "../../../src/errors.js";
import type { DenseMatrix, Matrix } from "../../../src/matrix.js";
import { RandomState } from "../../../src/random.js";
import { floats, toCsr } from "../../embed/genes.js";
import fixture from "../../fixtures/igtd.json" with { type: "json" };

async function distances(x: Matrix, metric: DistanceMetric, anchors: number[], threads?: number) {
  const open = await GeneDistances.open(x, metric, threads);
  try {
    return await open.to(Int32Array.from(anchors));
  } finally {
    await open.release();
  }
}

const { samples, genes } = fixture.distances;
const x: DenseMatrix = { kind: "dense", rows: samples, cols: genes, data: floats(fixture.distances.x) };

describe("GeneDistances: scipy's cdist, a constant gene and a copy among the genes", () => {
  for (const metric of ["euclidean", "correlation"] as const)
    it(metric, async () => {
      const anchors = [8, 0, 3, 10, 2];
      for (const form of [x, toCsr(x)]) {
        const found = await distances(form, metric, anchors);
        expect(found).toHaveLength(genes * anchors.length);
        found.forEach((d, p) => {
          const expected = fixture.distances[metric][Math.floor(p / 5) * genes + anchors[p % 5]];
          expect(Math.abs(d - expected)).toBeLessThanOrEqual(5e-12);
          if (expected === 0) expect(d).toBe(0);
        });
      }
    });

  it("one sample: no spread, so all correlation distances are 1", async () => {
    const one: DenseMatrix = { kind: "dense", rows: 1, cols: 3, data: Float32Array.of(1, 2, 4) };
    expect([...(await distances(one, "correlation", [0, 1]))]).toEqual([0, 1, 1, 0, 1, 1]);
    expect([...(await distances(one, "euclidean", [0, 1]))]).toEqual([0, 1, 1, 0, 3, 2]);
  });

  it("several blocks of samples, the last one short; the same with any number of threads", async () => {
    const random = new RandomState(5);
    const [rows, cols] = [1103, 8000];
    const data = Float32Array.from({ length: rows * cols }, () => 10 + (random.uint32() >>> 20) / 512);
    const large: DenseMatrix = { kind: "dense", rows, cols, data };
    const anchors = [4000, 7999, 1];
    const found = await distances(large, "euclidean", anchors, 2);
    expect(await distances(large, "euclidean", anchors, 1)).toEqual(found);
    for (const i of [0, 1, 5001, 7999])
      anchors.forEach((j, a) => {
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += (data[r * cols + i] - data[r * cols + j]) ** 2;
        expect(Math.abs(found[i * 3 + a] - Math.sqrt(sum))).toBeLessThanOrEqual(1e-10 * Math.sqrt(sum));
      });
  });

  it("refuses values that are not finite, and stops where the signal has fired", async () => {
    const bad: DenseMatrix = { kind: "dense", rows: 2, cols: 2, data: Float32Array.of(1, 2, Number.NaN, 4) };
    await expect(distances(bad, "euclidean", [0])).rejects.toThrow(RangeError);
    const open = await GeneDistances.open(x, "euclidean");
    await expect(open.to(Int32Array.of(0), AbortSignal.abort())).rejects.toThrow(InterruptedError);
    await open.release();
  });
});
