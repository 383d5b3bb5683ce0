/**
 * How much of X may be held in memory; what is larger is read in blocks of rows, with the same results. And whether a run fits at
 * all: where it does not, the system would end the process without a word, so it is told beforehand.
 */
import { totalmem } from "node:os";

/** Share of the machine's memory, where nothing is said. */
const SHARE = 1 / 4;

/** The smallest run ends in a container of 400 MB and not in one of 300 MB (bench/reliability.mjs). */
const LEAST = 350e6;

/** What this process may use: the machine's memory, or its container's, if that is less. */
function allowedMemory(): number {
  const allowed = process.constrainedMemory?.() ?? 0; // 0, or beyond all memory, where nothing constrains it
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** @param gigabytes as the setting `memory` has it; 0: a quarter of what this process may use. @returns bytes */
export const memoryLimit = (gigabytes = 0): number =>
  gigabytes > 0 ? gigabytes * 2 ** 30 : SHARE * allowedMemory();

/**
 * @param held bytes of X that are held at once
 * @returns a warning where a run cannot fit, or undefined
 */
export function memoryCaution(held: number, allowed = allowedMemory()): string | undefined {
  const least = LEAST + held;
  if (least <= allowed) return undefined;
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GB`;
  return `this process may use ${gigabytes(allowed)} of memory and takes at least ${gigabytes(least)}: the system may end it without a word; give it more, or a smaller --memory`;
}
