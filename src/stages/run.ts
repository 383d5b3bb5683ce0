/** The whole job over a run folder, and any one stage of it. */
import type { Settings, SettingsInput, Source } from "../config.js";
import { callSource, flagOf, machineSettings, resolveSettings, settingNames } from "../config.js";
import { CellhueError } from "../errors.js";
import { RunFolder, type StageName, stageSettings, stagesAlong } from "../io/run-folder.js";
import { silent } from "../progress.js";
import type { Metrics } from "./compare.js";
import type { StageContext } from "./context.js";
import type { LoadX } from "./guide.js";
import { changedFile, openRun, type RunInput, readInput, requireTrainable, tellCutOff } from "./prepare.js";

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
export const runAll = (settings: Settings, ctx: StageContext = quiet): Promise<RunResult> =>
  runThrough(settings, "report", ctx);

/** The stages of a run in their order; the audit is a matter of its own. */
const chain = ["baselines", "train", "compare", "saliency", "explain", "report"] as const;

/** The stages up to one of them. */
export async function runThrough(
  settings: Settings,
  last: (typeof chain)[number],
  ctx: StageContext = quiet,
): Promise<RunResult> {
  const { run, input } = await openRun(settings, ctx, { training: true });
  try {
    const { preprocessStage } = await import("./preprocess.js");
    await preprocessStage(run, input.settings, ctx, input);
    const { foldsStage } = await import("./folds.js");
    await foldsStage(run, input.settings, ctx, input);
    input.drop();
    for (const stage of chain.slice(0, chain.indexOf(last) + 1))
      await oneStage(stage, run, input.settings, ctx, async () => input);
    return await resultOf(run);
  } catch (error) {
    throw run.causeOf(error);
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
  } catch (error) {
    throw run.causeOf(error);
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
  stage: Exclude<StageName, "audit">,
  sources: readonly Source[],
  ctx: StageContext = quiet,
): Promise<RunResult> {
  const run = await RunFolder.open(folder);
  tellCutOff(run, ctx);
  try {
    const before = run.record.settings;
    const settings = { ...resolveSettings(sources, before), out: before.out };
    for (const name of settingNames) {
      if ((machineSettings as readonly string[]).includes(name) || stageSettings(stage).includes(name))
        continue;
      if (JSON.stringify(settings[name]) === JSON.stringify(before[name])) continue;
      throw new CellhueError(`${flagOf(name)} does not belong to the stage ${stage}`, {
        where: run.root,
        found: `${JSON.stringify(settings[name])}; the run has ${JSON.stringify(before[name])}`,
        remedy: `cellhue run does all stages that a setting touches`,
      });
    }
    run.requireBefore(stage, stagesAlong(stage));
    if (stage === "train") await requireTrainable(settings, ctx);
    for (const name of [...stagesAlong(stage), stage]) {
      if (name !== stage && (await run.isDone(name, settings))) continue;
      await anyStage(name as ChainedStage, run, settings, ctx);
    }
    return await resultOf(run);
  } catch (error) {
    throw run.causeOf(error);
  } finally {
    run.close();
  }
}

/** The genes of single samples of an explained run. */
export async function explainSamplesOf(
  folder: string,
  names: readonly string[],
  ctx: StageContext = quiet,
): Promise<import("./explain.js").ExplainedSample[]> {
  const run = await RunFolder.open(folder);
  try {
    run.requireBefore("report");
    const { settings } = run.record;
    const { explainSamples } = await import("./explain.js");
    return await explainSamples(run, settings, ctx, () => inputOf(run, settings, ctx), names);
  } catch (error) {
    throw run.causeOf(error);
  } finally {
    run.close();
  }
}

type ChainedStage = Exclude<StageName, "audit">;

/** A stage on a run folder; the first two read the file again, which must be the one that the run began with. */
async function anyStage(
  stage: ChainedStage,
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
): Promise<void> {
  if (stage !== "preprocess" && stage !== "folds") {
    if (JSON.stringify(settings) !== JSON.stringify(run.record.settings)) await run.setSettings(settings);
    return oneStage(stage, run, settings, ctx, () => inputOf(run, settings, ctx));
  }
  if (stage === "folds") run.requireBefore(stage);
  const input = await inputOf(run, settings, ctx);
  const changed = { ...input.settings, file: settings.file };
  const needed = stage === "preprocess" || settings.protocol === "inductive";
  if (needed && !(await run.isDone(stage, changed))) await input.load();
  await run.setSettings(changed);
  if (stage === "preprocess")
    await (await import("./preprocess.js")).preprocessStage(run, changed, ctx, input);
  else await (await import("./folds.js")).foldsStage(run, changed, ctx, input);
}

/** The file of a run, which must be the one that the run began with. */
async function inputOf(run: RunFolder, settings: Settings, ctx: StageContext): Promise<RunInput> {
  const input = await readInput({ ...settings, file: run.record.input.path }, ctx);
  const { path, sha256 } = run.record.input;
  if (input.record.sha256 !== sha256) throw changedFile(path, sha256);
  return input;
}

async function oneStage(
  stage: (typeof chain)[number],
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  input: () => Promise<RunInput>,
): Promise<void> {
  const load: LoadX = async (key) => {
    const [{ encoderFolder }, { readNormalised }] = await Promise.all([
      import("../io/encoded.js"),
      import("./normalised.js"),
    ]);
    return readNormalised(run, settings, encoderFolder(settings, key), await input());
  };
  switch (stage) {
    case "baselines":
      return (await import("./baselines.js")).baselinesStage(run, settings, ctx);
    case "train":
      return (await import("./train.js")).trainStage(run, settings, ctx, load);
    case "compare":
      await (await import("./compare.js")).compareStage(run, settings, ctx);
      return;
    case "saliency":
      return (await import("./saliency.js")).saliencyStage(run, settings, ctx, load);
    case "explain":
      return (await import("./explain.js")).explainStage(run, settings, ctx, input);
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

/** Settings of a call of the library. */
export const settingsOf = (input: SettingsInput): Settings => resolveSettings([callSource(input)]);
