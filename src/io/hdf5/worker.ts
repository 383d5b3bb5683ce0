/**
 * The thread that reads an HDF5 file for `supervised.ts`: opens it on "open", then answers calls one by one. What the main
 * thread waits for comes over a port; two counters in shared memory say that there is something, and that HDF5 is alive.
 */
import { parentPort, workerData } from "node:worker_threads";
import { CellhueError } from "../../errors.js";
import type { HeldMatrix, StoredMatrix } from "../../matrix.js";
import type { Progress } from "../../progress.js";
import type { ExpressionReader } from "../reader.js";
import type { Piece } from "../spill.js";
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
let stored: StoredMatrix | null = null;
let pieces: AsyncIterator<Piece> | Iterator<Piece> | undefined;

/** Hands a matrix over without a copy. */
function giveAway(matrix: HeldMatrix): void {
  const arrays = matrix.kind === "dense" ? [matrix.data] : [matrix.indptr, matrix.indices, matrix.values];
  tell({ kind: "matrix", matrix }, [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))]);
}

function givePiece(piece: Piece): void {
  const arrays = piece.kind === "dense" ? [piece.data] : [piece.rows, piece.cols, piece.values];
  tell(
    { kind: "piece", piece },
    arrays.map(({ buffer }) => buffer as ArrayBuffer),
  );
}

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
    case "matrix":
      return giveAway(reader.readMatrix({ progress }));
    case "stored": {
      stored = reader.storedMatrix?.(call.limit) ?? null;
      if (stored === null) return tell({ kind: "stored", shape: null });
      const { read: _, ...shape } = stored;
      return tell({ kind: "stored", shape });
    }
    case "rows":
      if (stored === null) throw new Error("no matrix is read by rows");
      return giveAway(stored.read(call.first, call.count));
    case "pieces": {
      const all = reader.pieces?.() ?? null;
      if (all !== null)
        pieces = Symbol.iterator in all ? all[Symbol.iterator]() : all[Symbol.asyncIterator]();
      return tell({ kind: "pieces", are: all !== null });
    }
    case "next": {
      if (pieces === undefined) throw new Error("no matrix is read in pieces");
      const { value, done } = await pieces.next();
      return done ? tell({ kind: "piece", piece: null }) : givePiece(value);
    }
    case "close":
      reader.close();
      reader = undefined;
      stored = null;
      pieces = undefined;
      return tell({ kind: "closed", heapBytes: heapBytes() });
  }
}

port.on("message", (call: Call) => {
  answer(call).catch((error: unknown) => tell({ kind: "failed", failure: failure(error) }));
});
parentPort?.postMessage("ready");
