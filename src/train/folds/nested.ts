/**
 * Inner folds for choosing hyper-parameters: folds of an outer fold's training rows alone, so that the choice never
 * sees the outer test part. What scikit-learn's nested cross-validation does, `inner.split(X[train], y[train])`, with
 * the rows given as rows of the file.
 */
import { type Fold, take } from "./fold.js";
import { type Cv, drawFolds, type Grouping } from "./make-folds.js";

export interface InnerOptions {
  /** As the outer folds; a fixed split has no inner one. */
  cv: Exclude<Cv, "split">;
  folds: number;
  seed: number;
  /** Of all rows of the file; needed by the group folds. */
  groups?: Grouping;
}

/**
 * @param outer only its training rows are used
 * @param codes class of each row of the file, 0 or more
 * @returns folds whose parts lie within `outer.train`
 * @throws RangeError where the training rows have too few groups, or rows of a class, for these folds
 */
export function nestedFolds(outer: Pick<Fold, "train">, codes: Int32Array, options: InnerOptions): Fold[] {
  const { train } = outer;
  const { cv, folds, seed, groups } = options;
  const inner = groups && { names: groups.names, codes: take(groups.codes, train) };
  const [round] = drawFolds(take(codes, train), { cv, folds, repeats: 1, seed, groups: inner });
  return round.map((fold) => ({ train: take(train, fold.train), test: take(train, fold.test) }));
}
