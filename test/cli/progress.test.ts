import { describe, expect, it } from "vitest";
import { duration, terminalProgress } from "../../src/cli/progress.js";

async function plain(quiet = false) {
  const lines: string[] = [];
  let time = 0;
  const progress = await terminalProgress({
    quiet,
    tty: false,
    write: (text) => void lines.push(text),
    now: () => time,
  });
  const wait = (seconds: number) => {
    time += seconds;
  };
  return { progress, lines, wait };
}

describe("on a pipe", () => {
  it("tells of a short task once, at its end", async () => {
    const { progress, lines, wait } = await plain();
    const task = progress.task("images", 700);
    for (let i = 1; i <= 700; i++) {
      wait(0.001);
      task.update(i);
    }
    task.end();
    expect(lines).toEqual(["images: 700/700, 0.7 s\n"]);
  });

  it("tells of a long task at most each 2 s and each tenth, with what is left and the loss", async () => {
    const { progress, lines, wait } = await plain();
    const task = progress.task("fold 1", 1000);
    for (let i = 1; i <= 1000; i++) {
      wait(0.1);
      task.update(i, `loss ${(1 / i).toFixed(3)}`);
    }
    task.end();
    expect(lines.length).toBe(10);
    expect(lines[0]).toBe("fold 1: 100/1000, loss 0.010, 1 min 30 s left\n");
    expect(lines[9]).toBe("fold 1: 1000/1000, loss 0.001, 1 min 40 s\n");
  });

  it("is heard of every half minute where a tenth takes longer", async () => {
    const { progress, lines, wait } = await plain();
    const task = progress.task("epoch", 100_000);
    for (let i = 1; i <= 100; i++) {
      wait(1);
      task.update(i);
    }
    expect(lines.length).toBe(3);
  });

  it("shows control codes out of a file in place of sending them", async () => {
    const { progress, lines } = await plain();
    progress.note("label \u001b[31mred\u001b[0m\rover");
    progress.warn("two\nlines");
    expect(lines).toEqual(["label \\u{1b}[31mred\\u{1b}[0m\\u{d}over\n", "warning: two\nlines\n"]);
  });
});

it("quiet says nothing but warnings", async () => {
  const { progress, lines } = await plain(true);
  const task = progress.task("images", 1);
  task.update(1, "x");
  task.end();
  progress.note("a note");
  progress.warn("a warning");
  expect(lines).toEqual(["warning: a warning\n"]);
});

it.each([
  [0.04, "0.0 s"],
  [9.94, "9.9 s"],
  [59.4, "59 s"],
  [60, "1 min 0 s"],
  [3599.6, "1 h 0 min"],
  [7810, "2 h 10 min"],
])("%d seconds read %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
