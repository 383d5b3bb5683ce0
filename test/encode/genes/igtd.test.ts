import { describe, expect, it } from "vitest";
import { chooseGenes } from "../../../src/embed/highly-variable.js";
import { distanceAtRank, pixelRanks, rankAmong } from "../../../src/encode/genes/distance-ranks.js";
import { type DistanceMetric, GeneDistances } from "../../../src/encode/genes/gene-distances.js";
import { igtd } from "../../../src/encode/genes/igtd.js";
import { sweepGenes } from "../../../src/encode/genes/igtd-sampled.js";
import { type RankError, swapGenes } from "../../../src/encode/genes/igtd-swaps.js";
import { rankLayout } from "../../../src/encode/genes/rank-mds.js";
import { CellhueError, InterruptedError } from "../../../src/errors.js";
import { areaOf, type ImageSize } from "../../../src/image-size.js";
import { openExpression } from "../../../src/io/reader.js";
import { type DenseMatrix, type Matrix, selectColumns } from "../../../src/matrix.js";
import { RandomState } from "../../../src/random.js";
import { floats, toCsr } from "../../embed/genes.js";
import fixture from "../../fixtures/igtd.json" with { type: "json" };

const matrixOf = (c: { samples: number; height: number; width: number; x: string }): DenseMatrix => ({
  kind: "dense",
  rows: c.samples,
  cols: c.height * c.width,
  data: floats(c.x),
});
const inOrder = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
const pairsOf = (n: number) => (n * (n - 1)) / 2;

function expectPlacing(pixels: Int32Array, genes: number, size: ImageSize) {
  expect(pixels).toHaveLength(genes);
  expect(new Set(pixels).size).toBe(genes);
  expect(pixels.every((p) => p >= 0 && p < areaOf(size))).toBe(true);
}

/** Ranks of all pairs of genes, in pairs of pixels. */
async function squareRanks(x: Matrix, metric: DistanceMetric, size: ImageSize): Promise<Float64Array> {
  const n = x.cols;
  const open = await GeneDistances.open(x, metric);
  const d = await open.to(inOrder(n));
  await open.release();
  const above: number[] = [];
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) above.push(d[i * n + j]);
  const rank = rankAmong(Float64Array.from(above));
  const scale = pairsOf(areaOf(size)) / above.length;
  const at = (i: number, j: number) => (i === j ? 0 : scale * rank(d[Math.min(i, j) * n + Math.max(i, j)]));
  return Float64Array.from({ length: n * n }, (_, p) => at(Math.floor(p / n), p % n));
}

/** The published error, over all pairs. */
function publishedError(ranks: Float64Array, pixels: Int32Array, size: ImageSize, kind: RankError): number {
  const { byOffset } = pixelRanks(size);
  const n = pixels.length;
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      const rows = Math.floor(pixels[i] / size.width) - Math.floor(pixels[j] / size.width);
      const columns = (pixels[i] % size.width) - (pixels[j] % size.width);
      const d = Math.abs(ranks[i * n + j] - byOffset[Math.abs(rows) * size.width + Math.abs(columns)]);
      sum += kind === "abs" ? d : d * d;
    }
  return sum;
}

describe("swapGenes: the published algorithm in numpy, step for step", () => {
  it.each(fixture.cases)("$height × $width, $metric, $error", async (c) => {
    const size = { height: c.height, width: c.width };
    const x = matrixOf(c);
    const ranks = await squareRanks(x, c.metric as DistanceMetric, size);
    const error = c.error as RankError;
    const start = inOrder(x.cols);
    expect(publishedError(ranks, start, size, error)).toBe(c.start);
    const { byOffset } = pixelRanks(size);
    for (const [steps, expected] of [[0, c.start], ...c.steps]) {
      const pixels = await swapGenes(ranks, byOffset, size, start, { error, steps });
      expectPlacing(pixels, x.cols, size);
      expect(publishedError(ranks, pixels, size, error)).toBe(expected);
    }
    expect(start).toEqual(inOrder(x.cols));
    const end = await swapGenes(ranks, byOffset, size, start, { error });
    expect(publishedError(ranks, end, size, error)).toBeLessThanOrEqual(c.end);
  });

  it.each(["abs", "squared"] as const)(
    "more pixels than genes, %s: no exchange is left that would help",
    async (error) => {
      const size = { height: 6, width: 7 };
      const x = { ...matrixOf(fixture.cases[2]), cols: 25 };
      const ranks = await squareRanks(x, "correlation", size);
      const start = inOrder(25);
      const pixels = await swapGenes(ranks, pixelRanks(size).byOffset, size, start, { error });
      expectPlacing(pixels, 25, size);
      const end = publishedError(ranks, pixels, size, error);
      expect(end).toBeLessThan(publishedError(ranks, start, size, error));
      for (let i = 0; i < 25; i++)
        for (let to = 0; to < 42; to++) {
          const tried = pixels.slice();
          const other = pixels.indexOf(to);
          if (other >= 0) tried[other] = pixels[i];
          tried[i] = to;
          expect(publishedError(ranks, tried, size, error)).toBeGreaterThanOrEqual(end * (1 - 1e-12));
        }
    },
  );
});

describe("sweepGenes with all genes as anchors", () => {
  it.each(["abs", "squared"] as const)(
    "%s: the error of all pairs falls, empty pixels or none",
    async (error) => {
      const x = matrixOf(fixture.cases[7]);
      for (const size of [
        { height: 10, width: 10 },
        { height: 9, width: 14 },
      ]) {
        const ranks = await squareRanks(x, "correlation", size);
        const pixels = new RandomState(1).permutation(areaOf(size)).slice(0, 100);
        let last = publishedError(ranks, pixels, size, error);
        for (let sweep = 0; sweep < 6; sweep++) {
          const sweeps = { count: 1, reach: [9 - sweep, 9 - sweep] as const };
          const random = new RandomState([2, sweep]);
          const near = Float32Array.from(ranks);
          await sweepGenes(near, inOrder(100), pixelRanks(size), size, pixels, error, sweeps, random);
          expectPlacing(pixels, 100, size);
          const now = publishedError(ranks, pixels, size, error);
          expect(now).toBeLessThan(last);
          last = now;
        }
      }
    },
  );
});

describe("rankLayout", () => {
  it("genes whose distances are those of a grid come to lie as the grid does", async () => {
    const size = { height: 12, width: 20 };
    const at = (i: number) => [Math.floor(i / 20), i % 20];
    const apart = (i: number, j: number) => Math.hypot(at(i)[0] - at(j)[0], at(i)[1] - at(j)[1]);
    const anchors = new RandomState(3).permutation(240).slice(0, 60);
    const wanted = Float64Array.from({ length: 240 * 60 }, (_, p) =>
      apart(Math.floor(p / 60), anchors[p % 60]),
    );
    const layout = await rankLayout(wanted, anchors, size, new RandomState(4));
    let worst = 0;
    for (let i = 0; i < 240; i++)
      for (let j = 0; j < i; j++) {
        const d = Math.hypot(
          20 * (layout[2 * i] - layout[2 * j]),
          12 * (layout[2 * i + 1] - layout[2 * j + 1]),
        );
        worst = Math.max(worst, Math.abs(d - apart(i, j)));
      }
    expect(worst).toBeLessThan(1);
  });
});

describe("igtd, all pairs", () => {
  it.each(fixture.cases.filter((c) => c.start > 0))(
    "$height × $width, $metric, $error: no higher an error than the published algorithm's",
    async (c) => {
      const size = { height: c.height, width: c.width };
      const x = matrixOf(c);
      const options = { metric: c.metric as DistanceMetric, error: c.error as RankError, seed: 1 };
      const unit = pairsOf(x.cols) ** (c.error === "abs" ? 2 : 3);
      const given = await igtd(x, size, { ...options, start: inOrder(x.cols) });
      const own = await igtd(x, size, options);
      expect(Math.abs(given.before.error * unit - c.start)).toBeLessThanOrEqual(1e-10 * c.start);
      for (const { pixels, before, after, exact } of [given, own]) {
        expectPlacing(pixels, x.cols, size);
        expect(exact).toBe(true);
        expect(after.error * unit).toBeLessThanOrEqual(c.end * (1 + 1e-10));
        expect(after.error).toBeLessThanOrEqual(before.error);
      }
    },
  );

  it("the same for the same seed, with any number of threads, dense or sparse", async () => {
    const x = matrixOf(fixture.cases[6]);
    const size = { height: 9, width: 8 };
    const first = await igtd(x, size, { seed: 5, threads: 1 });
    expect(await igtd(x, size, { seed: 5, threads: 2 })).toEqual(first);
    expect((await igtd(toCsr(x), size, { seed: 5 })).pixels).toEqual(first.pixels);
  });

  it("0, 1, 2 and 3 genes, and genes that are all alike", async () => {
    const size = { height: 2, width: 3 };
    const data = Float32Array.of(1, 2, 4, 3, 3, 0);
    for (const cols of [0, 1, 2, 3]) {
      const x: DenseMatrix = { kind: "dense", rows: 2, cols, data: data.slice(0, 2 * cols) };
      const found = await igtd(x, size, { seed: 1 });
      expectPlacing(found.pixels, cols, size);
      expect(Number.isFinite(found.after.error) && Number.isFinite(found.after.correlation)).toBe(true);
    }
    for (const metric of ["euclidean", "correlation"] as const) {
      const alike: DenseMatrix = { kind: "dense", rows: 3, cols: 6, data: new Float32Array(18).fill(2) };
      const found = await igtd(alike, size, { seed: 1, metric });
      expectPlacing(found.pixels, 6, size);
      expect(found.after.correlation).toBe(0);
    }
  });
});

describe("igtd of 2,000 genes of oligodendroglioma, sampled", async () => {
  const reader = await openExpression("assets/demo/infercnvpy_oligodendroglioma.h5ad");
  const all = reader.readMatrix();
  reader.close();
  const x = selectColumns(all, await chooseGenes(all, { how: "variance", count: 2000 }));
  const size = { height: 45, width: 45 };
  const ranks = await squareRanks(x, "correlation", size);
  const { byOffset, pairs } = pixelRanks(size);
  /** Spearman's correlation of the two distances over all pairs of genes. */
  const correlation = (pixels: Int32Array) => {
    const places: number[] = [];
    const wanted: number[] = [];
    for (let i = 0; i < 2000; i++)
      for (let j = 0; j < i; j++) {
        const rows = Math.abs(Math.floor(pixels[i] / 45) - Math.floor(pixels[j] / 45));
        places.push(byOffset[rows * 45 + Math.abs((pixels[i] % 45) - (pixels[j] % 45))]);
        wanted.push(ranks[i * 2000 + j]);
      }
    const rank = rankAmong(Float64Array.from(places));
    let [n, a, b, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
    places.forEach((place, p) => {
      const [u, v] = [rank(place) / places.length - 0.5, wanted[p] / pairs - 0.5];
      n++;
      a += u;
      b += v;
      aa += u * u;
      bb += v * v;
      ab += u * v;
    });
    return (ab - (a * b) / n) / Math.sqrt((aa - (a * a) / n) * (bb - (b * b) / n));
  };

  it("from random places and from its own layout: error and rank correlation of all pairs are better than the start's", async () => {
    const random = new RandomState(3).permutation(areaOf(size)).slice(0, 2000);
    const fromRandom = await igtd(x, size, { seed: 1, start: random });
    const own = await igtd(x, size, { seed: 1 });
    for (const { pixels, before, after, exact } of [fromRandom, own]) {
      expectPlacing(pixels, 2000, size);
      expect(exact).toBe(false);
      expect(after.error).toBeLessThan(before.error);
      // The sample of pairs tells what all pairs do.
      const whole = publishedError(ranks, pixels, size, "abs") / pairsOf(2000) / pairs;
      expect(Math.abs(after.error - whole)).toBeLessThan(0.02);
      expect(Math.abs(after.correlation - correlation(pixels))).toBeLessThan(0.05);
    }
    const [start, better, best] = [random, fromRandom.pixels, own.pixels].map(correlation);
    expect(Math.abs(start)).toBeLessThan(0.01);
    expect(better).toBeGreaterThan(0.4);
    expect(best).toBeGreaterThan(better);
    expect(own.after.correlation).toBeGreaterThan(own.before.correlation);
  });

  it("the same for the same seed, with any number of threads", async () => {
    const few = selectColumns(x, inOrder(400));
    const wide = { height: 38, width: 40 };
    const first = await igtd(few, wide, { seed: 5, threads: 1 });
    expect(first.exact).toBe(false);
    expect(await igtd(few, wide, { seed: 5, threads: 2 })).toEqual(first);
    expect((await igtd(few, wide, { seed: 6 })).pixels).not.toEqual(first.pixels);
  });
});

describe("igtd refuses", () => {
  const x = matrixOf(fixture.cases[2]);
  it("more genes than pixels", async () => {
    await expect(igtd(x, { height: 4, width: 6 }, { seed: 1 })).rejects.toThrow(CellhueError);
  });
  it("a start that is none", async () => {
    const size = { height: 5, width: 5 };
    for (const start of [inOrder(24), inOrder(25).fill(3, 0, 2), inOrder(25).map((i) => i + 1)])
      await expect(igtd(x, size, { seed: 1, start })).rejects.toThrow(RangeError);
  });
  it("values that are not finite, and no samples", async () => {
    const data = x.data.slice();
    data[7] = Number.NaN;
    await expect(igtd({ ...x, data }, { height: 5, width: 5 }, { seed: 1 })).rejects.toThrow(/not finite/);
    const none: DenseMatrix = { kind: "dense", rows: 0, cols: 25, data: new Float32Array(0) };
    await expect(igtd(none, { height: 5, width: 5 }, { seed: 1 })).rejects.toThrow(RangeError);
  });
  it("to go on once the signal has fired", async () => {
    const signal = AbortSignal.abort();
    await expect(igtd(x, { height: 5, width: 5 }, { seed: 1, signal })).rejects.toThrow(InterruptedError);
  });
});

it("distanceAtRank and the ranks of a grid go back and forth", () => {
  const grid = pixelRanks({ height: 5, width: 8 });
  grid.ranks.forEach((rank, i) => {
    expect(distanceAtRank(grid, rank)).toBe(grid.distances[i]);
  });
});
