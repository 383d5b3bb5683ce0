/** How much of X may be held in memory; what is larger is read in blocks of rows, with the same results. */
import { totalmem } from "node:os";

/** Share of the machine's memory, where nothing is said. */
const SHARE = 1 / 4;

/** @param gigabytes as the setting `memory` has it; 0: a quarter of what this process may use. @returns bytes */
export function memoryLimit(gigabytes = 0): number {
  if (gigabytes > 0) return gigabytes * 2 ** 30;
  const allowed = process.constrainedMemory?.() ?? 0; // 0, or beyond all memory, where nothing constrains it
  return SHARE * (allowed > 0 ? Math.min(allowed, totalmem()) : totalmem());
}
