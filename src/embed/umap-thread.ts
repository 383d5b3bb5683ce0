/**
 * UMAP in a thread of its own, beside what the main thread does: its steps have one thread, and t-SNE hardly gains by a
 * second one, so the two together take as long as t-SNE alone.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { throwIfAborted } from "../errors.js";
import type { UmapOptions } from "./umap.js";

export interface UmapJob {
  readonly scores: Float32Array;
  readonly n: number;
  readonly k: number;
  readonly options: Omit<UmapOptions, "progress" | "signal">;
}
export type UmapAnswer =
  | { readonly map: Float32Array }
  | { readonly failure: string }
  | { readonly warning: string };

const script = new URL("./umap-worker.js", import.meta.url);

/** Whether there is a compiled thread beside this file; where a test runner runs the sources, there is none. */
export const hasUmapThread = (): boolean => existsSync(fileURLToPath(script));

/** As `umap`; without a bar, since other work shows one. */
export async function umapInThread(
  scores: Float32Array,
  n: number,
  k: number,
  { progress, signal, ...options }: UmapOptions,
): Promise<Float32Array> {
  throwIfAborted(signal);
  const job: UmapJob = { scores, n, k, options };
  const worker = new Worker(script, { workerData: job, execArgv: [] });
  const stop = () => void worker.terminate();
  signal?.addEventListener("abort", stop);
  try {
    return await new Promise<Float32Array>((resolve, reject) => {
      worker.on("message", (answer: UmapAnswer) => {
        if ("warning" in answer) progress?.warn(answer.warning);
        else if ("map" in answer) resolve(answer.map);
        else reject(new Error(answer.failure));
      });
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("UMAP: its thread has ended early")));
    });
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    await worker.terminate();
  }
}
