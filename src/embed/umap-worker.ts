/** The thread of `umap-thread.ts`: makes one map and hands it over. */
import { parentPort, workerData } from "node:worker_threads";
import { silent } from "../progress.js";
import { umap } from "./umap.js";
import type { UmapAnswer, UmapJob } from "./umap-thread.js";

const { scores, n, k, options } = workerData as UmapJob;
const tell = (answer: UmapAnswer) => parentPort?.postMessage(answer);
try {
  const progress = { ...silent, warn: (warning: string) => tell({ warning }) };
  tell({ map: await umap(scores, n, k, { ...options, progress }) });
} catch (error) {
  tell({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
