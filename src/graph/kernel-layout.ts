/**
 * Role: weights of dense convolutions in the order in which the blocked kernels and their gradients have them, so that a
 * training brings them there once and not at every step.
 * Contract: K×C×kh×kw ↔ C/b × K/b × kh × kw × b of C × b of K, for whole blocks and kernels of several positions.
 */

/** Whether weights of these dims are held so on a processor with blocks of b channels. */
export function heldInBlocks(dims: readonly number[], b: number): boolean {
  const [k, c, kh, kw] = dims;
  return b > 1 && dims.length === 4 && k % b === 0 && c % b === 0 && kh * kw > 1;
}

/** Calls `move(plain, blocked)` with the two places of every value of one input and one output channel. */
function places(
  [k, c, kh, kw]: readonly number[],
  b: number,
  move: (plain: number, blocked: number) => void,
): void {
  for (let i = 0; i < k; i++)
    for (let j = 0; j < c; j++) move((i * c + j) * kh * kw, placeOf(i, j, k / b, kh * kw, b));
}

const placeOf = (i: number, j: number, outer: number, positions: number, b: number): number =>
  ((Math.floor(j / b) * outer + Math.floor(i / b)) * positions * b + (j % b)) * b + (i % b);

export function toKernels(plain: Float32Array, dims: readonly number[], b: number): Float32Array {
  const blocked = new Float32Array(plain.length);
  const positions = dims[2] * dims[3];
  places(dims, b, (from, to) => {
    for (let p = 0; p < positions; p++) blocked[to + p * b * b] = plain[from + p];
  });
  return blocked;
}

export function fromKernels(blocked: Float32Array, dims: readonly number[], b: number): Float32Array {
  const plain = new Float32Array(blocked.length);
  const positions = dims[2] * dims[3];
  places(dims, b, (to, from) => {
    for (let p = 0; p < positions; p++) plain[to + p] = blocked[from + p * b * b];
  });
  return plain;
}
