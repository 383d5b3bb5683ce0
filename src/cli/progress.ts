/**
 * Progress on the terminal (stderr): bars with ETA where a person looks on, plain lines at sensible intervals on a pipe,
 * nothing but warnings when quiet.
 */
import type { MultiBar, SingleBar } from "cli-progress";
import type { Progress, ProgressTask } from "../progress.js";
import { printable } from "./printable.js";

export interface TerminalProgress extends Progress {
  /** Takes the bars off the screen, so that what is printed next stands alone. */
  stop(): void;
}

export interface ProgressOptions {
  quiet: boolean;
  /** Whether the stream is a terminal. */
  tty: boolean;
  write: (text: string) => void;
  now?: () => number;
}

export async function terminalProgress(options: ProgressOptions): Promise<TerminalProgress> {
  if (options.quiet) {
    return {
      task: () => ({ update() {}, end() {} }),
      note() {},
      warn: (line) => options.write(`warning: ${printable(line)}\n`),
      stop() {},
    };
  }
  return options.tty ? bars(options, await import("cli-progress")) : plainLines(options);
}

/** Between two lines of a task, at least so long … */
const leastSeconds = 2;
/** … and so much more of the work, unless nothing was heard for longer. */
const leastShare = 0.1;
const mostSeconds = 30;
/** What is over so soon is not worth a line. */
const tooShort = 0.1;

/** Lines such as "resnet18 fold 2: 3/5, loss 0.412, 12 s left". */
function plainLines({ write, now = () => performance.now() / 1000 }: ProgressOptions): TerminalProgress {
  const line = (text: string) => write(`${printable(text)}\n`);
  return {
    task(name, total) {
      const start = now();
      let last = start;
      let lastDone = 0;
      let latest = 0;
      let info: string | undefined;
      return {
        update(done, text) {
          latest = done;
          info = text ?? info;
          const time = now();
          const waited = time - last;
          const share = (done - lastDone) / Math.max(1, total);
          if (waited < leastSeconds || (share < leastShare && waited < mostSeconds) || done >= total) return;
          const left = done > 0 ? ((time - start) / done) * (total - done) : Number.NaN;
          line(
            `${name}: ${done}/${total}${said(info)}${Number.isFinite(left) ? `, ${duration(left)} left` : ""}`,
          );
          last = time;
          lastDone = done;
        },
        end(text) {
          if (now() - start < tooShort) return;
          const count = total > 1 ? ` ${latest}/${total}` : "";
          line(
            `${name}:${count}${said(text ?? info) || (count ? "" : " done")}, ${duration(now() - start)}`.replace(
              ":,",
              ":",
            ),
          );
        },
      };
    },
    note: line,
    warn: (text) => line(`warning: ${text}`),
    stop() {},
  };
}

const said = (info: string | undefined) => (info === undefined || info === "" ? "" : `, ${info}`);

/** 0.4 s, 12 s, 3 min 5 s, 2 h 10 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function bars({ write }: ProgressOptions, library: typeof import("cli-progress")): TerminalProgress {
  let screen: MultiBar | undefined;
  let open = 0;
  const line = (text: string) => {
    // The library prints above its bars, and only while there are some.
    if (screen === undefined) write(`${printable(text)}\n`);
    else screen.log(`${printable(text)}\n`);
  };
  const stop = () => {
    screen?.stop();
    screen = undefined;
    open = 0;
  };
  return {
    task(name, total): ProgressTask {
      screen ??= new library.MultiBar({
        format: "{name} {bar} {value}/{total} {eta_formatted} left {info}",
        barCompleteChar: "█",
        barIncompleteChar: "░",
        barsize: 24,
        hideCursor: true,
        clearOnComplete: false,
        stopOnComplete: false,
        etaBuffer: 20,
        stream: process.stderr,
      });
      const label = printable(name);
      const bar: SingleBar = screen.create(Math.max(1, total), 0, { name: label, info: "" });
      const own = screen;
      const start = performance.now();
      let ended = false;
      open++;
      return {
        update(done, info) {
          bar.update(done, info === undefined ? {} : { info: printable(info) });
        },
        end(info) {
          if (ended) return;
          ended = true;
          own.remove(bar);
          const seconds = (performance.now() - start) / 1000;
          if (own === screen) {
            if (--open === 0) stop();
            if (seconds >= tooShort) line(`${label}${said(info)}, ${duration(seconds)}`);
          }
        },
      };
    },
    note: line,
    warn: (text) => line(`warning: ${text}`),
    stop,
  };
}
