/**
 * Kills of the commands that stand beside a run, for bench/reliability.mjs: `audit`, `explain` with another method, and
 * `predict`, which writes outside of a run folder. Each is killed at random moments and file operations, or interrupted,
 * on a copy of a finished run; then the same command is started again, and all that lies there is compared with what it makes
 * undisturbed, byte for byte. A temporary file that is still there counts as a difference.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  cellhue,
  differences,
  filesOf,
  finishedFiles,
  madeAgain,
  randomFrom,
  snapshot,
  start,
} from "./faults.mjs";

/**
 * Paths must be the same in all cases, so there is one home for all.
 * @param run the finished run
 */
const commandsOn = (run, file, home) => ({
  audit: { args: ["audit", join(home, "run")], copies: true, share: 1 },
  explain: { args: ["explain", join(home, "run"), "--method", "gradient-x-input"], copies: true, share: 1 },
  predict: {
    args: [
      ...["predict", join(run, "model_final.onnx"), file],
      ...["--out", join(home, "table.csv"), "--write", join(home, "new.h5ad")],
    ],
    copies: false,
    share: 2, // it takes a second, most of it to start
  },
});

/** Files that grow: run.json and the like are looked at by the command itself. */
const growing = /(^|\/)(run|tuning)\.json$/;

/**
 * @param run folder of the reference run @param file its input @param work where copies may be made
 * @param each kills at random moments of a command @param told prints a case: (kind, detail, { wrong }) → whether it is good
 * @returns rows { command, how, struck, survived, lost }
 */
export async function commands({ run, file, work, seed, each, names, told }) {
  const home = join(work, "beside");
  const rows = [];
  const all = Object.entries(commandsOn(run, file, home)).filter(([name]) => names.includes(name));
  for (const [c, [name, { args, copies, share }]] of all.entries()) {
    const prepare = () => {
      rmSync(home, { recursive: true, force: true });
      mkdirSync(home);
      if (copies) cpSync(run, join(home, "run"), { recursive: true, preserveTimestamps: true });
    };
    prepare();
    const before = snapshot(home);
    const counted = await cellhue(args, { crash: "count:0", checkpoint: 60 });
    if (counted.code !== 0) throw new Error(`${name} failed undisturbed: ${counted.stderr}`);
    const counts = JSON.parse(/crash points (\{.*\})/.exec(counted.stderr)[1]);
    const reference = snapshot(home);
    prepare();
    const began = performance.now();
    await cellhue(args, { checkpoint: 60 });
    const seconds = (performance.now() - began) / 1000;
    const unlike = differences(reference, home);
    if (unlike.length > 0)
      throw new Error(`${name} makes other bytes each time: ${unlike.map((d) => d.name).join(", ")}`);

    /** What lies there after a blow: whole files only, the old ones or the new ones. */
    const halves = () => {
      const [old, now] = [before, snapshot(home)];
      return [...now].flatMap(([path, bytes]) => {
        const known = [old.get(path), reference.get(path)].filter((b) => b !== undefined);
        return growing.test(path) || known.length === 0 || known.some((b) => b.equals(bytes))
          ? []
          : [`${path} was half a file`];
      });
    };
    const finish = async (how, detail, wrong, struck) => {
      const done = copies ? finishedFiles(join(home, "run")) : new Map();
      // Where the blow fell before explain began, the genes are those of the other method and must be made again.
      const stale = () => {
        const there = snapshot(home);
        const other = (path) => !reference.get(`run/${path}`)?.equals(there.get(`run/${path}`));
        return [...done.keys()].some((path) => path.startsWith("genes") && other(path));
      };
      // audit writes the report anew.
      const anew = name === "explain" && stale() ? /^(report|figures|genes)/ : /^(report|figures|audit)/;
      const { code, stderr } = await cellhue(args, { checkpoint: 60 });
      if (code !== 0) wrong.push(`the same command ended with ${code}: ${stderr.slice(-300)}`);
      const found = differences(reference, home);
      wrong.push(...found.map(({ name: path, why }) => `${path}: ${why}`));
      const kept = [...done].filter(([path]) => !anew.test(path));
      if (copies)
        wrong.push(...madeAgain(new Map(kept), join(home, "run")).map((path) => `${path} was made again`));
      const lost = found.reduce((sum, d) => sum + d.lost, 0);
      const survived = told(`${how} in ${name}`, detail, { wrong });
      rows.push({ command: name, how, struck, survived, lost });
    };

    for (let i = 0; i < each * share; i++) {
      const random = randomFrom(seed * 4000 + 100 * c + i);
      const moment = random() * seconds;
      let struck = false;
      let at = moment;
      // A machine that has become faster may be through by then: sooner, on a new copy.
      for (; !struck && at > 0.05 * moment; at *= 0.6) {
        prepare();
        const running = start(args);
        await Promise.race([sleep(1000 * at), running.ended]);
        running.kill("SIGKILL");
        struck = (await running.ended).signal === "SIGKILL";
        if (struck) break;
      }
      await finish(
        "SIGKILL",
        `seed ${seed}, ${at.toFixed(3)} s of ${seconds.toFixed(1)} s`,
        halves(),
        struck,
      );
    }
    for (const [i, kind] of ["half", "renaming", "half", "renamed", "half", "removing"].entries()) {
      const random = randomFrom(seed * 5000 + 100 * c + i);
      const many = counts[kind === "renamed" ? "renaming" : kind];
      if (many === 0) continue;
      const point = `${kind}:${1 + Math.floor(random() * many)}`;
      prepare();
      const { signal } = await cellhue(args, { crash: point, checkpoint: 60 });
      await finish("file operation", `${point} of ${many}`, halves(), signal === "SIGKILL");
    }
    for (let i = 0; i < 2 * share; i++) {
      const random = randomFrom(seed * 6000 + 100 * c + i);
      prepare();
      const running = start(args);
      const at = (0.2 + 0.7 * random()) * seconds;
      await Promise.race([sleep(1000 * at), running.ended]);
      running.kill("SIGINT");
      const { code, signal } = await running.ended;
      const wrong = halves();
      // Before cellhue listens the system ends it, with no code; a command that was through ends with 0.
      if (code !== 130 && code !== 0 && signal !== "SIGINT") wrong.push(`ended with ${code ?? signal}`);
      const left = filesOf(home).filter((path) => /cellhue-tmp$|run\.lock$/.test(path));
      wrong.push(...left.map((path) => `${path} is left`));
      await finish(
        "SIGINT",
        `${at.toFixed(3)} s of ${seconds.toFixed(1)} s, exit code ${code ?? signal}`,
        wrong,
        code !== 0,
      );
    }
  }
  rmSync(home, { recursive: true, force: true });
  return rows;
}
