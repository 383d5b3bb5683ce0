/**
 * HDF5 files read in a thread of their own, watched from here. The HDF5 library goes round for ever in some damaged files
 * (a heap object of size 0 is enough), and WebAssembly cannot be interrupted: the thread can. A call that does nothing for
 * `MOST_SECONDS` is given up with an error. What a broken file left in the library's memory goes with the thread, and so
 * does the heap of a big one, which would never shrink.
 * Matrices are handed over without a copy. Calls block, as those of every reader.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { CellhueError } from "../../errors.js";
import type { HeldMatrix, StoredMatrix } from "../../matrix.js";
import { type Progress, type ProgressTask, silent } from "../../progress.js";
import type { Table } from "../../table.js";
import type { ExpressionReader, OpenOptions } from "../reader.js";
import type { Piece } from "../spill.js";
import type { Answer, Call, ReaderState } from "./thread-protocol.js";

/** A single call into HDF5 reads 4 MiB; of a file with giant chunks 64 MiB, which a disk of 10 MB a second has in 6 s. */
const MOST_SECONDS = 10;
/** Between two calls rows may be sorted; a thread that is silent for this long has died, e.g. for want of memory. */
const MOST_SECONDS_BETWEEN = 600;
/** A thread whose heap has grown beyond this is not used again. */
const SMALL_HEAP = 64 << 20;

const script = new URL("./worker.js", import.meta.url);

/** Whether there is a compiled thread beside this file; where a test runner runs the sources, there is none. */
export const canSupervise = (): boolean => existsSync(fileURLToPath(script));

class Thread {
  private stopped = false;

  private constructor(
    private readonly worker: Worker,
    private readonly port: MessagePort,
    private readonly counters: Int32Array,
  ) {}

  static async start(): Promise<Thread> {
    const { port1, port2 } = new MessageChannel();
    const counters = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(script, {
      workerData: { port: port2, counters },
      transferList: [port2],
      // nothing of ours listens to the options of the main program, e.g. a debugger's
      execArgv: [],
    });
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
    });
    worker.removeAllListeners();
    // an error beyond this shows as a thread that is silent
    worker.on("error", () => {});
    worker.unref();
    port1.unref();
    return new Thread(worker, port1, counters);
  }

  stop(): void {
    this.stopped = true;
    this.port.close();
    void this.worker.terminate();
  }

  /** Sends a call and waits for its answer. @throws CellhueError where HDF5 stands still */
  call(call: Call, path: string, progress: Progress = silent): Answer {
    if (this.stopped)
      throw new CellhueError("the file is no longer open: reading it has failed before", { where: path });
    this.port.postMessage(call);
    let task: ProgressTask | undefined;
    let calls = -1;
    let idle = 0;
    const isInside = () => Atomics.load(this.counters, 1) % 2 !== 0;
    // Slices are counted rather than time: a process that was stopped and goes on (Ctrl-Z, a laptop asleep) loses one.
    while (idle < (isInside() ? MOST_SECONDS : MOST_SECONDS_BETWEEN)) {
      const seen = Atomics.load(this.counters, 0);
      for (
        let got = receiveMessageOnPort(this.port);
        got !== undefined;
        got = receiveMessageOnPort(this.port)
      ) {
        const answer = got.message as Answer;
        if (answer.kind === "task") task = progress.task(answer.name, answer.total);
        else if (answer.kind === "update") task?.update(answer.done, answer.info);
        else if (answer.kind === "end") task?.end(answer.info);
        else if (answer.kind === "note") progress.note(answer.line);
        else if (answer.kind === "warn") progress.warn(answer.line);
        else return answer;
      }
      const now = Atomics.load(this.counters, 1);
      const timedOut = Atomics.wait(this.counters, 0, seen, 1000) === "timed-out";
      idle = timedOut && now === calls ? idle + 1 : 0;
      calls = now;
    }
    task?.end();
    this.stop();
    throw new CellhueError(
      isInside()
        ? "the file cannot be read: HDF5 stands still in it"
        : "the thread that reads the file has ended",
      {
        where: path,
        found: `nothing was done for ${idle} seconds`,
        expected: "a whole HDF5 file, on a disk that answers",
        remedy: isInside()
          ? "the file is damaged: copy or download it again, or write it again with the tool that made it"
          : "it may be too big for the memory: keep fewer samples or genes",
      },
    );
  }
}

/** A thread that has done its work well and may do more. */
let spare: Thread | undefined;

/** Opens an .h5ad, 10x .h5 or .loom file. See `openExpression` for the errors. */
export async function openSupervised(path: string, options: OpenOptions): Promise<ExpressionReader> {
  const thread = spare ?? (await Thread.start());
  spare = undefined;
  const { progress: _, signal: __, ...plain } = options;
  return new SupervisedReader(
    thread,
    path,
    expect(thread, { kind: "open", path, options: plain }, path, "opened").state,
  );
}

/** The answer of a kind; a failure is thrown here as it was thrown there, and the thread is not used again. */
function expect<K extends Answer["kind"]>(
  thread: Thread,
  call: Call,
  path: string,
  kind: K,
  progress?: Progress,
): Extract<Answer, { kind: K }> {
  const answer = thread.call(call, path, progress);
  if (answer.kind === kind) return answer as Extract<Answer, { kind: K }>;
  const { message, parts } =
    answer.kind === "failed" ? answer.failure : { message: `an answer of kind ${answer.kind}`, parts: null };
  if (call.kind === "open") thread.stop();
  throw parts === null ? new Error(message) : new CellhueError(message, parts);
}

class SupervisedReader implements ExpressionReader {
  private obsTable: Table | undefined;
  private varTable: Table | undefined;
  private closed = false;
  private failed = false;

  constructor(
    private readonly thread: Thread,
    readonly path: string,
    private state: ReaderState,
  ) {}

  get format() {
    return this.state.format;
  }
  get samples() {
    return this.state.samples;
  }
  get genes() {
    return this.state.genes;
  }
  get x() {
    return this.state.x;
  }
  get layers() {
    return this.state.layers;
  }
  get hasRaw() {
    return this.state.hasRaw;
  }
  get skippedColumns() {
    return this.state.skippedColumns;
  }
  get notes() {
    return this.state.notes;
  }

  obs(): Table {
    this.obsTable ??= this.table("obs");
    return this.obsTable;
  }

  var(): Table {
    this.varTable ??= this.table("var");
    return this.varTable;
  }

  readMatrix({ progress }: { progress?: Progress } = {}): HeldMatrix {
    return this.ask({ kind: "matrix" }, "matrix", progress).matrix;
  }

  storedMatrix(limit: number): StoredMatrix | null {
    const { shape } = this.ask({ kind: "stored", limit }, "stored");
    if (shape === null) return null;
    return { ...shape, read: (first, count) => this.ask({ kind: "rows", first, count }, "matrix").matrix };
  }

  pieces(): Iterable<Piece> | null {
    return this.ask({ kind: "pieces" }, "pieces").are ? this.eachPiece() : null;
  }

  private *eachPiece(): Generator<Piece> {
    for (;;) {
      const { piece } = this.ask({ kind: "next" }, "piece");
      if (piece === null) return;
      yield piece;
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const isGood = !this.failed && this.closing().heapBytes <= SMALL_HEAP;
    if (isGood && spare === undefined) spare = this.thread;
    else this.thread.stop();
  }

  private closing(): { heapBytes: number } {
    try {
      return this.ask({ kind: "close" }, "closed");
    } catch {
      return { heapBytes: Number.POSITIVE_INFINITY }; // all was read; the thread goes
    }
  }

  private table(kind: "obs" | "var"): Table {
    const { table, state } = this.ask({ kind }, "table");
    this.state = state;
    return table;
  }

  private ask<K extends Answer["kind"]>(
    call: Call,
    kind: K,
    progress?: Progress,
  ): Extract<Answer, { kind: K }> {
    if (this.closed && call.kind !== "close") throw new Error(`${this.path} is closed`);
    try {
      return expect(this.thread, call, this.path, kind, progress);
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }
}
