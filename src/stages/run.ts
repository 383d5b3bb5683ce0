/** The whole job over a run folder, and any one stage of it. */
import type { Settings, SettingsInput, Source } from "../config.js";
import { callSource, flagOf, resolveSettings, settingNames } from "../config.js";
import { CellhueError } from "../errors.js";
import { RunFolder, type StageName, stageSettings } from "../io/run-folder.js";
import { silent } from "../progress.js";
import type { Metrics } from "./compare.js";
import type { StageContext } from "./context.js";
import { openRun, readInput, requireTrainable } from "./prepare.js";

/** What a command reports at its end; also what --json prints. */
export interface RunResult {
  /** Absolute path of the run folder. */
  run: string;
  settings: Settings;
  /** Seconds of every stage that is done. */
  stages: Partial<Record<StageName, number>>;
  /** Absent before the stage compare. */
  metrics?: Metrics;
  /** Absolute path; absent before the stage report. */
  report?: string;
}

const quiet: StageContext = { progress: silent };

/** All stages, from the file to the report; what is done under the same settings is not done again. */
export async function runAll(settings: Settings, ctx: StageContext = quiet): Promise<RunResult> {
  const { run, input } = await openRun(settings, ctx, { training: true });
  try {
    const { preprocessStage } = await import("./preprocess.js");
    await preprocessStage(run, input.settings, ctx, input);
    for (const stage of ["train", "compare", "saliency", "report"] as const) {
      await oneStage(stage, run, input.settings, ctx);
    }
    return await resultOf(run);
  } finally {
    run.close();
  }
}

/** The first stage alone, which makes the run folder. */
export async function preprocessFile(settings: Settings, ctx: StageContext = quiet): Promise<RunResult> {
  const { run, input } = await openRun(settings, ctx, { training: false });
  try {
    const { preprocessStage } = await import("./preprocess.js");
    await preprocessStage(run, input.settings, ctx, input);
    return await resultOf(run);
  } finally {
    run.close();
  }
}

/**
 * One stage on a run folder that there is. The folder's settings hold but for those now given.
 * @throws CellhueError where a setting is given that belongs to another stage
 */
export async function runStage(
  folder: string,
  stage: StageName,
  sources: readonly Source[],
  ctx: StageContext = quiet,
): Promise<RunResult> {
  const run = await RunFolder.open(folder);
  try {
    const before = run.record.settings;
    const settings = { ...resolveSettings(sources, before), out: before.out };
    for (const name of settingNames) {
      if (name === "threads" || stageSettings(stage).includes(name)) continue;
      if (JSON.stringify(settings[name]) === JSON.stringify(before[name])) continue;
      throw new CellhueError(`${flagOf(name)} does not belong to the stage ${stage}`, {
        where: run.root,
        found: `${JSON.stringify(settings[name])}; the run has ${JSON.stringify(before[name])}`,
        remedy: `cellhue run does all stages that a setting touches`,
      });
    }
    if (stage === "preprocess") {
      const input = await readInput({ ...settings, file: run.record.input.path }, ctx);
      if (input.record.sha256 !== run.record.input.sha256) throw changedFile(run);
      const changed = { ...input.settings, file: settings.file };
      if (!(await run.isDone(stage, changed))) await input.load();
      await run.setSettings(changed);
      const { preprocessStage } = await import("./preprocess.js");
      await preprocessStage(run, changed, ctx, input);
    } else {
      if (stage === "train") {
        requireFolds(run, settings.folds);
        await requireTrainable(settings, ctx);
      }
      if (JSON.stringify(settings) !== JSON.stringify(before)) await run.setSettings(settings);
      await oneStage(stage, run, settings, ctx);
    }
    return await resultOf(run);
  } finally {
    run.close();
  }
}

async function oneStage(
  stage: Exclude<StageName, "preprocess">,
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
): Promise<void> {
  switch (stage) {
    case "train":
      return (await import("./train.js")).trainStage(run, settings, ctx);
    case "compare":
      await (await import("./compare.js")).compareStage(run, settings, ctx);
      return;
    case "saliency":
      return (await import("./saliency.js")).saliencyStage(run, settings, ctx);
    case "report":
      return (await import("./report.js")).reportStage(run, settings, ctx);
  }
}

async function resultOf(run: RunFolder): Promise<RunResult> {
  const { settings, stages } = run.record;
  const done = (stage: StageName) => stages[stage]?.state === "done";
  const seconds: RunResult["stages"] = {};
  for (const [stage, state] of Object.entries(stages)) {
    if (state.state === "done") seconds[stage as StageName] = state.seconds;
  }
  return {
    run: run.root,
    settings,
    stages: seconds,
    metrics: done("compare") ? await run.readJson<Metrics>("metrics.json") : undefined,
    report: done("report") ? run.path("report.html") : undefined,
  };
}

function requireFolds(run: RunFolder, folds: number): void {
  const small = run.record.classes.filter((c) => c.count < folds);
  if (small.length === 0) return;
  const most = Math.min(...small.map((c) => c.count));
  throw new CellhueError(`a class has fewer samples than there are folds`, {
    where: run.root,
    found: `${small
      .slice(0, 4)
      .map((c) => `'${c.name}' (${c.count})`)
      .join(", ")}; folds: ${folds}`,
    expected: `at least ${folds} samples in every class`,
    remedy: `--folds ${most}`,
  });
}

function changedFile(run: RunFolder): CellhueError {
  return new CellhueError("the file has changed since the run began", {
    where: run.record.input.path,
    expected: `the file with SHA-256 ${run.record.input.sha256.slice(0, 12)}…`,
    remedy: "cellhue run FILE --label COLUMN --out ANOTHER_DIR makes a run of the new file",
  });
}

/** Settings of a call of the library. */
export const settingsOf = (input: SettingsInput): Settings => resolveSettings([callSource(input)]);
