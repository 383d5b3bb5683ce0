/** What every stage is given beside its run folder and settings. */
import type { Progress } from "../progress.js";

export interface StageContext {
  progress: Progress;
  signal?: AbortSignal;
}

/** The same without notes and warnings: for what is said once and done many times. */
export const onlyBars = ({ progress, signal }: StageContext): StageContext => ({
  progress: { task: (name, total) => progress.task(name, total), note() {}, warn() {} },
  signal,
});
