/**
 * Memory before a run begins: where a machine or its container has less than a run takes at least, the system would end the
 * process without a word (SIGKILL), so it is told beforehand.
 */
import { totalmem } from "node:os";
import type { XInfo } from "../io/reader.js";

/** The smallest run ends in a container of 400 MB and not in one of 300 MB (bench/reliability.mjs). */
const LEAST = 350e6;

/** What this process may hold: of the machine, or of its container (cgroup), if that is less. */
export const memoryLimit = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

/**
 * A lower bound of what a run holds: libraries, the matrix, and the training samples' part of it.
 * @returns a warning, or undefined where that fits
 */
export function memoryCaution(
  { samples, genes, x }: { samples: number; genes: number; x: XInfo },
  limit = memoryLimit(),
): string | undefined {
  // float32 values; of a sparse matrix int32 columns as well.
  const matrix = x.nonzero === null ? 4 * samples * genes : 8 * x.nonzero;
  const least = LEAST + 2 * matrix;
  if (least <= limit) return undefined;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return `this process may hold ${gigabytes(limit)} of memory, a run of ${samples} samples × ${genes} genes takes more than ${gigabytes(least)}: the system may end it without a word; give it more, or keep fewer samples or genes in the file`;
}
