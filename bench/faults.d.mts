/** Types of faults.mjs. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}
export interface StartOptions {
  through?: readonly string[];
  crash?: string;
  checkpoint?: number;
  env?: Record<string, string>;
}
export interface Started {
  child: import("node:child_process").ChildProcess;
  ended: Promise<Ended>;
  isOver(): boolean;
  kill(signal: NodeJS.Signals): void;
}
export interface Difference {
  name: string;
  why: "missing" | "differs" | "left over";
  lost: number;
}
export const main: string;
export const runs: { deepinsight: string[]; spectral: string[] };
export function command(file: string, out: string, settings: readonly string[]): string[];
export function start(args: readonly string[], options?: StartOptions): Started;
export function cellhue(args: readonly string[], options?: StartOptions): Promise<Ended>;
export function record(
  out: string,
): { stages: Record<string, { state: string; seconds?: number }> } | undefined;
export function stageAt(out: string): string;
export function reached(run: Started, out: string, stage: string): Promise<void>;
export function signalled(
  args: readonly string[],
  out: string,
  moment: { stage: string; seconds: number; signal?: NodeJS.Signals },
  options?: StartOptions,
): Promise<Ended & { at: string }>;
export function filesOf(folder: string): string[];
export function snapshot(folder: string): Map<string, Buffer>;
export function differences(reference: ReadonlyMap<string, Buffer>, folder: string): Difference[];
export function halves(reference: ReadonlyMap<string, Buffer>, folder: string): string[];
export function finishedFiles(folder: string): Map<string, string>;
export function madeAgain(before: ReadonlyMap<string, string>, folder: string): string[];
export function randomFrom(seed: number): () => number;
