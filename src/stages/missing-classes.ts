/** Warns of classes of which no held-out sample was classified rightly: one line each, or one for many of them. */
import { visible } from "../io/visible.js";
import type { Progress } from "../progress.js";

const MOST_LINES = 20;
const NAMED = 5;

/** @param lacks what they go without, e.g. "nothing explains it" and of many "nothing explains them" */
export function warnOfMissing(
  progress: Progress,
  labels: readonly string[],
  net: string,
  lacks: { one: string; many: string },
): void {
  if (labels.length <= MOST_LINES) {
    for (const label of labels)
      progress.warn(`no held-out sample of '${label}' was classified rightly by ${net}: ${lacks.one}`);
    return;
  }
  const named = labels.slice(0, NAMED).map((label) => `'${visible(label, 80)}'`);
  progress.warn(
    `no held-out sample of ${labels.length} classes (${named.join(", ")}, …) was classified rightly by ${net}: ${lacks.many}`,
  );
}
