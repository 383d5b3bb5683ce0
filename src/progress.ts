/**
 * How long work tells of itself. Numeric code takes a Progress and never prints; the CLI draws bars with an ETA
 * (or plain lines on a pipe), the library default says nothing.
 */
export interface ProgressTask {
  /** @param done units finished so far (not an increment) @param info short text shown beside, e.g. "loss 0.412" */
  update(done: number, info?: string): void;
  /** Ends the task, whether or not all units were done. */
  end(info?: string): void;
}

export interface Progress {
  /** Starts a task of `total` units (epochs, images, batches). */
  task(name: string, total: number): ProgressTask;
  /** A line worth reading (what was decided, what comes next). */
  note(line: string): void;
  /** A line that the user should act on. */
  warn(line: string): void;
}

const noTask: ProgressTask = { update() {}, end() {} };

/** Says nothing. */
export const silent: Progress = { task: () => noTask, note() {}, warn() {} };
