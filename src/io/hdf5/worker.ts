/**
 * The thread that reads an HDF5 file for `supervised.ts`: opens it on "open", then answers calls one by one. What the main
 * thread waits for comes over a port; two counters in shared memory say that there is something, and that HDF5 is alive.
 */
import { parentPort, workerData } from "node:worker_threads";
import { CellhueError } from "../../errors.js";
import type { Progress } from "../../progress.js";
import type { ExpressionReader } from "../reader.js";
import { heapBytes, onCall } from "./file.js";
import { openInThread } from "./open.js";
import { type Answer, type Call, type Failure, type Setup, stateOf } from "./thread-protocol.js";

const { port, counters } = workerData as Setup;
onCall(() => void Atomics.add(counters, 1, 1));

function tell(answer: Answer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(answer, transfer);
  Atomics.add(counters, 0, 1);
  Atomics.notify(counters, 0);
}

const progress: Progress = {
  task(name, total) {
    tell({ kind: "task", name, total });
    return {
      update: (done, info) => tell({ kind: "update", done, info }),
      end: (info) => tell({ kind: "end", info }),
    };
  },
  note: (line) => tell({ kind: "note", line }),
  warn: (line) => tell({ kind: "warn", line }),
};

function failure(error: unknown): Failure {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (!(error instanceof CellhueError)) return { message: text, parts: null };
  const { cause, ...parts } = error.parts;
  return {
    message: error.message,
    parts: { ...parts, cause: cause instanceof Error ? (cause.stack ?? cause.message) : undefined },
  };
}

let reader: ExpressionReader | undefined;

async function answer(call: Call): Promise<void> {
  if (call.kind === "open") {
    reader = await openInThread(call.path, call.options);
    return tell({ kind: "opened", state: stateOf(reader) });
  }
  if (reader === undefined) throw new Error("nothing is open");
  switch (call.kind) {
    case "obs":
      return tell({ kind: "table", table: reader.obs(), state: stateOf(reader) });
    case "var":
      return tell({ kind: "table", table: reader.var(), state: stateOf(reader) });
    case "matrix": {
      const matrix = reader.readMatrix({ progress });
      const arrays = matrix.kind === "dense" ? [matrix.data] : [matrix.indptr, matrix.indices, matrix.values];
      // given away, not copied
      return tell({ kind: "matrix", matrix }, [
        ...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer)),
      ]);
    }
    case "close":
      reader.close();
      reader = undefined;
      return tell({ kind: "closed", heapBytes: heapBytes() });
  }
}

port.on("message", (call: Call) => {
  answer(call).catch((error: unknown) => tell({ kind: "failed", failure: failure(error) }));
});
parentPort?.postMessage("ready");
