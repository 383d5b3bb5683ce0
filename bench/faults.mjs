/**
 * What the fault tests share: the command line as a child process that is killed at a given moment or file operation, and
 * run folders compared byte for byte. Used by bench/reliability.mjs and test/cli/faults.test.ts.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Process groups that are running: none outlives the tests. */
const living = new Set();
process.on("exit", () => {
  for (const run of living) run.kill("SIGKILL");
});

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const main = process.env.CELLHUE_MAIN ?? here("../dist/cli/main.js");
const crashPoint = new URL("crash-point.mjs", import.meta.url).href;

/** The whole job in seconds: 36 samples of the tests' file, images of 32 pixels. */
export const runs = {
  deepinsight: [
    ...[
      "--encoder",
      "deepinsight",
      "--net",
      "compact",
      "--weights",
      "random",
      "--epochs",
      "12",
      "--patience",
      "6",
    ],
    ...["--folds", "2", "--size", "32", "--nulls", "2", "--method", "gradient", "--threads", "1"],
  ],
  spectral: [
    ...["--encoder", "spectral", "--net", "compact", "--weights", "random", "--epochs", "8"],
    ...["--tune", "lr=0.001,0.0001", "--inner-folds", "2", "--folds", "2", "--size", "32", "--nulls", "1"],
    ...["--method", "gradient", "--threads", "1"],
  ],
};

export const command = (file, out, settings) => ["run", file, "--label", "plain", ...settings, "--out", out];

/**
 * Starts cellhue as a process group of its own.
 * @param options through: a command line that runs it (["prlimit", "--fsize=1000"]); crash: see crash-point.mjs; every
 *   training step is a checkpoint but where `checkpoint` gives other seconds
 */
export function start(args, { through = [], crash, checkpoint = 0.05, env = {} } = {}) {
  const [program, ...rest] = [
    ...through,
    process.execPath,
    ...(crash === undefined ? [] : ["--import", crashPoint]),
    main,
    ...args,
  ];
  const child = spawn(program, rest, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CELLHUE_CHECKPOINT_SECONDS: String(checkpoint),
      CELLHUE_CRASH: crash ?? "",
      ...env,
    },
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (text) => {
      texts[name] += text;
    });
  let over = false;
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      over = true;
      resolve({ code, signal, ...texts });
    });
  });
  const run = {
    child,
    ended,
    isOver: () => over,
    kill(signal) {
      if (over) return;
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if (error.code !== "ESRCH") throw error; // it has just ended
      }
    },
  };
  living.add(run);
  child.on("close", () => living.delete(run));
  return run;
}

export const cellhue = (args, options) => start(args, options).ended;

/** run.json, or undefined before there is one. */
export function record(out) {
  try {
    return JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The stage that a run folder is at: "start" before there is one, "end" after all. */
export function stageAt(out) {
  const stages = Object.entries(record(out)?.stages ?? {});
  if (stages.length === 0) return "start";
  const [name] = stages.find(([, { state }]) => state === "started") ?? [];
  return name ?? (stages.some(([stage]) => stage === "report") ? "end" : `after ${stages.at(-1)[0]}`);
}

/** Resolves when a run has reached a stage ("start": at once), or is over. */
export async function reached(run, out, stage) {
  while (stage !== "start" && !run.isOver() && record(out)?.stages[stage] === undefined) await sleep(5);
}

/**
 * Starts a command and sends it a signal so many seconds into a stage.
 * @returns how it ended, and the stage that the run folder is at then
 */
export async function signalled(args, out, { stage, seconds, signal = "SIGKILL" }, options) {
  const run = start(args, options);
  await reached(run, out, stage);
  await Promise.race([sleep(1000 * seconds), run.ended]);
  run.kill(signal);
  const end = await run.ended;
  return { ...end, at: stageAt(out) };
}

/** All files of a folder, sorted; paths within it. */
export function filesOf(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split("\\").join("/"))
    .sort();
}

/** The whole of what may differ between two runs of the same: how long it took, when it began, and where the folder is. */
const masks = [
  {
    files: /\.json$/,
    mask: (text, folder) =>
      text
        .replaceAll(/("seconds": )[\d.e+-]+/g, "$1S")
        .replaceAll(/("created": )"[^"]*"/g, "$1T")
        // SHA-256 that run.json keeps of files which hold seconds.
        .replaceAll(/("[^"]*\.json": )"[\da-f]{64}"/g, "$1H")
        .replaceAll(JSON.stringify(folder), '"RUN"'),
  },
  {
    files: /^report\.html$/,
    mask: (text) =>
      text
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "T")
        // The size of metrics.json follows from the digits of its seconds.
        .replace(/(<bdi>metrics\.json<\/bdi>.*?<td>)[^<]*(<\/td><\/tr>)/, "$1B$2")
        .replaceAll(/<table.*?<\/table>/gs, (table) =>
          /<bdi>seconds<\/bdi><\/th><\/tr><\/thead>/.test(table)
            ? table.replaceAll(/(<td>)[\d.]+(<\/td><\/tr>)/g, "$1S$2")
            : table,
        ),
  },
];

/** Seconds since 1970 at which HDF5 made an object, as its files hold them: any of the last hours. */
function withoutTimes(bytes) {
  const now = Math.ceil(Date.now() / 1000);
  for (let at = 0; at + 4 <= bytes.length; at++) {
    const value = bytes.readUInt32LE(at);
    if (value <= now && value > now - 4 * 3600) bytes.fill(0, at, at + 4);
  }
  return bytes;
}

/** A file's bytes, without what may differ. */
function bytesOf(folder, name) {
  const bytes = readFileSync(join(folder, name));
  if (name.endsWith(".h5ad")) return withoutTimes(bytes);
  const rule = masks.find(({ files }) => files.test(name));
  return rule === undefined ? bytes : Buffer.from(rule.mask(bytes.toString("utf8"), folder));
}

/** A run folder as it is now: bytes of every file. */
export const snapshot = (folder) => new Map(filesOf(folder).map((name) => [name, bytesOf(folder, name)]));

/** @returns every file that is missing, different or too much, and how many bytes of the reference are lost by it */
export function differences(reference, folder) {
  const found = [];
  const there = new Set(filesOf(folder));
  for (const [name, bytes] of reference) {
    if (!there.has(name)) found.push({ name, why: "missing", lost: bytes.length });
    else if (!bytesOf(folder, name).equals(bytes)) found.push({ name, why: "differs", lost: bytes.length });
  }
  for (const name of there) if (!reference.has(name)) found.push({ name, why: "left over", lost: 0 });
  return found;
}

/**
 * Files that lie under their own name in a folder where a run was cut off, but are not whole: neither what the reference
 * has, nor, where they grow (run.json, tuning.json), good JSON.
 */
export function halves(reference, folder) {
  return filesOf(folder).filter((name) => {
    if (/(^|\/)(run|tuning)\.json$/.test(name)) {
      try {
        JSON.parse(readFileSync(join(folder, name), "utf8"));
        return false;
      } catch {
        return true;
      }
    }
    const whole = reference.get(name);
    return whole !== undefined && !bytesOf(folder, name).equals(whole);
  });
}

/** Identity of the files of every stage that is done: to see whether a later command makes them again. */
export function finishedFiles(folder) {
  const found = new Map();
  for (const { state, outputs = [] } of Object.values(record(folder)?.stages ?? {}))
    for (const name of state === "done" ? outputs : []) {
      const { ino, mtimeMs } = statSync(join(folder, name));
      found.set(name, `${ino} ${mtimeMs}`);
    }
  return found;
}

/** Names of those files that were made again. */
export const madeAgain = (before, folder) => {
  const now = finishedFiles(folder);
  return [...before]
    .filter(([name, id]) => !name.startsWith("benchmarking/") && now.get(name) !== id)
    .map(([n]) => n);
};

/** Random numbers in 0…1 from a seed (mulberry32), so that a case can be repeated. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
