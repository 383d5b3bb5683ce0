/**
 * The discrete Fourier transform of any length, in float64: X_k = Σ x_j · exp(−2πi jk / n), as numpy.fft.fft.
 * Powers of two by the radix-2 algorithm of Cooley & Tukey 1965; all other lengths as a convolution of such a length by
 * Bluestein 1970 (the chirp z-transform).
 */

/** Complex numbers, real and imaginary parts apart. */
export interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** @returns the transform for this length: a function that changes its argument in place */
export function fourierTransform(n: number): (x: Complex) => void {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`fourierTransform: no length ${n}`);
  return (n & (n - 1)) === 0 ? radix2(n) : bluestein(n);
}

function radix2(n: number): (x: Complex) => void {
  const cos = Float64Array.from({ length: n / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: n / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
  /** Each index with its bits reversed. */
  const place = new Int32Array(n);
  for (let i = 1; i < n; i++) place[i] = (place[i >> 1] >> 1) | (i & 1 ? n >> 1 : 0);
  return ({ re, im }) => {
    for (let i = 0; i < n; i++) {
      const j = place[i];
      if (j <= i) continue;
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
    for (let half = 1; half < n; half *= 2) {
      const step = n / (2 * half);
      for (let first = 0; first < n; first += 2 * half)
        for (let k = 0; k < half; k++) {
          const [c, s] = [cos[k * step], sin[k * step]];
          const p = first + k;
          const q = p + half;
          const a = re[q] * c - im[q] * s;
          const b = re[q] * s + im[q] * c;
          re[q] = re[p] - a;
          im[q] = im[p] - b;
          re[p] += a;
          im[p] += b;
        }
    }
  };
}

/** jk = (j² + k² − (k − j)²) / 2 makes the transform a convolution with the chirp exp(πi j² / n). */
function bluestein(n: number): (x: Complex) => void {
  let m = 1;
  while (m < 2 * n - 1) m *= 2;
  const transform = radix2(m);
  const chirp: Complex = { re: new Float64Array(n), im: new Float64Array(n) };
  const kernel: Complex = { re: new Float64Array(m), im: new Float64Array(m) };
  for (let j = 0; j < n; j++) {
    const angle = (Math.PI * ((j * j) % (2 * n))) / n; // reduced first: a large angle would lose digits
    chirp.re[j] = Math.cos(angle);
    chirp.im[j] = Math.sin(angle);
    for (const at of j === 0 ? [0] : [j, m - j]) {
      kernel.re[at] = chirp.re[j];
      kernel.im[at] = chirp.im[j];
    }
  }
  transform(kernel);
  const re = new Float64Array(m);
  const im = new Float64Array(m);
  return (x) => {
    re.fill(0);
    im.fill(0);
    for (let j = 0; j < n; j++) {
      re[j] = x.re[j] * chirp.re[j] + x.im[j] * chirp.im[j];
      im[j] = x.im[j] * chirp.re[j] - x.re[j] * chirp.im[j];
    }
    transform({ re, im });
    for (let k = 0; k < m; k++) {
      const a = re[k] * kernel.re[k] - im[k] * kernel.im[k];
      im[k] = -(re[k] * kernel.im[k] + im[k] * kernel.re[k]); // conjugated, so that the same transform leads back
      re[k] = a;
    }
    transform({ re, im });
    for (let k = 0; k < n; k++) {
      x.re[k] = (re[k] * chirp.re[k] - im[k] * chirp.im[k]) / m;
      x.im[k] = (-im[k] * chirp.re[k] - re[k] * chirp.im[k]) / m;
    }
  };
}
