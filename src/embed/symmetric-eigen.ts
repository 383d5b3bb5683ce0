/**
 * Role: all eigenpairs of a small symmetric matrix, in float64, falling: Householder's tridiagonal form, then the implicit QL
 * method. (ml-matrix, which calls a function for each element, takes more than twice the time.)
 * Reference: EISPACK's tred2 and tql2 (Bowdler, Martin, Reinsch, Wilkinson 1971), in the form of JAMA, which is in the public
 * domain; with eigenvectors as rows, so that all inner loops run along memory.
 */

export interface Eigen {
  /** Falling. */
  values: Float64Array;
  /** m × m row-major; column i belongs to values[i]. */
  vectors: Float64Array;
}

/** Rows of a square matrix, as an integer: loops over a number that V8 holds to be a double take several times as long. */
export const orderOf = (a: ArrayLike<number>): number => Math.sqrt(a.length) | 0;

/** @param a symmetric, m × m row-major */
export function symmetricEigen(a: Float64Array): Eigen {
  const m = orderOf(a);
  const rows = new Float64Array(m * m);
  // Entries of at most 1, so that no square of theirs is too large or too small for a number.
  const scale = largestOf(a) || 1;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) rows[i * m + j] = (a[i * m + j] / scale + a[j * m + i] / scale) / 2;
  const [diagonal, beside] = [new Float64Array(m), new Float64Array(m)];
  if (m > 0) {
    tridiagonalise(rows, diagonal, beside);
    iterate(rows, diagonal, beside);
  }
  const order = Array.from(diagonal, (_, i) => i).sort((p, q) => diagonal[q] - diagonal[p] || p - q);
  const vectors = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    const row = order[i] * m;
    for (let j = 0; j < m; j++) vectors[j * m + i] = rows[row + j];
  }
  return { values: Float64Array.from(order, (i) => scale * diagonal[i]), vectors };
}

function largestOf(a: Float64Array): number {
  let largest = 0;
  for (let p = 0; p < a.length; p++) largest = Math.max(largest, Math.abs(a[p]));
  return largest;
}

/**
 * tred2: the matrix in `v` becomes the transposed product of the reflections, `d` the diagonal, and e[1 …] what is beside it.
 * Row j of `v` is what the reference calls column j.
 */
function tridiagonalise(v: Float64Array, d: Float64Array, e: Float64Array): void {
  const n = d.length;
  const last = n - 1;
  for (let j = 0; j < n; j++) d[j] = v[j * n + last];
  for (let i = last; i > 0; i--) {
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]);
    let h = 0;
    if (scale === 0) {
      e[i] = d[i - 1];
      for (let j = 0; j < i; j++) {
        d[j] = v[j * n + i - 1];
        v[j * n + i] = 0;
        v[i * n + j] = 0;
      }
    } else {
      for (let k = 0; k < i; k++) {
        d[k] /= scale;
        h += d[k] * d[k];
      }
      const f = d[i - 1];
      const g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
      e[i] = scale * g;
      h -= f * g;
      d[i - 1] = f - g;
      reflect(v, d, e, i, h);
    }
    d[i] = h;
  }
  accumulate(v, d);
  e[0] = 0;
}

/** One reflection from both sides. */
function reflect(v: Float64Array, d: Float64Array, e: Float64Array, i: number, h: number): void {
  const n = d.length;
  for (let j = 0; j < i; j++) e[j] = 0;
  for (let j = 0; j < i; j++) {
    const row = j * n;
    const f = d[j];
    v[i * n + j] = f;
    let g = e[j] + v[row + j] * f;
    for (let k = j + 1; k < i; k++) {
      g += v[row + k] * d[k];
      e[k] += v[row + k] * f;
    }
    e[j] = g;
  }
  let sum = 0;
  for (let j = 0; j < i; j++) {
    e[j] /= h;
    sum += e[j] * d[j];
  }
  const half = sum / (h + h);
  for (let j = 0; j < i; j++) e[j] -= half * d[j];
  for (let j = 0; j < i; j++) {
    const row = j * n;
    const f = d[j];
    const g = e[j];
    for (let k = j; k < i; k++) v[row + k] -= f * e[k] + g * d[k];
    d[j] = v[row + i - 1];
    v[row + i] = 0;
  }
}

/** The product of the reflections; `d` becomes the diagonal. */
function accumulate(v: Float64Array, d: Float64Array): void {
  const n = d.length;
  const last = n - 1;
  for (let i = 0; i < last; i++) {
    const next = (i + 1) * n;
    v[i * n + last] = v[i * n + i];
    v[i * n + i] = 1;
    const h = d[i + 1];
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[next + k] / h;
      for (let j = 0; j <= i; j++) {
        const row = j * n;
        let g = 0;
        for (let k = 0; k <= i; k++) g += v[next + k] * v[row + k];
        for (let k = 0; k <= i; k++) v[row + k] -= g * d[k];
      }
    }
    for (let k = 0; k <= i; k++) v[next + k] = 0;
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[j * n + last];
    v[j * n + last] = 0;
  }
  v[last * n + last] = 1;
}

/** tql2: `d` becomes the eigenvalues, in no order, and the rows of `v` the eigenvectors. */
function iterate(v: Float64Array, d: Float64Array, e: Float64Array): void {
  const n = d.length;
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(d[l]) + Math.abs(e[l]));
    const small = Number.EPSILON * largest;
    let m = l;
    while (m < n - 1 && Math.abs(e[m]) > small) m++;
    if (m > l)
      do {
        const g = d[l];
        let p = (d[l + 1] - g) / (2 * e[l]);
        const r = p < 0 ? -hypotenuse(p, 1) : hypotenuse(p, 1);
        d[l] = e[l] / (p + r);
        d[l + 1] = e[l] * (p + r);
        const beyond = d[l + 1];
        const h = g - d[l];
        for (let i = l + 2; i < n; i++) d[i] -= h;
        shift += h;
        p = d[m];
        let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0];
        const first = e[l + 1];
        for (let i = m - 1; i >= l; i--) {
          c3 = c2;
          c2 = c;
          s2 = s;
          const ce = c * e[i];
          const cp = c * p;
          const length = hypotenuse(p, e[i]);
          e[i + 1] = s * length;
          s = e[i] / length;
          c = p / length;
          p = c * d[i] - s * ce;
          d[i + 1] = cp + s * (c * ce + s * d[i]);
          rotate(v, i * n, n, c, s);
        }
        p = (-s * s2 * c3 * first * e[l]) / beyond;
        e[l] = s * p;
        d[l] = c * p;
      } while (Math.abs(e[l]) > small);
    d[l] += shift;
    e[l] = 0;
  }
}

/** The row that begins at `at` and the next one. */
function rotate(v: Float64Array, at: number, n: number, c: number, s: number): void {
  for (let k = at; k < at + n; k++) {
    const a = v[k];
    const b = v[k + n];
    v[k + n] = s * a + c * b;
    v[k] = c * a - s * b;
  }
}

/** √(a² + b²) without overflow. */
function hypotenuse(a: number, b: number): number {
  const large = Math.max(Math.abs(a), Math.abs(b));
  if (large === 0) return 0;
  const share = Math.min(Math.abs(a), Math.abs(b)) / large;
  return large * Math.sqrt(1 + share * share);
}
