/** The library: the functions that the command line calls, and the parts they are made of. */
import type { SettingsInput } from "./config.js";
import { callSource } from "./config.js";
import type { StageName } from "./io/run-folder.js";
import { silent } from "./progress.js";
import type { AuditReport } from "./report/audit-report.js";
import { type AuditOptions, auditRun } from "./stages/audit.js";
import type { StageContext } from "./stages/context.js";
import { preprocessFile, type RunResult, runAll, runStage, settingsOf } from "./stages/run.js";

/** All stages, from an expression file to the report. */
export const run = (settings: SettingsInput, ctx?: StageContext): Promise<RunResult> =>
  runAll(settingsOf(settings), ctx);

/** The first stage alone; makes the run folder. */
export const preprocess = (settings: SettingsInput, ctx?: StageContext): Promise<RunResult> =>
  preprocessFile(settingsOf(settings), ctx);

const stage =
  (name: Exclude<StageName, "audit">) =>
  (folder: string, settings: SettingsInput = {}, ctx?: StageContext): Promise<RunResult> =>
    runStage(folder, name, [callSource(settings)], ctx);

/** One stage on the folder of a run; settings that are not given stay as they are there. */
export const train = stage("train");
export const compare = stage("compare");
export const saliency = stage("saliency");
export const report = stage("report");
export const folds = stage("folds");
export const baselines = stage("baselines");

/** What a run's accuracy owes to leaks and batches; on the folder of a run that is compared. */
export const audit = (
  folder: string,
  options: AuditOptions = {},
  ctx: StageContext = { progress: silent },
): Promise<AuditReport> => auditRun(folder, options, ctx);

export { defaults, netNames, resolveSettings, type Settings, type SettingsInput } from "./config.js";
export { type Pca, pca } from "./embed/pca.js";
export { tsne } from "./embed/tsne.js";
export { umap } from "./embed/umap.js";
export {
  type EncoderFit,
  type EncoderOptions,
  encoderGraph,
  encodeSamples,
  fitEncoder,
} from "./encode/encoder.js";
export { renderSpectral, spectralLayout } from "./encode/spectral.js";
export { CellhueError, type ErrorParts, InterruptedError } from "./errors.js";
export { type Calibration, calibration } from "./evaluate/calibration.js";
export { confusionMatrix } from "./evaluate/confusion-matrix.js";
export { findDuplicates } from "./evaluate/duplicates.js";
export { type MetricIntervals, metricIntervals } from "./evaluate/metric-intervals.js";
export { type FoldMetrics, foldMetrics } from "./evaluate/metrics.js";
export { type Ranking, rankModels } from "./evaluate/ranking.js";
export { meanAndSd } from "./evaluate/summary.js";
export { undertrained } from "./evaluate/undertrained.js";
export { wilcoxonSignedRank } from "./evaluate/wilcoxon.js";
export { resolveLabels } from "./io/labels.js";
export { encodeModelFile, type ModelMetadata } from "./io/model-file.js";
export { type ExpressionReader, openExpression } from "./io/reader.js";
export { safeNames } from "./io/safe-name.js";
export type { CsrMatrix, DenseMatrix, Matrix } from "./matrix.js";
export type { Progress, ProgressTask } from "./progress.js";
export { RandomState } from "./random.js";
export type { AuditReport } from "./report/audit-report.js";
export type { AuditOptions } from "./stages/audit.js";
export type { Metrics } from "./stages/compare.js";
export type { StageContext } from "./stages/context.js";
export { type Exported, type ExportOptions, exportModel } from "./stages/export.js";
export { inspectFile as inspect } from "./stages/inspect.js";
export { type Prediction, type PredictOptions, predictFile as predict } from "./stages/predict.js";
export type { RunResult } from "./stages/run.js";
export type { Column, Table } from "./table.js";
export { type FoldOptions, makeFolds, type Split } from "./train/folds/make-folds.js";
export { stratifiedKFold } from "./train/folds/stratified.js";
