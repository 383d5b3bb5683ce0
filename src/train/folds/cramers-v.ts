/**
 * Cramér's V: how far two sets of classes go together, 0 (independent) to 1 (the one with fewer values follows from the
 * other). As `scipy.stats.contingency.association(table, method="cramer")`, without bias correction: with few samples a
 * cell it is above 0 by chance alone.
 * Reference: Cramér 1946, "Mathematical Methods of Statistics", p. 282.
 */
import { rankCodes, requireSameLength } from "./fold.js";

/**
 * @param a code of each row, 0 or more; codes need not be contiguous
 * @param b as `a`
 * @returns NaN where either has fewer than two different values
 */
export function cramersV(a: Int32Array, b: Int32Array): number {
  requireSameLength(a, b, "cramersV");
  const rows = rankCodes(a, "class", "cramersV");
  const columns = rankCodes(b, "group", "cramersV");
  const [height, width] = [rows.counts.length, columns.counts.length];
  if (height < 2 || width < 2) return Number.NaN;
  const table = new Float64Array(height * width);
  for (let i = 0; i < a.length; i++) table[rows.ranks[i] * width + columns.ranks[i]]++;
  let chi2 = 0;
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) {
      const expected = (rows.counts[r] * columns.counts[c]) / a.length;
      chi2 += (table[r * width + c] - expected) ** 2 / expected;
    }
  return Math.sqrt(chi2 / a.length / (Math.min(height, width) - 1));
}
