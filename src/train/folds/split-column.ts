/**
 * A fixed split out of a column of the file. Two forms:
 *  - train / test, in any case ("training" and "testing" too), with "validation", "valid" or "val" for a validation
 *    part: one fold;
 *  - names of folds: each is the test part once, the others train it; −1 is in training always. The folds of
 *    scikit-learn's `PredefinedSplit`, in its order (numbers as numbers, other names by code point).
 */
import { CellhueError } from "../../errors.js";
import { byCodePoint } from "../../io/labels.js";
import { visible } from "../../io/visible.js";
import { foldsFrom, type Parts } from "./fold.js";

export interface FixedSplit extends Parts {
  /** The fold's name in the column; "test" in a train / test column. */
  name: string;
}

type Part = "train" | "validation" | "test";
const parts = new Map<string, Part>([
  ["train", "train"],
  ["training", "train"],
  ["test", "test"],
  ["testing", "test"],
  ["validation", "validation"],
  ["valid", "validation"],
  ["val", "validation"],
]);

/**
 * @param values text of each row (`columnAsLabels`), null where missing
 * @param column name of the column, for the messages
 * @param rows row of the file of each value, for the messages; 0, 1, … where it is not given
 * @throws CellhueError a row without a value; one value only; train or test without the other, or beside fold names
 */
export function splitColumn(
  values: readonly (string | null)[],
  column: string,
  rows?: Int32Array,
): FixedSplit[] {
  const where = `obs column '${visible(column)}'`;
  const missing = values.filter((value) => value === null).length;
  if (missing > 0)
    throw new CellhueError(`${missing} of ${values.length} samples have no value in '${visible(column)}'`, {
      where,
      found: `first in row ${rows?.[values.indexOf(null)] ?? values.indexOf(null)}`,
      expected: "train or test, or the name of a fold, for every sample",
      remedy: "fill the column, or leave these samples out of the file",
    });
  const names = [...new Set(values as readonly string[])].sort(inOrder(values as readonly string[]));
  const listed = `${names
    .slice(0, 6)
    .map((name) => `'${visible(name, 60)}'`)
    .join(", ")}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;
  const partOf = new Map(names.map((name) => [name, parts.get(name.toLowerCase())]));
  if ([...partOf.values()].every((part) => part === undefined)) {
    const folds = names.filter((name) => name !== "-1");
    if (folds.length === 0 || names.length < 2)
      throw new CellhueError(`'${visible(column)}' makes no split`, {
        where,
        found: names.length === 0 ? "no samples" : `${listed} in all ${values.length} samples`,
        expected: "train and test, or the names of two or more folds",
      });
    const foldOf = Int32Array.from(values, (value) => folds.indexOf(value as string));
    return foldsFrom(foldOf, folds.length).map((fold, i) => ({
      name: folds[i],
      ...fold,
      validation: new Int32Array(0),
    }));
  }
  const members: Record<Part, number[]> = { train: [], validation: [], test: [] };
  values.forEach((value, row) => {
    const part = partOf.get(value as string);
    if (part !== undefined) members[part].push(row);
  });
  const stray = names.find((name) => partOf.get(name) === undefined);
  if (stray !== undefined || members.train.length === 0 || members.test.length === 0)
    throw new CellhueError(
      stray === undefined
        ? `'${visible(column)}' has no ${members.train.length === 0 ? "training" : "test"} samples`
        : `'${visible(column)}' mixes parts of a split with other names`,
      {
        where,
        found: listed,
        expected: "train and test (and validation, if you like) and nothing else, or names of folds only",
        remedy:
          stray === undefined ? undefined : `rename or leave out the samples of '${visible(stray, 60)}'`,
      },
    );
  return [
    {
      name: "test",
      train: Int32Array.from(members.train),
      validation: Int32Array.from(members.validation),
      test: Int32Array.from(members.test),
    },
  ];
}

/** Numbers by their value where all names are numbers, else names by code point. */
function inOrder(names: readonly string[]): (a: string, b: string) => number {
  const numeric = names.every((name) => Number.isFinite(Number(name)));
  return numeric ? (a, b) => Number(a) - Number(b) || byCodePoint(a, b) : byCodePoint;
}
