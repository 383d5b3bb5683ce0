/** What all commands share: progress, Ctrl-C, the result as text or as JSON, errors and exit codes. */
import { CellhueError, InterruptedError } from "../errors.js";
import type { StageContext } from "../stages/context.js";
import { leaveLastWords } from "./last-words.js";
import { printable } from "./printable.js";
import { terminalProgress } from "./progress.js";
import { shortageError } from "./shortage.js";

export interface OutputOptions {
  json?: boolean;
  quiet?: boolean;
  debug?: boolean;
}

/** A command's result: an object for --json, lines for a reader. */
export interface Outcome {
  json: unknown;
  text: string;
}

/** CELLHUE_CHECKPOINT_SECONDS: how often a training is kept; what a kill can cost. */
const { CELLHUE_CHECKPOINT_SECONDS: given } = process.env;
const checkpointSeconds = given !== undefined && Number(given) >= 0 ? Number(given) : undefined;

/**
 * Runs a command's work to its end.
 * @returns the exit code: 0, 2 for bad input, 130 for an interrupt, 1 for a bug
 */
export async function execute(
  options: OutputOptions,
  work: (ctx: StageContext) => Promise<Outcome>,
): Promise<number> {
  leaveLastWords();
  const progress = await terminalProgress({
    quiet: options.quiet === true,
    tty: process.stderr.isTTY === true,
    write: (text) => void process.stderr.write(text),
  });
  const abort = new AbortController();
  const interrupt = () => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
    if (!options.quiet) progress.note("stopping after the step at hand; Ctrl-C again stops at once");
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    const { json, text } = await work({ progress, signal: abort.signal, checkpointSeconds });
    progress.stop();
    if (options.json) await print(process.stdout, `${JSON.stringify(json, null, 2)}\n`);
    else if (!options.quiet && text !== "") await print(process.stdout, `${printable(text)}\n`);
    return 0;
  } catch (error) {
    progress.stop();
    return await fail(
      abort.signal.aborted && !(error instanceof CellhueError) ? new InterruptedError() : error,
      options,
    );
  } finally {
    process.removeListener("SIGINT", interrupt);
    process.removeListener("SIGTERM", interrupt);
  }
}

/** Tells of an error. @returns the exit code */
export async function fail(thrown: unknown, options: OutputOptions): Promise<number> {
  const error = shortageError(thrown);
  const expected = error instanceof CellhueError;
  const message = error instanceof Error ? error.message : String(error);
  if (options.json) {
    const { where, found, expected: wanted, remedy } = expected ? error.parts : {};
    await print(
      process.stdout,
      `${JSON.stringify({ error: { message, where, found, expected: wanted, remedy } }, null, 2)}\n`,
    );
  }
  const lines = expected
    ? `cellhue: ${error.describe()}`
    : `cellhue: unexpected error: ${message.split("\n")[0]}\n  This is a fault of cellhue: please report it with your command and what --debug prints.`;
  await print(process.stderr, `${printable(lines)}\n`);
  if (options.debug && error instanceof Error) {
    await print(process.stderr, `${printable(error.stack ?? "")}\n`);
    if (error.cause instanceof Error)
      await print(process.stderr, `caused by ${printable(error.cause.stack ?? "")}\n`);
  }
  return expected ? error.exitCode : 1;
}

/** Resolves once the text has left the process, so that an exit right after loses nothing. */
const print = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
