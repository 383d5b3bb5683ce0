/** What every stage is given beside its run folder and settings. */
import type { Progress } from "../progress.js";

export interface StageContext {
  progress: Progress;
  signal?: AbortSignal;
  /** Seconds between two checkpoints of a training; default: 60. */
  checkpointSeconds?: number;
}

/** The same without notes and warnings: for what is said once and done many times. */
export const onlyBars = ({ progress, ...rest }: StageContext): StageContext => ({
  ...rest,
  progress: { task: (name, total) => progress.task(name, total), note() {}, warn() {} },
});
