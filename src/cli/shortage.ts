/**
 * What runs out beside the disk: memory, and the threads that the system gives. V8, onnxruntime, WebAssembly and the system
 * each say it in words of their own; users get one message. Where V8 or a native library ends the process by itself, nothing
 * can be said; the run folder is as after a kill.
 */
import { CellhueError } from "../errors.js";

const memory = new RegExp(
  [
    "Array buffer allocation failed|Invalid array buffer length|Invalid typed array length: \\d{10,}", // arrays
    "bad_alloc|bad allocation|Failed to allocate memory|BFCArena", // onnxruntime
    "WebAssembly\\.Memory\\(\\)|Cannot allocate Wasm memory|Cannot enlarge memory|Aborted\\(OOM\\)", // HDF5, scran
    "ERR_WORKER_OUT_OF_MEMORY|due to reaching memory limit", // a worker's heap
    "out of memory|Cannot allocate memory|ENOMEM", // libvips, the system
  ].join("|"),
  "i",
);
const threads = /PosixThread|pthread_create|Resource temporarily unavailable|ERR_WORKER_INIT_FAILED|EAGAIN/;

/** A shortage of the machine as a CellhueError; anything else passes unchanged. */
export function shortageError(error: unknown): unknown {
  if (error instanceof CellhueError || !(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const text = `${code} ${error.message}`;
  const [line] = error.message.split("\n");
  const found = line.length > 160 ? `${line.slice(0, 160)}…` : line;
  if (threads.test(text))
    return new CellhueError("the system gives this process no more threads", {
      found,
      remedy: ["--threads 1", "raise the limit of processes (ulimit -u) or of memory (ulimit -d, ulimit -v)"],
      cause: error,
    });
  if (!memory.test(text)) return error;
  const held = Math.round(process.resourceUsage().maxRSS / 1024).toLocaleString("en-US");
  return new CellhueError("memory does not suffice", {
    found: `${found}; cellhue held ${held} MiB at most`,
    remedy: [
      "start the same command again with more memory free; what a run has done is kept",
      "--threads 1 and a smaller --memory take less at once, with the same result",
      "of a run: smaller images (--size 64), fewer genes (--genes variance --top-genes 2000), a smaller --batch",
    ],
    cause: error,
  });
}
