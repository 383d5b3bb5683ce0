/** What the main thread and the thread that reads HDF5 say to each other. */
import type { MessagePort } from "node:worker_threads";
import type { ErrorParts } from "../../errors.js";
import type { HeldMatrix, StoredMatrix } from "../../matrix.js";
import type { Table } from "../../table.js";
import type { ExpressionReader, OpenOptions } from "../reader.js";
import type { Piece } from "../spill.js";

export interface Setup {
  port: MessagePort;
  /** [messages sent, calls into HDF5 begun and ended: odd while one goes on], shared. */
  counters: Int32Array;
}

/** Options that can be sent. */
export type PlainOptions = Omit<OpenOptions, "progress" | "signal">;

export type Call =
  | { kind: "open"; path: string; options: PlainOptions }
  | { kind: "obs" | "var" | "matrix" | "close" }
  | { kind: "stored"; limit: number }
  /** Of the matrix that "stored" told of. */
  | { kind: "rows"; first: number; count: number }
  /** Begins to hand the matrix over in pieces; "next" asks for one after the other. */
  | { kind: "pieces" | "next" };

export interface Failure {
  message: string;
  /** Of a CellhueError; null: any other error. */
  parts: (Omit<ErrorParts, "cause"> & { cause?: string }) | null;
}

/** All of a reader that is no method. */
export type ReaderState = Pick<
  ExpressionReader,
  "path" | "format" | "samples" | "genes" | "x" | "layers" | "hasRaw" | "skippedColumns" | "notes"
>;

export const stateOf = (reader: ExpressionReader): ReaderState => ({
  path: reader.path,
  format: reader.format,
  samples: reader.samples,
  genes: reader.genes,
  x: reader.x,
  layers: [...reader.layers],
  hasRaw: reader.hasRaw,
  skippedColumns: [...reader.skippedColumns],
  notes: reader.notes && [...reader.notes],
});

export type Answer =
  | { kind: "opened"; state: ReaderState }
  | { kind: "table"; table: Table; state: ReaderState }
  | { kind: "matrix"; matrix: HeldMatrix }
  | { kind: "stored"; shape: Omit<StoredMatrix, "read"> | null }
  | { kind: "pieces"; are: boolean }
  /** null: that was the last one. */
  | { kind: "piece"; piece: Piece | null }
  | { kind: "closed"; heapBytes: number }
  | { kind: "failed"; failure: Failure }
  | { kind: "task"; name: string; total: number }
  | { kind: "update"; done: number; info?: string }
  | { kind: "end"; info?: string }
  | { kind: "note" | "warn"; line: string };
