/**
 * Role: of every row of a matrix a hash of its values and a short sketch of it, in one pass, so that rows can be told apart
 * without being read again.
 * Contract: equal rows have equal hashes, whether their zeros are stored or not; correlations by sketches are right on average, and
 * for rows whose correlation is r within about (1 − r²) / √WIDTH.
 * Reference: Charikar, Chen & Farach-Colton 2002, "Finding frequent items in data streams" (the count sketch).
 */
import { eachEntry, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";
import { RandomState } from "../random.js";

const WIDTH = 64;

export interface RowSketches {
  /** Two a row. */
  readonly hashes: Uint32Array;
  /** Correlation of two rows, each gene centred first; about. */
  correlation(a: number, b: number): number;
}

/** @param means of the genes */
export async function rowSketches(
  x: Matrix,
  means: Float64Array,
  options?: PassOptions,
): Promise<RowSketches> {
  const { rows, cols } = x;
  const random = new RandomState(0x5ce7);
  const place = Int32Array.from({ length: cols }, () => Math.floor(WIDTH * random.random()));
  const sign = Float64Array.from({ length: cols }, () => (random.random() < 0.5 ? -1 : 1));
  const sketch = (value: (gene: number) => number) => {
    const out = new Float64Array(WIDTH);
    for (let j = 0; j < cols; j++) out[place[j]] += sign[j] * value(j);
    return out;
  };
  const ofMeans = sketch((j) => means[j]);
  const ofOnes = sketch(() => 1);
  const total = means.reduce((a, b) => a + b, 0);

  const sketches = new Float32Array(rows * WIDTH);
  const hashes = new Uint32Array(2 * rows);
  const sums = new Float64Array(rows);
  const bits = new Float32Array(1);
  const word = new Uint32Array(bits.buffer);
  const raw = new Float64Array(WIDTH);
  let current = -1;
  const finish = () => {
    if (current < 0) return;
    const shift = (sums[current] - total) / cols;
    for (let c = 0; c < WIDTH; c++) {
      sketches[current * WIDTH + c] = raw[c] - ofMeans[c] - shift * ofOnes[c];
      raw[c] = 0;
    }
  };
  for await (const { first, block } of rowBlocks(x, options)) {
    let next = first;
    const upTo = (row: number) => {
      for (; next <= row; next++) {
        finish(); // rows without entries too
        current = next;
      }
    };
    eachEntry(block, first, (row, gene, value) => {
      if (row >= next) upTo(row);
      if (value === 0) return; // of either sign
      raw[place[gene]] += sign[gene] * value;
      sums[row] += value;
      bits[0] = value;
      hashes[2 * row] = Math.imul(hashes[2 * row] ^ word[0], 0x01000193) ^ gene;
      hashes[2 * row + 1] = Math.imul(
        hashes[2 * row + 1] + word[0] + Math.imul(gene, 0x9e3779b1),
        0x85ebca6b,
      );
      hashes[2 * row + 1] ^= hashes[2 * row + 1] >>> 15;
    });
    upTo(first + block.rows - 1);
  }
  finish();

  return {
    hashes,
    correlation(a, b) {
      let [aa, bb, ab] = [0, 0, 0];
      for (let c = 0; c < WIDTH; c++) {
        const [u, v] = [sketches[a * WIDTH + c], sketches[b * WIDTH + c]];
        aa += u * u;
        bb += v * v;
        ab += u * v;
      }
      return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
    },
  };
}

/** By how much a correlation by sketches may be off where the true one is r; six standard deviations. */
export const sketchError = (r: number): number => (6 * (1 - r * r)) / Math.sqrt(WIDTH);
