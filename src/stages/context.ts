/** What every stage is given beside its run folder and settings. */
import type { Progress } from "../progress.js";

export interface StageContext {
  progress: Progress;
  signal?: AbortSignal;
}
