/**
 * Welch's t test of every gene, one class against all other samples: the classical ranking of marker genes, as
 * `scipy.stats.ttest_ind(class, rest, equal_var=False)` and scanpy's `rank_genes_groups(method="t-test")`.
 * Where the test is not defined (a gene that is constant in both parts, a part of fewer than two samples, a value that
 * is NaN) scipy has NaN; here t = 0 and p = 1, as in scanpy: nothing is known. Two constants that differ: t = ±∞, p = 0.
 * Reference: Welch 1947, "The generalization of 'Student's' problem".
 */
import { eachEntry, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";
import { checkCodes } from "./counts.js";
import { studentTCdf } from "./student-t.js";

export interface WelchT {
  /** classes × genes, row-major; > 0 where the class has the greater mean. */
  t: Float64Array;
  /** Two-sided, classes × genes. */
  p: Float64Array;
}

/**
 * @param x samples × genes; a sparse one stays sparse
 * @param codes class of each sample, 0…classes−1
 * @param tested the classes that are asked for; others have t = 0 and p = 1
 * @throws RangeError where shapes or codes do not fit
 */
export async function welchT(
  x: Matrix,
  codes: Int32Array,
  classes: number,
  tested: Iterable<number> = Array(classes).keys(),
  options?: PassOptions,
): Promise<WelchT> {
  checkCodes(codes, classes);
  if (codes.length !== x.rows) throw new RangeError(`welchT: ${codes.length} codes for ${x.rows} samples`);
  const genes = x.cols;
  const { sizes, means, squares } = await moments(x, codes, classes, options);
  const t = new Float64Array(classes * genes);
  const p = new Float64Array(classes * genes).fill(1);
  for (const c of tested) {
    const own = sizes[c];
    const rest = x.rows - own;
    if (own < 2 || rest < 2) continue;
    for (let gene = 0; gene < genes; gene++) {
      const at = c * genes + gene;
      let restMean = 0;
      for (let o = 0; o < classes; o++) if (o !== c) restMean += sizes[o] * means[o * genes + gene];
      restMean /= rest;
      let restSquares = 0; // of the other classes around their common mean
      for (let o = 0; o < classes; o++)
        if (o !== c)
          restSquares += squares[o * genes + gene] + sizes[o] * (means[o * genes + gene] - restMean) ** 2;
      const ofOwn = squares[at] / (own - 1) / own;
      const ofRest = restSquares / (rest - 1) / rest;
      const value = (means[at] - restMean) / Math.sqrt(ofOwn + ofRest);
      if (Number.isNaN(value)) continue;
      t[at] = value;
      const df = (ofOwn + ofRest) ** 2 / (ofOwn ** 2 / (own - 1) + ofRest ** 2 / (rest - 1));
      p[at] = Number.isFinite(value) ? Math.min(1, 2 * studentTCdf(-Math.abs(value), df)) : 0;
    }
  }
  return { t, p };
}

/** Of every class and gene: mean, and sum of squares around it, in two passes over what is stored. */
async function moments(x: Matrix, codes: Int32Array, classes: number, options?: PassOptions) {
  const genes = x.cols;
  const sizes = new Float64Array(classes);
  for (const code of codes) sizes[code]++;
  const means = new Float64Array(classes * genes);
  const stored = new Float64Array(classes * genes);
  for await (const { first, block } of rowBlocks(x, options))
    eachEntry(block, first, (row, gene, value) => {
      means[codes[row] * genes + gene] += value;
      stored[codes[row] * genes + gene]++;
    });
  for (let c = 0; c < classes; c++)
    for (let gene = 0; gene < genes && sizes[c] > 0; gene++) means[c * genes + gene] /= sizes[c];
  const squares = new Float64Array(classes * genes);
  for (let c = 0; c < classes; c++)
    for (let at = c * genes; at < (c + 1) * genes; at++)
      squares[at] = (sizes[c] - stored[at]) * means[at] ** 2; // the zeros that are not stored
  for await (const { first, block } of rowBlocks(x, options))
    eachEntry(block, first, (row, gene, value) => {
      const at = codes[row] * genes + gene;
      squares[at] += (value - means[at]) ** 2;
    });
  return { sizes, means, squares };
}
