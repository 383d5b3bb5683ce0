/** What every stage is given beside its run folder and settings. */
import { availableParallelism } from "node:os";
import type { Settings } from "../config.js";
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

/** Threads of a fit; "all cores" as their number, by which t-SNE and UMAP decide whether to run side by side. */
export const fitThreads = ({ threads }: Pick<Settings, "threads">): number =>
  threads || availableParallelism();
