/**
 * Leave one group out: each group is the test part once, in the order of its code. The folds of scikit-learn's
 * `LeaveOneGroupOut`, index for index.
 */
import { type Fold, foldsFrom, rankCodes } from "./fold.js";

/**
 * @param groups group of each row, 0 or more; codes need not be contiguous
 * @returns one fold a group, by rising code
 * @throws RangeError where there are fewer than two groups
 */
export function leaveOneGroupOut(groups: Int32Array): Fold[] {
  const { ranks, counts } = rankCodes(groups, "group", "leaveOneGroupOut");
  if (counts.length < 2) throw new RangeError(`leaveOneGroupOut: ${counts.length} groups; at least 2`);
  return foldsFrom(ranks, counts.length);
}
