// npm run fuzz: mutated real files, read by every reader in processes of their own. A case is read or refused by a
// CellhueError; anything else (another error, a crash of the process, more than 20 s, more than 1 GiB beyond what the
// unchanged files took, a file outside of its folder) is told with the command that repeats it, and its file is kept.
// Figures of all readers are kept in bench/kept/fuzz.json, and docs/reliability.md is made of them (bench/reliability-doc.mjs).
// --cases N (all together, default 20,000) --seed S --out FILE (figures to it alone, no document) --keep DIR --only READER --from K --jobs J
// --run DIR: a finished run folder with compact nets; made anew where it is left out.
import { execFile, fork } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const MOST_MS = 20_000;
const MOST_MB = 1024;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
    keep: { type: "string", default: join(tmpdir(), "cellhue-fuzz") },
    only: { type: "string" },
    from: { type: "string", default: "0" },
    jobs: { type: "string", default: "2" },
    run: { type: "string" },
  },
});
/** Of all cases, in parts of 100. A damaged HDF5 file costs a thread of its own, a run folder a report. */
const shares = {
  h5ad: 4,
  "10x h5": 1,
  loom: 1,
  "zarr zip": 13,
  "zarr folder": 9,
  mtx: 9,
  text: 17,
  rds: 10,
  gmt: 3,
  pth: 13,
  safetensors: 5,
  config: 5,
  "encoder, checkpoint": 4,
  onnx: 3,
  "run folder": 3,
};
const ofRun = ["encoder, checkpoint", "onnx", "run folder"];
const names = values.only === undefined ? Object.keys(shares) : [values.only];
const whole = names.reduce((sum, name) => sum + shares[name], 0);
const work = mkdtempSync(join(tmpdir(), "cellhue-fuzz-"));
const folder = join(work, "run");

/** A run of the command line, as small as can be, for the readers of what it leaves. */
async function makeRun() {
  if (values.run !== undefined) return cpSync(values.run, folder, { recursive: true });
  const settings =
    "--label odd --net compact --weights random --epochs 1 --folds 2 --size 32 --nulls 1 --quiet";
  const args = ["run", here("../fixtures/cli.h5ad"), ...settings.split(" "), "--out", folder];
  await promisify(execFile)(process.execPath, [here("../../dist/cli/main.js"), ...args]);
}

const failures = [];
function fail(reader, kind, { begin, seed, file }, what) {
  mkdirSync(values.keep, { recursive: true });
  const kept = join(
    values.keep,
    `${values.seed}-${reader}-${begin}-${basename(file ?? "none")}`.replace(/[ ,]+/g, "_"),
  );
  if (file !== undefined && existsSync(file)) cpSync(file, kept);
  const again = `node test/fuzz/run.mjs --only '${reader}' --seed ${values.seed} --from ${begin} --cases ${begin + 1}`;
  failures.push({ reader, kind, case: begin, seed, what, kept, again });
  process.stderr.write(
    `${kind}: ${reader}, ${seed}, case ${begin}\n  ${what}\n  kept: ${kept}\n  again: ${again}\n`,
  );
}

/** Runs cases from `from` on. @returns the case to go on from after a crash or a hang, or undefined at the end */
function runChild(reader, cases, from, figures) {
  return new Promise((resolve) => {
    const dir = join(work, `${reader}-${from}`.replace(/[ ,]+/g, "_"));
    mkdirSync(dir);
    const args = [
      reader,
      values.seed,
      String(cases),
      String(from),
      dir,
      ofRun.includes(reader) ? folder : "",
    ];
    const child = fork(here("child.mjs"), args, {
      execArgv: ["--max-old-space-size=1024"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let errors = "";
    child.stderr.on("data", (text) => {
      errors = (errors + text).slice(-2000);
    });
    let current = { begin: from };
    let ended = false;
    let hung = false;
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        hung = true;
        child.kill("SIGKILL");
      }, MOST_MS);
    };
    child.on("message", (message) => {
      if (message.broken !== undefined) {
        fail(reader, "broken", current, message.broken);
        ended = true;
      } else if (message.begin !== undefined) {
        current = message;
        watch();
      } else if (message.strays !== undefined) {
        ended = true;
        if (message.strays.length > 0) fail(reader, "stray files", current, message.strays.join(", "));
      } else {
        clearTimeout(timer);
        figures.cases++;
        if (message.end === "read") figures.read++;
        else if (message.end === "refused") figures.refused++;
        else {
          figures.crashes++;
          fail(reader, "error", current, message.what);
        }
        if (message.peak > MOST_MB && figures.peakMB <= MOST_MB)
          fail(reader, "memory", current, `${Math.round(message.peak)} MiB`);
        figures.peakMB = Math.max(figures.peakMB, Math.round(message.peak));
      }
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (ended) return resolve(undefined);
      figures.cases++;
      if (hung) figures.hangs++;
      else figures.crashes++;
      fail(
        reader,
        hung ? "hang" : "crash",
        current,
        hung ? `more than ${MOST_MS / 1000} s` : `exit ${code ?? signal}: ${errors}`,
      );
      resolve(current.begin + 1);
    });
  });
}

async function fuzz(reader) {
  const cases =
    values.only === undefined
      ? Math.ceil((Number(values.cases) * shares[reader]) / whole)
      : Number(values.cases);
  const figures = { reader, cases: 0, refused: 0, read: 0, hangs: 0, crashes: 0, peakMB: 0 };
  const start = performance.now();
  for (let from = Number(values.from); from !== undefined && from < cases; )
    from = await runChild(reader, cases, from, figures);
  return { ...figures, seconds: Math.round((performance.now() - start) / 100) / 10 };
}

const made = names.some((name) => ofRun.includes(name)) ? makeRun() : Promise.resolve();
const table = new Map();
const waiting = [...names];
try {
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        if (ofRun.includes(name)) await made;
        const figures = await fuzz(name);
        table.set(name, figures);
        process.stdout.write(`${JSON.stringify(figures)}\n`);
      }
    }),
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}
const figures = names.map((name) => table.get(name));
const kept = {
  made: new Date().toISOString().slice(0, 10),
  cases: Number(values.cases),
  seed: Number(values.seed),
  readers: figures,
};
const write = (path) => writeFileSync(path, `${JSON.stringify(kept, null, 1)}\n`);
if (values.out !== undefined) write(values.out);
else if (values.only === undefined && values.from === "0") {
  const { fuzzFile, writeDocument } = await import("../../bench/reliability-doc.mjs");
  write(fuzzFile);
  writeDocument();
}
process.exitCode = failures.length > 0 ? 1 : 0;
