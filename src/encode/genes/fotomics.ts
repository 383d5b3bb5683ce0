/**
 * Layout of genes by Fourier transform (Fotomics, METHOD §4): of each training sample's scaled values over the genes in
 * the order of the file, the transform, its zero frequency moved to the middle; outliers set to 0; the mean over the
 * samples. So index j of the genes lies at (real, imaginary) of coefficient j.
 * What to know of it: a gene's place follows from its number in the file alone, so the layout depends on the order of
 * the genes; and as the values are real, it is mirror-symmetric about the x axis.
 */
import { breathe } from "../../embed/scran.js";
import { fillRows, type Matrix } from "../../matrix.js";
import { type Progress, silent } from "../../progress.js";
import { type Complex, fourierTransform } from "./fft.js";
import type { Points } from "./points.js";
import { applyScaling, type Scaling } from "./scaling.js";

export interface FotomicsOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Beyond the percentiles 10 and 90 by more than this many of their distances is an outlier. */
const REACH = 1.5;
/** Samples between two looks at the signal. */
const SLICE = 16;

/**
 * @param x training samples × genes
 * @param scaling fitted on them ("norm2" as published)
 * @returns a place for each gene
 * @throws RangeError where there are no samples or genes
 */
export async function fotomicsLayout(
  x: Matrix,
  scaling: Scaling,
  options: FotomicsOptions = {},
): Promise<Points> {
  const { progress = silent, signal } = options;
  const { rows: n, cols: genes } = x;
  if (n === 0) throw new RangeError("fotomicsLayout: no samples");
  const transform = fourierTransform(genes);
  const points = new Float64Array(2 * genes);
  const row = new Float32Array(genes);
  const values: Complex = { re: new Float64Array(genes), im: new Float64Array(genes) };
  const task = progress.task("Fourier transforms", n);
  try {
    for (let i = 0; i < n; i++) {
      if (i % SLICE === 0) {
        await breathe(signal);
        task.update(i);
      }
      fillRows(x, [i], row);
      applyScaling(row, scaling, values.re);
      values.im.fill(0);
      transform(values);
      [values.re, values.im].forEach((part, axis) => {
        dropOutliers(part);
        // numpy's fftshift
        for (let k = 0; k < genes; k++) points[2 * ((k + (genes >> 1)) % genes) + axis] += part[k] / n;
      });
    }
    task.update(n);
    return points;
  } finally {
    task.end();
  }
}

/** Sets to 0 what lies far outside of the middle 80 %. */
function dropOutliers(values: Float64Array): void {
  const sorted = values.slice().sort();
  const low = percentile(sorted, 0.1);
  const high = percentile(sorted, 0.9);
  const reach = REACH * (high - low);
  for (let k = 0; k < values.length; k++)
    if (values[k] < low - reach || values[k] > high + reach) values[k] = 0;
}

/** numpy's default, linear between the two nearest. */
function percentile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
