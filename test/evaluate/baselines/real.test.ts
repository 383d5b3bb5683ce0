/**
 * The baselines against scikit-learn's on six real sets, by the recipe of test/oracles/baselines_real.py, all the way
 * from the file: reader, folds, standardised genes, principal components, baseline.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { maxComponents, type Pca, pca } from "../../../src/embed/pca.js";
import type { Features } from "../../../src/evaluate/baselines/classifier.js";
import { type BaselineName, runBaseline } from "../../../src/evaluate/baselines/index.js";
import { fitScaling, type Scaling, standardise } from "../../../src/evaluate/baselines/standardise.js";
import { argmaxRows } from "../../../src/evaluate/metrics.js";
import { resolveLabels } from "../../../src/io/labels.js";
import { openExpression } from "../../../src/io/reader.js";
import type { DenseMatrix, HeldMatrix } from "../../../src/matrix.js";
import { RandomState } from "../../../src/random.js";
import { stratifiedKFold } from "../../../src/train/folds/stratified.js";

interface RealSet {
  path: string;
  label: string;
  samples: number;
  classes: number;
  folds: number[];
  /** Right predictions of each fold. */
  right: Record<BaselineName, number[]>;
  accuracy: Record<BaselineName, number>;
}
const { sets }: { sets: Record<string, RealSet> } = JSON.parse(
  readFileSync("test/fixtures/baselines_real.json", "utf8"),
);

function dense(x: HeldMatrix): DenseMatrix {
  if (x.kind === "dense") return x;
  const data = new Float32Array(x.rows * x.cols);
  for (let i = 0; i < x.rows; i++)
    for (let p = x.indptr[i]; p < x.indptr[i + 1]; p++) data[i * x.cols + x.indices[p]] = x.values[p];
  return { kind: "dense", rows: x.rows, cols: x.cols, data };
}

function take(x: DenseMatrix, rows: Int32Array): DenseMatrix {
  const { cols } = x;
  const data = new Float32Array(rows.length * cols);
  rows.forEach((row, i) => {
    data.set(x.data.subarray(row * cols, (row + 1) * cols), i * cols);
  });
  return { kind: "dense", rows: rows.length, cols, data };
}

function standardGenes(x: DenseMatrix, scaling: Scaling): DenseMatrix {
  return { ...x, data: standardise(x, scaling).data as Float32Array };
}

/** (x − mean) · loadingsᵀ */
function project(x: DenseMatrix, { components, loadings, mean }: Pca): Features {
  const data = new Float64Array(x.rows * components);
  for (let i = 0; i < x.rows; i++)
    for (let c = 0; c < components; c++) {
      let sum = 0;
      for (let j = 0; j < x.cols; j++) sum += (x.data[i * x.cols + j] - mean[j]) * loadings[c * x.cols + j];
      data[i * components + c] = sum;
    }
  return { rows: x.rows, cols: components, data };
}

function firstFour({ rows, cols, data }: Features): Features {
  return { rows, cols: 4, data: data.filter((_, i) => i % cols < 4) };
}

async function rightPredictions(set: RealSet): Promise<Record<string, number[]>> {
  const reader = await openExpression(set.path);
  const x = dense(reader.readMatrix());
  // one class of the brain tumours is smaller than five folds: the folds exist all the same
  const { codes, classes } = resolveLabels(reader.obs(), set.label, { dropUnlabelled: false, folds: 2 });
  reader.close();
  expect([codes.length, classes.length]).toEqual([set.samples, set.classes]);
  const right: Record<string, number[]> = {};
  for (const { train, test } of stratifiedKFold(codes, 5, 42)) {
    const known = take(x, train);
    const scaling = fitScaling(known);
    const genes = standardGenes(known, scaling);
    const components = Math.min(50, maxComponents(genes.rows, genes.cols));
    const fitted = await pca(genes, { components, random: new RandomState(42), threads: 2 });
    const scores = project(genes, fitted);
    const query = project(standardGenes(take(x, test), scaling), fitted);
    const target = Int32Array.from(train, (row) => codes[row]);
    for (const name of Object.keys(set.right) as BaselineName[]) {
      const [a, b] = name === "four_numbers" ? [firstFour(scores), firstFour(query)] : [scores, query];
      const predicted = argmaxRows(runBaseline(name, a, target, classes.length, b), classes.length);
      right[name] ??= [];
      right[name].push(predicted.filter((code, i) => code === codes[test[i]]).length);
    }
  }
  return right;
}

describe("baselines on real sets equal scikit-learn's", () => {
  it("know six sets, the demonstration set among them", () => {
    expect(Object.keys(sets)).toHaveLength(6);
    expect(existsSync(sets.infercnvpy_oligodendroglioma.path)).toBe(true);
  });

  for (const [name, set] of Object.entries(sets))
    it.skipIf(!existsSync(set.path))(`${name}, ${set.samples} samples (needs ${set.path})`, async () => {
      const right = await rightPredictions(set);
      for (const [baseline, counts] of Object.entries(right)) {
        const accuracy = counts.reduce((a, b) => a + b) / set.samples;
        expect(Math.abs(accuracy - set.accuracy[baseline as BaselineName]), baseline).toBeLessThan(0.005);
      }
    });
});
