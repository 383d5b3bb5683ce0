/** The cases of test/oracles/baselines.py as typed arrays. */
import { readFileSync } from "node:fs";
import type { Features } from "../../../src/evaluate/baselines/classifier.js";

interface Raw {
  name: string;
  rows: number;
  cols: number;
  classes: number;
  denominator: number;
  x: number[];
  codes: number[];
  queries: number;
  query: number[];
  scaling: { mean: number[]; scale: number[] };
  majority: number[];
  knn: number[] | null;
  l2: { coefficients: number[]; intercepts: number[]; probabilities: number[] } | null;
  l1: number[] | null;
  numbers: number[] | null;
  centroid: { predicted: number[]; probabilities: number[] } | null;
}

export interface BaselineCase extends Omit<Raw, "x" | "codes" | "query"> {
  x: Features;
  codes: Int32Array;
  query: Features;
}

interface Fixture {
  cases: Raw[];
  predictability: {
    codes: number[];
    folds: number[];
    depth: number[];
    age: (number | null)[];
    plate: number[];
    site: number[];
    smoker: number[];
    probabilities: number[];
    accuracy: number;
    balancedAccuracy: number;
    majority: number;
  };
}

const fixture: Fixture = JSON.parse(readFileSync("test/fixtures/baselines.json", "utf8"));

export const predictabilityCase = fixture.predictability;

export const baselineCases: BaselineCase[] = fixture.cases.map((raw) => ({
  ...raw,
  x: features(
    raw.x.map((v) => v / raw.denominator),
    raw.cols,
  ),
  codes: Int32Array.from(raw.codes),
  query: features(
    raw.query.map((v) => v / raw.denominator),
    raw.cols,
  ),
}));

/** Samples × `cols`, row-major. */
export function features(values: readonly number[], cols: number): Features {
  return { rows: cols === 0 ? 0 : values.length / cols, cols, data: Float64Array.from(values) };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference; // NaN too
  }
  return largest;
}
