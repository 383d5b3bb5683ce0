/**
 * How far a class is predictable from a few known columns, by logistic regression (L2) on given folds: the label from
 * the patient, the plate or the number of genes, or the batch from what an image holds. What is predictable without
 * looking at expression is a leak, or a confounder.
 * Numbers are standardised, a missing one counts as the mean and is marked by an indicator where the training samples
 * have missing ones; all else becomes one indicator a level, "missing" being a level of its own; a level that the
 * training samples lack is none of them. As scikit-learn's pipeline of StandardScaler, SimpleImputer(add_indicator=True)
 * and OneHotEncoder(handle_unknown="ignore") before LogisticRegression.
 */
import type { Progress } from "../../progress.js";
import type { Column } from "../../table.js";
import type { Fold } from "../../train/folds/fold.js";
import { accuracy } from "../accuracy.js";
import { balancedAccuracy } from "../balanced-accuracy.js";
import { argmaxRows } from "../metrics.js";
import type { Features } from "./classifier.js";
import { runBaseline } from "./index.js";
import { fitScaling } from "./standardise.js";

export interface Predictability {
  /** Rows that were in a test set, rising; what follows is in their order. */
  readonly rows: Int32Array;
  readonly predicted: Int32Array;
  /** Rows × classes, row-major. */
  readonly probabilities: Float64Array;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Accuracy of always predicting the largest class of the training samples, on the same folds. */
  readonly majority: number;
}

/**
 * @param columns one value a row each; a column that names samples (a value a row) has nothing to generalise from and
 *   makes a matrix of rows × rows: leave it out
 * @param codes class of each row, in 0…classes−1
 * @param folds a row is in one test set at most
 * @throws RangeError where lengths or codes do not fit, there is no column or fold, a row is tested twice, or a number
 *   is infinite
 */
export function predictability(
  columns: readonly Column[],
  codes: Int32Array,
  classes: number,
  folds: readonly Fold[],
  progress?: Progress,
): Predictability {
  if (columns.length === 0) throw new RangeError("predictability: no columns");
  columns.forEach((column, c) => {
    const length = lengthOf(column);
    if (length !== codes.length)
      throw new RangeError(`predictability: column ${c} has ${length} values for ${codes.length} rows`);
  });
  const all = new Float64Array(codes.length * classes);
  const guesses = new Float64Array(codes.length * classes);
  const tested = new Uint8Array(codes.length);
  for (const { train, test } of folds) {
    const encoders = columns.map((column) => encoder(column, train));
    const x = encode(encoders, train);
    const query = encode(encoders, test);
    const known = Int32Array.from(train, (row) => codes[row]);
    const probabilities = runBaseline("logistic_l2", x, known, classes, query, progress);
    const shares = runBaseline("majority", x, known, classes, query);
    test.forEach((row, i) => {
      if (tested[row]) throw new RangeError(`predictability: row ${row} is tested twice`);
      tested[row] = 1;
      all.set(probabilities.subarray(i * classes, (i + 1) * classes), row * classes);
      guesses.set(shares.subarray(i * classes, (i + 1) * classes), row * classes);
    });
  }

  const rows = codes.map((_, row) => row).filter((row) => tested[row] === 1);
  const actual = rows.map((row) => codes[row]);
  const pooled = (values: Float64Array) => values.filter((_, i) => tested[Math.floor(i / classes)] === 1);
  const probabilities = pooled(all);
  const predicted = argmaxRows(probabilities, classes);
  return {
    rows,
    predicted,
    probabilities,
    accuracy: accuracy(actual, predicted),
    balancedAccuracy: balancedAccuracy(actual, predicted, classes),
    majority: accuracy(actual, argmaxRows(pooled(guesses), classes)),
  };
}

/** Writes the features of a row to `out` from `at` on; the array is filled with zeros before. */
interface Encoder {
  width: number;
  write(row: number, out: Float64Array, at: number): void;
}

function encode(encoders: readonly Encoder[], rows: Int32Array): Features {
  const cols = encoders.reduce((sum, { width }) => sum + width, 0);
  const data = new Float64Array(rows.length * cols);
  rows.forEach((row, i) => {
    let at = i * cols;
    for (const { width, write } of encoders) {
      write(row, data, at);
      at += width;
    }
  });
  return { rows: rows.length, cols, data };
}

function encoder(column: Column, train: Int32Array): Encoder {
  return column.kind === "number" ? numberEncoder(column.values, train) : levelEncoder(column, train);
}

function numberEncoder(values: Float64Array, train: Int32Array): Encoder {
  const known = Float64Array.from(train, (row) => values[row]).filter((v) => !Number.isNaN(v));
  const { mean, scale } =
    known.length > 0
      ? fitScaling({ rows: known.length, cols: 1, data: known })
      : { mean: [Number.NaN], scale: [1] }; // nothing is known: every row counts as the mean
  const marked = known.length < train.length;
  return {
    width: marked ? 2 : 1,
    write(row, out, at) {
      const value = (values[row] - mean[0]) / scale[0];
      out[at] = Number.isNaN(value) ? 0 : value;
      if (marked && Number.isNaN(values[row])) out[at + 1] = 1;
    },
  };
}

function levelEncoder(column: Exclude<Column, { kind: "number" }>, train: Int32Array): Encoder {
  // -1 and null, which stand for missing, are levels like any other
  const values = column.kind === "categorical" ? column.codes : column.values;
  const place = new Map<number | string | null, number>();
  for (const row of train) if (!place.has(values[row])) place.set(values[row], place.size);
  return {
    width: place.size,
    write(row, out, at) {
      const level = place.get(values[row]);
      if (level !== undefined) out[at + level] = 1;
    },
  };
}

function lengthOf(column: Column): number {
  return column.kind === "categorical" ? column.codes.length : column.values.length;
}
