/** Warns of classes about which the run can say nothing: one line each, or one for many of them. */
import { visible } from "../io/visible.js";
import type { Progress } from "../progress.js";
import { type ExplainedClass, emptyClassWords, emptyWords } from "../report/genes-report.js";

const MOST_LINES = 20;
const NAMED = 5;

/** Of classes without a held-out sample that was classified rightly. @param lacks what they go without, e.g. "nothing explains it" and of many "nothing explains them" */
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
  progress.warn(
    `no held-out sample of ${labels.length} classes (${firstOf(labels)}) was classified rightly by ${net}: ${lacks.many}`,
  );
}

/** Of classes with samples of which the method's map is 0 everywhere. */
export function warnOfEmpty(progress: Progress, classes: readonly ExplainedClass[], method: string): void {
  const found = classes.filter(({ empty }) => empty > 0);
  if (found.length <= MOST_LINES) {
    for (const one of found) progress.warn(`'${visible(one.label, 80)}': ${emptyClassWords(method, one)}`);
    return;
  }
  const labels = found.map(({ label }) => label);
  progress.warn(
    emptyWords(method, ` in some or all samples of ${found.length} classes (${firstOf(labels)})`),
  );
}

const firstOf = (labels: readonly string[]) =>
  `${labels
    .slice(0, NAMED)
    .map((label) => `'${visible(label, 80)}'`)
    .join(", ")}, …`;
