/**
 * npm run reliability: kills small real runs at random moments and at random file operations, lets disks fill up, folders
 * vanish and memory run out, starts the same command again and compares the run folder with one that was never disturbed,
 * byte for byte. Writes docs/reliability.md. Everything goes through the built command line as a child process.
 *
 *   npm run build && npm run reliability -- [--kills 30] [--points 15] [--beside 6] [--seed 1] [--cases 3,17]
 *     [--only kills,points,interrupts,commands,faults]
 *     [--section disk,permission,paths,removed,together,input,memory,output, audit,explain,predict] [--no-write]
 *
 * Figures are kept in bench/kept/reliability.json, where those of a part that is tried again take the place of the old ones, so that
 * the whole can be tried in several calls. The document is made of them and of what `npm run fuzz` and bench/many-classes.mjs
 * have kept (reliability-doc.mjs, which run by itself makes it anew).
 * --beside: kills of each of the commands beside a run. --no-write: keeps nothing, writes no document.
 * A case that fails is printed with its seed, stage and second, by which it can be repeated; the exit code is then 1.
 * Some faults need Linux and root (mounts, another user, limits); where they cannot be had they are told as not tried.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cpus, hostname, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  cellhue,
  command,
  differences,
  finishedFiles,
  halves,
  madeAgain,
  main,
  randomFrom,
  reached,
  record,
  runs,
  signalled,
  snapshot,
  stageAt,
  start,
} from "./faults.mjs";
import { commands } from "./reliability-commands.mjs";
import { reliabilityFile, writeDocument } from "./reliability-doc.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "30" },
    points: { type: "string", default: "15" },
    beside: { type: "string", default: "6" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "kills,points,interrupts,commands,faults" },
    cases: { type: "string" },
    section: { type: "string" },
    "no-write": { type: "boolean", default: false },
  },
});
const seed = Number(options.seed);
const only = options.only.split(",");
/** The three parts of a run that the kills are spread over. */
const parts = {
  preprocess: ["preprocess", "folds"],
  train: ["baselines", "train", "compare"],
  report: ["saliency", "explain", "report"],
};

const work = mkdtempSync(join(tmpdir(), "cellhue-reliability-"));
/** Readable by the user that some faults run as. */
chmodSync(work, 0o755);
const file = join(work, "made.h5ad");
copyFileSync(here("../test/fixtures/cli.h5ad"), file);
let number = 0;
/** A new place for a run folder, which is always called "run": the report names it. */
const place = () => {
  const folder = join(work, String(number++));
  mkdirSync(folder);
  return join(folder, "run");
};
const failures = [];
const say = (text) => console.error(text);
const firstLines = (text) => {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith("cellhue: "));
  return at < 0
    ? lines.slice(-4).join(" | ")
    : lines
        .slice(at, at + 6)
        .join(" | ")
        .trim();
};

/**
 * Ends a disturbed run with the same command and holds it against the reference.
 * @returns what is wrong, in words; nothing where the folder is the same
 */
async function resumed({ reference, out, args }, { half = halves(reference, out) } = {}) {
  const before = existsSync(out) ? finishedFiles(out) : new Map();
  const wrong = half.map((name) => `${name} was half a file`);
  const { code, stderr } = await cellhue(args, { checkpoint: 60 });
  if (code !== 0)
    return { wrong: [...wrong, `the resume ended with ${code}: ${firstLines(stderr)}`], lost: 0 };
  const found = differences(reference, out);
  wrong.push(...found.map(({ name, why }) => `${name}: ${why}`));
  wrong.push(...madeAgain(before, out).map((name) => `${name} was done and was made again`));
  if (/unexpected|Error:/.test(stderr)) wrong.push(firstLines(stderr));
  return { wrong, lost: found.reduce((sum, { lost }) => sum + lost, 0), kept: before.size };
}

function told(kind, detail, result) {
  const good = result.wrong.length === 0;
  const { wrong } = result;
  const shown = wrong.length > 6 ? [...wrong.slice(0, 6), `… and ${wrong.length - 6} more`] : wrong;
  say(["ok  ", "FAIL"][good ? 0 : 1] + [` ${kind}: ${detail}`, ...shown].join("\n     "));
  if (!good) failures.push({ kind, detail, wrong: shown });
  return good;
}

/** The runs that nobody disturbs: their folders, and how long their stages take. */
async function references() {
  const found = [];
  for (const [name, settings] of Object.entries(runs)) {
    const out = place();
    const counted = await cellhue(command(file, out, settings), { crash: "count:0" });
    if (counted.code !== 0) throw new Error(`the reference run failed: ${counted.stderr}`);
    const points = JSON.parse(/crash points (\{.*\})/.exec(counted.stderr)[1]);
    const { stages } = record(out);
    const seconds = Object.fromEntries(Object.entries(stages).map(([stage, s]) => [stage, s.seconds]));
    const reference = snapshot(out);
    const bytes = [...reference.values()].reduce((sum, b) => sum + b.length, 0);
    found.push({ name, settings, out, points, seconds, reference, bytes });
    say(`reference ${name}: ${reference.size} files, ${bytes} bytes; ${JSON.stringify(seconds)}`);
  }
  return found;
}

/** A moment spread evenly over the time of some stages. */
function momentIn(stages, seconds, random) {
  let at = random() * stages.reduce((sum, stage) => sum + seconds[stage], 0);
  for (const stage of stages) {
    if (at <= seconds[stage]) return { stage, seconds: at };
    at -= seconds[stage];
  }
  return { stage: stages.at(-1), seconds: 0 };
}

const shown = ({ stage, seconds }) => `${seconds.toFixed(3)} s into ${stage}`;

/** SIGKILL of the process group at random moments, every third case twice. */
async function kills(refs) {
  const cases = [];
  const each = Math.ceil(Number(options.kills) / 3);
  const picked = options.cases?.split(",").map(Number);
  for (const [p, [part, stages]] of Object.entries(parts).entries())
    for (let i = 0; i < each; i++) {
      const number = p * each + i;
      if (picked !== undefined && !picked.includes(number)) continue;
      const ref = refs[i % refs.length];
      const random = randomFrom(seed * 1000 + number);
      const out = place();
      const args = command(file, out, ref.settings);
      const struck = [];
      const moments = [];
      const wrong = [];
      for (let kill = 0; kill < (i % 3 === 2 ? 2 : 1); kill++) {
        const moment = momentIn(kill === 0 ? stages : Object.keys(ref.seconds), ref.seconds, random);
        // A machine that has become faster may be through by then: sooner, on a new folder.
        for (let more = 1; ; more *= 0.6) {
          const sooner = { ...moment, seconds: more * moment.seconds };
          const { at, signal } = await signalled(args, out, sooner);
          moments.push(shown(sooner));
          if (signal === "SIGKILL") struck.push(at);
          if (signal === "SIGKILL" || kill > 0 || more < 0.05) break;
          rmSync(out, { recursive: true });
        }
        wrong.push(...halves(ref.reference, out).map((name) => `${name} was half a file`));
      }
      const result = await resumed({ ...ref, out, args });
      result.wrong.unshift(...wrong);
      if (struck.length === 0) result.wrong.push("it was over before the kill");
      const detail = `${number}: ${ref.name}, seed ${seed}, ${moments.join(", then ")}; struck ${struck.join(", ")}`;
      const survived = told(`kill in ${part}`, detail, result);
      cases.push({ number, part, run: ref.name, struck, survived, lost: result.lost, kept: result.kept });
      if (survived) rmSync(dirname(out), { recursive: true });
    }
  return cases;
}

/** SIGKILL at random file operations: half a file written, before and after a rename, before a removal. */
async function points(refs) {
  const cases = [];
  const kinds = ["half", "renaming", "renamed", "half", "removing"];
  for (let i = 0; i < Number(options.points); i++) {
    const ref = refs[i % refs.length];
    const random = randomFrom(seed * 2000 + i);
    const kind = kinds[i % kinds.length];
    const many = ref.points[kind === "renamed" ? "renaming" : kind];
    const at = 1 + Math.floor(random() * many);
    const out = place();
    const args = command(file, out, ref.settings);
    const { signal } = await cellhue(args, { crash: `${kind}:${at}` });
    const stage = stageAt(out);
    const result = await resumed({ ...ref, out, args });
    const detail = `${ref.name}, ${kind}:${at} of ${many}; struck ${stage}`;
    // The number of checkpoints follows the clock, so the last of them may not come.
    const struck = signal === "SIGKILL";
    const survived = told("kill at a file operation", struck ? detail : `${detail} (not reached)`, result);
    cases.push({ kind, run: ref.name, stage, struck, survived, lost: result.lost });
    if (survived) rmSync(dirname(out), { recursive: true });
  }
  return cases;
}

/** Ctrl-C: exit code 130, the lock given back. */
async function interrupts(refs) {
  const cases = [];
  for (const [p, stages] of [...Object.values(parts), ["start"]].entries()) {
    const ref = refs[p % refs.length];
    const random = randomFrom(seed * 3000 + p);
    const moment =
      stages[0] === "start" ? { stage: "start", seconds: 0.35 } : momentIn(stages, ref.seconds, random);
    const out = place();
    const args = command(file, out, ref.settings);
    const { code, at } = await signalled(args, out, { ...moment, signal: "SIGINT" });
    const locked = existsSync(join(out, "run.lock"));
    const result = await resumed({ ...ref, out, args });
    // Before cellhue listens, the system ends it, with no code.
    if (code !== 130 && !(code === null && at === "start")) result.wrong.push(`ended with ${code}`);
    if (locked) result.wrong.push("the lock is left");
    const survived = told("SIGINT", `${ref.name}, ${shown(moment)}; at ${at}, exit code ${code}`, result);
    cases.push({ at, code, survived, lost: result.lost });
    if (survived) rmSync(dirname(out), { recursive: true });
  }
  return cases;
}

const run = (program, ...args) => execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
const possible = (what, work) => {
  try {
    work();
    return true;
  } catch (error) {
    say(`not tried: ${what} (${error.message.split("\n")[0]})`);
    return false;
  }
};

const wanted = (section) => options.section === undefined || options.section.split(",").includes(section);

/** Faults of disk, folder, input and memory. Each is one row: what was done, what cellhue said, what came of the run. */
async function faults(refs) {
  const rows = [];
  const [ref] = refs;
  const { reference, settings, seconds, bytes } = ref;
  const prepared = () => {
    const out = place();
    return { ...ref, out, args: command(file, out, settings) };
  };
  /**
   * @param wanted exit code, and words of the message
   * @param ended how the disturbed command ended
   * @param prepared of the run to end now, where there is one to end
   */
  const row = async (group, what, wanted, ended, prepared, extra = []) => {
    const wrong = [...extra];
    const { codes, words } = wanted;
    if (!codes.includes(ended.code)) wrong.push(`ended with ${ended.code} ${ended.signal ?? ""}`);
    if (words && !words.test(ended.stderr)) wrong.push(`says: ${firstLines(ended.stderr)}`);
    if (/unexpected error|\n {4}at /.test(ended.stderr) && ended.code === 2)
      wrong.push(firstLines(ended.stderr));
    const at = prepared && existsSync(prepared.out) ? stageAt(prepared.out) : "–";
    let lost = 0;
    if (prepared) {
      const result = await resumed(prepared);
      wrong.push(...result.wrong);
      lost = result.lost;
    }
    const said = /^cellhue: (.*)$/m.exec(ended.stderr)?.[1] ?? "";
    const survived = told(group, `${what}; at ${at}, exit code ${ended.code ?? ended.signal}, ${said}`, {
      wrong,
    });
    rows.push({ group, what, at, code: ended.code ?? ended.signal, said, survived, lost });
    if (prepared && survived) rmSync(prepared.out, { recursive: true, force: true });
  };

  if (wanted("disk")) {
    // Disk full: disks of several sizes, so that it strikes in several stages; then there is room.
    const disk = join(work, "disk");
    mkdirSync(disk);
    const mount = (size) => run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk);
    const unmount = () => run("umount", "-l", disk);
    const tiny = () => {
      mount("1m");
      unmount();
    };
    if (possible("a full disk", tiny)) {
      const out = join(disk, "run");
      const args = command(file, out, settings);
      for (const share of [0.003, 0.1, 0.4, 0.8, 1]) {
        mount(Math.ceil((share * bytes) / 4096) * 4096);
        const ended = await cellhue(args);
        const wrong = existsSync(out) ? halves(reference, out).map((name) => `${name} was half a file`) : [];
        run("mount", "-o", "remount,size=100m", disk);
        const words = /disk is full[\s\S]*found: .*bytes to write, [\d,]+ bytes free[\s\S]*try: /;
        await row(
          "disk full",
          `a disk of ${Math.round(share * 100)} % of the run's ${(bytes / 1e6).toFixed(1)} MB`,
          { codes: [2], words },
          ended,
          { ...ref, out, args },
          wrong,
        );
        unmount();
      }
      // Read-only: killed on the way, then the disk can only be read.
      mount("100m");
      const moment = { stage: "train", seconds: 0.3 * seconds.train };
      await signalled(args, out, moment);
      run("mount", "-o", "remount,ro", disk);
      const ended = await cellhue(args);
      run("mount", "-o", "remount,rw", disk);
      await row(
        "read-only",
        "the disk, between a kill and the resume",
        { codes: [2], words: /read-only[\s\S]*--out/ },
        ended,
        {
          ...ref,
          out,
          args,
        },
      );
      unmount();
    }
    // The same by a failing write in every stage.
    for (let i = 0; i < 6; i++) {
      const p = prepared();
      const at = Math.floor(((i + 1) / 7) * ref.points.half);
      const ended = await cellhue(p.args, { crash: `full:${at}` });
      await row(
        "disk full",
        `write ${at} of ${ref.points.half} fails`,
        { codes: [2], words: /disk is full/ },
        ended,
        p,
      );
    }
    if (possible("a limit of file sizes", () => run("prlimit", "--fsize=100000", "true")))
      for (const size of [2000, 60_000, 200_000]) {
        const p = prepared();
        const ended = await cellhue(p.args, { through: ["prlimit", `--fsize=${size}`] });
        await row(
          "file size limit",
          `${size} bytes`,
          { codes: [2], words: /larger than[\s\S]*ulimit -f/ },
          ended,
          p,
        );
      }
  }

  if (wanted("permission")) {
    // No permission: as another user, since root may write anywhere.
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    if (
      possible("another user", () => run(nobody[0], ...nobody.slice(1), process.execPath, main, "--version"))
    ) {
      const p = prepared();
      chmodSync(dirname(p.out), 0o555);
      const ended = await cellhue(p.args, { through: nobody });
      chmodSync(dirname(p.out), 0o755);
      await row(
        "read-only",
        "the folder that the run folder is to be made in",
        { codes: [2], words: /no permission[\s\S]*--out/ },
        ended,
        p,
      );
      for (const [stage, inside] of [
        ["preprocess", "benchmarking"],
        ["folds", "encoders"],
        ["train", "folds/compact"],
        ["saliency", "figures"],
        ["explain", "genes"],
      ]) {
        const q = prepared();
        chownSync(dirname(q.out), 65534, 65534);
        // The folder of a stage is there already and is another's.
        const first = start(q.args, { through: nobody });
        await reached(first, q.out, stage);
        first.kill("SIGKILL");
        await first.ended;
        mkdirSync(join(q.out, inside), { recursive: true });
        chownSync(join(q.out, inside), 0, 0);
        chmodSync(join(q.out, inside), 0o555);
        const ended = await cellhue(q.args, { through: nobody });
        chmodSync(join(q.out, inside), 0o777);
        await row(
          "read-only",
          `${inside} of the stage ${stage}`,
          { codes: [2], words: /no permission/ },
          ended,
          q,
        );
      }
    }
  }

  if (wanted("paths")) {
    // Output paths.
    {
      const p = prepared();
      const args = command(file, join(dirname(p.out), "deep", "er", "run"), settings);
      const ended = await cellhue(args);
      const wrong = differences(reference, args.at(-1)).map(({ name, why }) => `${name}: ${why}`);
      await row("output path", "parents are missing: they are made", { codes: [0] }, ended, undefined, wrong);
      const blocked = join(dirname(p.out), "a file");
      writeFileSync(blocked, "mine");
      for (const [what, out] of [
        ["its parent is a file", join(blocked, "run")],
        ["it is a file", blocked],
      ]) {
        const ended = await cellhue(command(file, out, settings));
        const left = readFileSync(blocked, "utf8") === "mine" ? [] : ["the file was harmed"];
        await row(
          "output path",
          what,
          { codes: [2], words: /is a file|file, not a folder/ },
          ended,
          undefined,
          left,
        );
      }
    }
  }

  if (wanted("removed")) {
    // The run folder is removed on the way.
    for (const stage of ["preprocess", "folds", "train", "saliency", "explain"]) {
      const p = prepared();
      const running = start(p.args);
      await reached(running, p.out, stage);
      await sleep(250 * seconds[stage]);
      const moved = `${p.out}-removed`;
      renameSync(p.out, moved); // in one step, so that nothing is left of it
      const ended = await running.ended;
      const wrong = existsSync(p.out) ? ["part of a folder was made again"] : [];
      await row(
        "folder removed",
        `in ${stage}`,
        { codes: [2], words: /the (run )?folder is gone|no run here|cannot be read[\s\S]*ENOENT/ },
        ended,
        p,
        wrong,
      );
    }
    {
      const p = prepared();
      const old = start(p.args);
      await reached(old, p.out, "train");
      renameSync(p.out, `${p.out}-removed`);
      const fresh = start(p.args);
      const [ended, other] = await Promise.all([old.ended, fresh.ended]);
      const wrong =
        other.code === 0 ? [] : [`the new run ended with ${other.code}: ${firstLines(other.stderr)}`];
      await row(
        "folder removed",
        "in train, and the same command started again beside the old one",
        { codes: [2], words: /is gone/ },
        ended,
        p,
        wrong,
      );
    }
  }

  if (wanted("together")) {
    // Two at once.
    {
      const p = prepared();
      const first = start(p.args);
      await reached(first, p.out, "train");
      const second = await cellhue(p.args);
      const { code } = await first.ended;
      await row(
        "two at once",
        "a second run while the first trains",
        { codes: [2], words: new RegExp(`another cellhue[\\s\\S]*process ${first.child.pid}`) },
        second,
        p,
        code === 0 ? [] : [`the first ended with ${code}`],
      );
      const q = prepared();
      const all = await Promise.all([1, 2, 3].map(() => start(q.args).ended));
      const won = all.filter(({ code }) => code === 0);
      const refused = all.filter(({ code }) => code !== 0);
      await row(
        "two at once",
        "three started together",
        { codes: [2], words: /another cellhue/ },
        refused[0] ?? all[0],
        q,
        [
          ...(won.length === 1 ? [] : [`${won.length} of them went on`]),
          ...refused.filter(({ code }) => code !== 2).map(({ code }) => `one ended with ${code}`),
        ],
      );
      for (const [what, lock] of [
        ["the lock of a process that is dead", { pid: 2 ** 22 + 1, began: null }],
        [
          "the lock of a dead process whose number another program has now",
          { pid: spawnSleep(), began: "1" },
        ],
        ["half a lock", undefined],
      ]) {
        const r = prepared();
        await signalled(r.args, r.out, { stage: "folds", seconds: 0 });
        writeFileSync(
          join(r.out, "run.lock"),
          lock ? JSON.stringify({ ...lock, host: hostname() }) : '{"pid":',
        );
        await row("two at once", what, { codes: [0] }, await cellhue(r.args), r);
      }
    }
  }

  if (wanted("input")) {
    // The input.
    {
      const own = join(work, "input.h5ad");
      const fresh = () => {
        copyFileSync(file, own);
        const out = place();
        return { ...ref, reference: undefined, out, args: command(own, out, settings) };
      };
      const whole = fresh();
      await cellhue(whole.args);
      const reference = snapshot(whole.out);
      const changed = () => appendFileSync(own, "more"); // HDF5 reads it all the same
      for (const [what, spoil, words, during] of [
        ["another file under its name, between a kill and the resume", changed, /another run/, false],
        ["removed, between a kill and the resume", () => rmSync(own), /no such file/, false],
        ["another file under its name, while it trains", changed, /the file has changed/, true],
        ["removed while it trains", () => rmSync(own), /no such file|cannot be read any more/, true],
      ]) {
        const p = { ...fresh(), reference };
        const running = start(p.args);
        await reached(running, p.out, "train");
        if (!during) running.kill("SIGKILL");
        if (!during) await running.ended;
        spoil();
        const ended = during ? await running.ended : await cellhue(p.args);
        copyFileSync(file, own);
        await row("input", what, { codes: [2], words }, ended, p);
      }
    }
  }

  if (wanted("memory")) {
    // Memory.
    if (possible("a limit of memory", () => run("prlimit", "--data=1000000000", "true"))) {
      for (const megabytes of [200, 300, 400, 500, 650]) {
        const p = prepared();
        const ended = await cellhue(p.args, { through: ["prlimit", `--data=${megabytes * 1e6}`] });
        await row("memory", `at most ${megabytes} MB of it`, memoryOutcome(ended), ended, p);
      }
    }
    {
      const p = prepared();
      const ended = await cellhue(p.args, { env: { NODE_OPTIONS: "--max-old-space-size=32" } });
      await row("memory", "V8's heap of 32 MB", memoryOutcome(ended), ended, p);
    }
    const group = "/sys/fs/cgroup/memory/cellhue-reliability";
    if (
      possible("a cgroup's limit of memory", () => {
        mkdirSync(group, { recursive: true });
        writeFileSync(join(group, "memory.limit_in_bytes"), "300M");
      })
    ) {
      const p = prepared();
      const enter = ["sh", "-c", `echo $$ > ${group}/cgroup.procs; exec "$@"`, "sh"];
      const ended = await cellhue(p.args, { through: enter });
      await row("memory", "a container of 300 MB", memoryOutcome(ended), ended, p);
      possible("to remove the cgroup", () => run("rmdir", group));
    }
  }

  if (wanted("output")) {
    // Standard output.
    {
      const p = prepared();
      const quoted = [process.execPath, main, ...p.args].map((a) => `'${a}'`).join(" ");
      const piped = await cellhue([], {
        through: ["bash", "-c", `${quoted} --json | head -1; echo "codes \${PIPESTATUS[0]}"`],
      });
      const wrong = /\n {4}at |EPIPE/.test(piped.stderr) ? ["a stack trace"] : [];
      if (!/codes 0/.test(piped.stdout)) wrong.push(piped.stdout);
      await row("output", "cellhue run … | head -1", { codes: [0] }, piped, p, wrong);
      const q = prepared();
      const full = await cellhue([], {
        through: ["bash", "-c", `${quoted.replaceAll(p.out, q.out)} > /dev/full`],
      });
      await row(
        "output",
        "cellhue run … > a full disk",
        { codes: [2], words: /standard output: the disk is full/ },
        full,
        q,
      );
    }
  }

  return rows;
}

/** Kills of the commands that stand beside a run. */
const beside = ([{ out }]) =>
  commands({
    ...{ run: out, file, work, seed, told },
    each: Number(options.beside),
    names: ["audit", "explain", "predict"].filter(wanted),
  });

/** A shortage of memory is told with exit code 2 where it can be; V8 and native libraries end the process by themselves. */
function memoryOutcome({ code, signal }) {
  if (code === 0) return { codes: [0] };
  if (code === 2)
    return { codes: [2], words: /memory does not suffice|no more threads|does not fit into memory/ };
  const aborts = [133, 134, 137, "SIGABRT", "SIGTRAP", "SIGKILL", "SIGILL", "SIGSEGV", "SIGBUS"];
  return { codes: aborts.includes(code ?? signal) ? [code] : [], words: /without a word[\s\S]*--threads 1/ };
}

const sleepers = [];
process.on("exit", () => {
  for (const child of sleepers) child.kill();
});
function spawnSleep() {
  const child = spawn("sleep", ["3600"], { stdio: "ignore" });
  child.unref(); // or this process would wait for it
  sleepers.push(child);
  return child.pid;
}

async function measure() {
  const refs = await references();
  const figures = {
    made: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
    seed,
    references: refs.map(({ name, settings, seconds, reference, bytes, points }) => ({
      name,
      settings: settings.join(" "),
      seconds,
      files: reference.size,
      bytes,
      points,
    })),
  };
  for (const [name, does] of Object.entries({ kills, points, interrupts, commands: beside, faults }))
    if (only.includes(name)) figures[name] = await does(refs);
  figures.failures = failures;
  return figures;
}

/** The figures that were kept, with those of this call in place of the same cases. */
function together(kept, fresh) {
  const all = [kept, fresh];
  const kills = new Map();
  const faults = new Map();
  const commands = new Map();
  for (const one of all) {
    for (const row of one.kills ?? []) kills.set(row.number, row);
    for (const row of one.faults ?? []) faults.set(`${row.group}: ${row.what}`, row);
    for (const row of one.commands ?? []) commands.set(row.command, []);
    for (const row of one.commands ?? []) commands.get(row.command).push(row);
  }
  const again = Object.entries({ points: "kill at a file operation: ", interrupts: "SIGINT: " }).flatMap(
    ([part, kind]) => (fresh[part] === undefined ? [] : [kind]),
  );
  for (const { number, part } of fresh.kills ?? []) again.push(`kill in ${part}: ${number}: `);
  for (const { group, what } of fresh.faults ?? []) again.push(`${group}: ${what};`);
  const failed = (kept.failures ?? []).filter(({ kind, detail }) => {
    const name = `${kind}: ${detail}`;
    const beside = (fresh.commands ?? []).some(({ command }) => kind.endsWith(` in ${command}`));
    return !beside && !again.some((start) => name.startsWith(start));
  });
  return {
    ...kept,
    ...fresh,
    kills: [...kills.values()].sort((a, b) => a.number - b.number),
    faults: [...faults.values()],
    commands: [...commands.values()].flat(),
    failures: [...failed, ...fresh.failures],
  };
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
let figures;
try {
  figures = await measure();
} finally {
  if (failures.length === 0) rmSync(work, { recursive: true, force: true });
  else say(`what the failed cases left lies in ${work}`);
}
if (!options["no-write"]) {
  const kept = existsSync(reliabilityFile) ? JSON.parse(readFileSync(reliabilityFile, "utf8")) : {};
  writeFileSync(reliabilityFile, `${JSON.stringify(together(kept, figures), null, 1)}\n`);
  writeDocument();
}
say(`${failures.length} of the cases failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
