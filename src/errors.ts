/**
 * The one error class that users see. A CellhueError is an expected failure (bad input, bad option, no disk space):
 * it says what was found, where, what was expected and what to do. Anything else that is thrown is a bug.
 */
export interface ErrorParts {
  /** Where it was found: a path, an option, a place inside of a file. */
  where?: string;
  /** What was found there. */
  found?: string;
  /** What would have been right. */
  expected?: string;
  /** What the user can do now; several ways as several strings. */
  remedy?: string | readonly string[];
  /** The lower-level error, kept for --debug. */
  cause?: unknown;
}

export class CellhueError extends Error {
  readonly parts: ErrorParts;
  /** Process exit code; 2 is misuse or bad input, 130 an interrupt. */
  readonly exitCode: number;

  /** @param what one sentence without a full stop, e.g. "no column 'celltype' in obs" */
  constructor(what: string, parts: ErrorParts = {}, exitCode = 2) {
    super(what, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "CellhueError";
    this.parts = parts;
    this.exitCode = exitCode;
  }

  /** The whole message, several lines, as plain text for a terminal. */
  describe(): string {
    const { where, found, expected, remedy } = this.parts;
    const lines = [this.message];
    if (where !== undefined) lines.push(`  where:    ${where}`);
    if (found !== undefined) lines.push(`  found:    ${found}`);
    if (expected !== undefined) lines.push(`  expected: ${expected}`);
    const ways = remedy === undefined ? [] : typeof remedy === "string" ? [remedy] : remedy;
    ways.forEach((way, i) => {
      lines.push(`  ${i === 0 ? "try:     " : "         "} ${way}`);
    });
    return lines.join("\n");
  }
}

/** Thrown where an AbortSignal fires (Ctrl-C): nothing is wrong, and a run keeps the work done so far. */
export class InterruptedError extends CellhueError {
  constructor() {
    super("interrupted: start the same command again; a run goes on where it was", {}, 130);
    this.name = "InterruptedError";
  }
}

/** Throws InterruptedError once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError();
}
