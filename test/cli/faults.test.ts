/**
 * Kills and faults on one small run, driven as a user does: a part of what `npm run reliability` tries at length, small
 * enough for every day.
 */
import { copyFileSync, existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cellhue,
  command,
  differences,
  type Ended,
  finishedFiles,
  halves,
  madeAgain,
  randomFrom,
  reached,
  record,
  runs,
  signalled,
  snapshot,
  start,
} from "../../bench/faults.mjs";
import { root, temporary } from "./cellhue.js";

const { path: folder, remove } = temporary();
const file = join(folder, "made.h5ad");
copyFileSync(join(root, "test", "fixtures", "cli.h5ad"), file);
/** Run folders are called alike, since the report names them. */
const place = (name: string) => join(folder, name, "run");
const args = (out: string) => command(file, out, runs.deepinsight);

const whole = place("whole");
let reference = new Map<string, Buffer>();
let seconds: Record<string, number> = {};
beforeAll(async () => {
  const { code, stderr } = await cellhue(args(whole));
  expect(stderr).not.toMatch(/unexpected/);
  expect(code).toBe(0);
  reference = snapshot(whole);
  const stages = Object.entries(record(whole)?.stages ?? {});
  seconds = Object.fromEntries(stages.map(([stage, state]) => [stage, state.seconds ?? 0]));
});
afterAll(remove);

it("killed and disturbed again and again, a run ends in the same bytes", async () => {
  const out = place("disturbed");
  const random = randomFrom(7);
  /** Each looks at what it left: no half files, and nothing made again that a stage before had finished. */
  const disturb = async (work: () => Promise<Ended>): Promise<Ended> => {
    const before = existsSync(out) ? finishedFiles(out) : new Map();
    const ended = await work();
    expect(halves(reference, out)).toEqual([]);
    expect(madeAgain(before, out)).toEqual([]);
    return ended;
  };
  const kill = (stage: string) =>
    disturb(() => signalled(args(out), out, { stage, seconds: random() * seconds[stage] }));
  const crash = (point: string) => disturb(() => cellhue(args(out), { crash: point, checkpoint: 0 }));

  await kill("preprocess");
  expect((await crash("half:70")).signal).toBe("SIGKILL");
  await kill("train");
  const full = await crash("full:30");
  expect(full.code).toBe(2);
  expect(full.stderr).toMatch(/disk is full[\s\S]*bytes to write[\s\S]*try:/);
  expect((await crash("renaming:12")).signal).toBe("SIGKILL");
  await kill("explain");
  const { code } = await cellhue(args(out));
  expect(code).toBe(0);
  expect(differences(reference, out)).toEqual([]);
});

describe("while it trains", () => {
  const whileTraining = async (out: string, work: () => void): Promise<Ended> => {
    const running = start(args(out), { checkpoint: 0 });
    await reached(running, out, "train");
    work();
    return running.ended;
  };

  it("its folder is removed: it says so and makes nothing in its place", async () => {
    const out = place("removed");
    const { code, stderr } = await whileTraining(out, () => renameSync(out, `${out}-gone`));
    expect(code).toBe(2);
    expect(stderr).toMatch(/folder is gone|cannot be read/);
    expect(existsSync(out)).toBe(false);
  });

  it("its file changes: it does not explain by another one", async () => {
    const out = place("changed");
    const { code, stderr } = await whileTraining(out, () => writeFileSync(file, "more", { flag: "a" }));
    copyFileSync(join(root, "test", "fixtures", "cli.h5ad"), file);
    expect(code).toBe(2);
    expect(stderr).toMatch(/the file has changed since the run began/);
    expect(record(out)?.stages).toMatchObject({ saliency: { state: "done" }, explain: { state: "started" } });
  });
});

it.skipIf(process.platform === "win32")(
  "killed by itself or by the system, it has last words; else none",
  async () => {
    const out = place("last-words");
    const run = start(args(out));
    await reached(run, out, "preprocess");
    run.child.kill("SIGKILL"); // the process alone, as for want of memory
    expect((await run.ended).stderr).toMatch(/ended without a word[\s\S]*--threads 1/);
    const other = place("interrupted");
    const { at, code, stderr } = await signalled(args(other), other, {
      stage: "preprocess",
      seconds: 0,
      signal: "SIGINT",
    });
    expect([at, code]).toEqual(["preprocess", 130]);
    expect(stderr).not.toMatch(/ended without a word/);
  },
);

describe.skipIf(process.platform !== "linux")("standard output", () => {
  const shell = (line: string) => cellhue([], { through: ["bash", "-c", line, "bash"] });
  const inspect = `"$1" "$2" inspect '${file}' --json`;

  it("that is closed ends quietly", async () => {
    const { stderr, stdout } = await shell(`${inspect} | true; echo \${PIPESTATUS[0]}`);
    expect(stdout).toBe("0\n");
    expect(stderr).toBe("");
  });

  it("on a full disk is an error", async () => {
    const { code, stderr } = await shell(`${inspect} > /dev/full`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot write standard output: the disk is full/);
  });
});
