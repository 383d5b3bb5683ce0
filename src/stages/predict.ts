/**
 * `cellhue predict`: a model file and a file of new samples → a CSV of predictions and, where asked for, columns of obs in
 * a copy of the file. Genes are matched by name; all that could make the answer worthless is refused or told. The summary
 * is plain JSON; `formatPrediction` makes the text.
 */
import { realpath } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { type Device, devices } from "../devices.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { requireDevice } from "../graph/device.js";
import type { SessionOptions } from "../graph/session.js";
import { StoredGraph } from "../graph/stored.js";
import { checkObsColumns, writeObsColumns } from "../io/h5ad/write-obs.js";
import { type GeneMatch, type MatchRule, matchGenes, requireOverlap } from "../io/match-genes.js";
import { describeMatrix, type MatrixState } from "../io/matrix-state.js";
import { memoryLimit } from "../io/memory.js";
import { type ModelFile, readModelMetadata, type StoredMetadata } from "../io/model-file-read.js";
import { type ModelInput, modelRows, requireUsable } from "../io/model-rows.js";
import {
  decide,
  type ModelResults,
  type Predictions,
  predictionColumns,
  unassignedLabel,
  writePredictions,
} from "../io/predictions.js";
import { type ExpressionReader, matrixWithin, openExpression } from "../io/reader.js";
import { geneNamesOf } from "../io/second-names.js";
import { shellWord, visible } from "../io/visible.js";
import { type Matrix, rowBlocks } from "../matrix.js";
import { silent } from "../progress.js";
import type { StageContext } from "./context.js";

export interface PredictOptions {
  /** The CSV; by default <name of the file>.cellhue.csv in the working folder. */
  out?: string;
  /** A new .h5ad file: the input with columns of obs. */
  write?: string;
  /** Read this layer in place of X. */
  layer?: string;
  /** Read raw in place of X. */
  useRaw?: boolean;
  /** Least share of the model's genes that the file must have, in 0…1. */
  minOverlap?: number;
  /** Samples of a lower confidence stay "unassigned"; in 0…1. */
  threshold?: number;
  /** Take the threshold that the model states. */
  abstain?: boolean;
  /** 0: as many as the machine has cores. The result does not depend on it. */
  threads?: number;
  /** One of `devices`; default: "cpu". */
  device?: string;
  /** Gigabytes that X may take in memory; left out or 0: a quarter of the machine's. */
  memory?: number;
}

export interface Prediction {
  schema: "cellhue.prediction/1";
  model: string;
  file: string;
  samples: number;
  x: { source: string; state: string; trainedOn: string };
  genes: {
    model: number;
    file: number;
    overlap: number;
    share: number;
    how: Record<MatchRule, number>;
    /** Genes that the file does not have: they say nothing (see `docs/predict.md`). And the first 20 of them. */
    missing: { count: number; first: string[] };
    /** Of these, how many were found more than once, and the first 20. */
    ambiguous: { count: number; first: string[] };
  };
  /** Samples a class that they were predicted as, in the model's order; unassigned ones are not among them. */
  predicted: { label: string; count: number }[];
  /** Below this confidence a sample is unassigned; null where all are assigned. */
  threshold: number | null;
  unassigned: number;
  /** Samples farther from training than the model's threshold; null where it has none. */
  outliers: { count: number; threshold: number } | null;
  /** How many label sets have 0, 1, 2 … labels; null where the model states no sets. */
  labelSets: { coverage: number; sizes: number[] } | null;
  warnings: string[];
  csv: string;
  h5ad: string | null;
}

/**
 * Below half of its genes, more of what the model sees is filled in than measured. A prediction may still be of use then,
 * so the floor can be set; it is a floor for accidents (another platform, another kind of name), not a proof above it.
 */
export const defaultMinOverlap = 0.5;

/** Every run has this many rows, so that a sample's result does not depend on its neighbours. */
const batch = 32;

/**
 * @throws CellhueError for a model or file that cannot be used, too few genes in common, options or paths that do not fit;
 *   nothing is written then
 */
export async function predictFile(
  model: string,
  file: string,
  options: PredictOptions = {},
  ctx: StageContext = { progress: silent },
): Promise<Prediction> {
  const warnings: string[] = [];
  const warn = (line: string) => {
    warnings.push(line);
    ctx.progress.warn(line);
  };
  checkNumber("--min-overlap", options.minOverlap, isShare, "a number from 0 to 1");
  checkNumber("--threshold", options.threshold, isShare, "a number from 0 to 1");
  checkNumber("--memory", options.memory, (value) => value >= 0, "gigabytes, 0 or more");
  checkNumber("--threads", options.threads, isThreads, "a whole number from 0 to 256");
  const device = await checkDevice(options.device);
  const stored = await readModelMetadata(model);
  const { metadata } = stored;
  const threshold = thresholdOf(options, metadata, model);
  if (threshold !== null && metadata.labels.includes(unassignedLabel))
    warn(`'${unassignedLabel}' is a label of the model too: it cannot be told from samples without one`);

  const out = options.out ?? defaultOut(file);
  const read = await readNew(stored, file, out, options, ctx, warn);
  const { names, matrix, match, input, state, source } = read;
  const results = await runModel(stored, matrix, input, { threads: options.threads, device }, ctx).finally(
    read.close,
  );
  const predictions = decide(results, metadata.labels, {
    threshold,
    distance: metadata.distance.threshold,
    set: metadata.conformal === null ? null : (metadata.conformal.threshold ?? 0),
  });
  let h5ad: string | null = null;
  if (options.write !== undefined) {
    ctx.progress.note(`copying ${basename(file)} to ${options.write}`);
    await writeObsColumns(file, options.write, predictionColumns(predictions), ctx.signal);
    h5ad = resolve(options.write);
  }
  await writePredictions(out, names, predictions);
  return {
    schema: "cellhue.prediction/1",
    model: resolve(model),
    file: resolve(file),
    samples: matrix.rows,
    x: {
      source,
      state: `${state.state}: ${state.evidence}`,
      trainedOn: `${metadata.inputState.state}: ${metadata.inputState.evidence}`,
    },
    genes: {
      model: metadata.genes.length,
      file: matrix.cols,
      overlap: match.overlap,
      share: match.share,
      how: match.how,
      missing: { count: match.missing.length, first: match.missing.slice(0, 20) },
      ambiguous: { count: match.ambiguous.length, first: match.ambiguous.slice(0, 20) },
    },
    threshold,
    ...countPredictions(predictions, metadata),
    warnings,
    csv: resolve(out),
    h5ad,
  };
}

interface NewSamples {
  names: readonly string[];
  matrix: Matrix;
  match: GeneMatch;
  input: ModelInput;
  state: MatrixState;
  /** Which matrix of the file it is. */
  source: string;
  /** Closes the file, from which a stored matrix is read. */
  close(): void;
}

/** Reads the new samples, and refuses or tells of all that stands between them and the model. */
async function readNew(
  stored: ModelFile,
  file: string,
  out: string,
  { layer, useRaw, write, minOverlap, memory }: PredictOptions,
  ctx: StageContext,
  warn: (line: string) => void,
): Promise<NewSamples> {
  const { path, metadata } = stored;
  const { genes: modelGenes, geneIds } = metadata;
  const known = new Set([...modelGenes, ...(geneIds ?? [])]);
  const limit = memoryLimit(memory);
  const { progress, signal } = ctx;
  const reader = await openExpression(file, { layer, useRaw, genes: known, limit, progress, signal });
  let close = () => reader.close();
  try {
    if (reader.samples === 0) throw noSamples(reader);
    await checkPaths({ model: path, file, out, write }, reader);
    const genes = geneNamesOf(reader.var());
    const wanted = { names: metadata.genes, ids: metadata.geneIds };
    const match = matchGenes(wanted, genes, file);
    requireOverlap(match, wanted, genes, minOverlap ?? defaultMinOverlap, file);
    tellMatch(match, genes.index.length, ctx, warn);
    throwIfAborted(ctx.signal);
    const names = reader.obs().index;
    const opened = await matrixWithin(reader, limit, ctx);
    close = opened.close;
    const { matrix } = opened;
    const input = { from: match.from, normalize: metadata.inputState.normalize };
    const pass = { progress, signal, what: "checking X" };
    await requireUsable(matrix, input, genes.index, names, `${file}, ${reader.x.source}`, pass);
    const state = await describeMatrix(matrix, pass);
    const different = differentState(state, matrix.rows, metadata, reader);
    if (different !== null) warn(different);
    if (matrix.kind !== "stored") close();
    return { names, matrix, match, input, state, source: reader.x.source, close };
  } catch (error) {
    close();
    throw error;
  }
}

const isShare = (value: number) => value >= 0 && value <= 1;
const isThreads = (value: number) => Number.isInteger(value) && value >= 0 && value <= 256;

function checkNumber(
  where: string,
  value: number | undefined,
  valid: (value: number) => boolean,
  expected: string,
): void {
  if (value === undefined || valid(value)) return;
  throw new CellhueError(`${where} does not take this value`, {
    where,
    found: Number.isNaN(value) ? "not a number" : String(value),
    expected,
  });
}

async function checkDevice(name = "cpu"): Promise<Device> {
  const device = devices.find((other) => other === name);
  if (device === undefined)
    throw new CellhueError("--device does not take this value", {
      where: "--device",
      found: visible(name, 60),
      expected: devices.join(", "),
    });
  await requireDevice(device);
  return device;
}

function thresholdOf(options: PredictOptions, { abstain }: StoredMetadata, model: string): number | null {
  if (options.threshold !== undefined && options.abstain)
    throw new CellhueError("--threshold and --abstain exclude each other", {
      remedy: "--threshold 0.8 for a threshold of yours, --abstain for that of the model",
    });
  if (!options.abstain) return options.threshold ?? null;
  if (abstain.threshold === null)
    throw new CellhueError("the model states no threshold to abstain by", {
      where: model,
      found: visible(abstain.meaning, 400),
      remedy: "--threshold 0.8, or leave --abstain out",
    });
  return abstain.threshold;
}

const noSamples = (reader: ExpressionReader) =>
  new CellhueError("the file has no samples", {
    where: reader.path,
    found: `0 samples × ${reader.genes} genes`,
    expected: "at least one sample (a row of obs and X)",
    remedy: "look at how it was made: a filter may have left none",
  });

/** <stem of the file>.cellhue.csv in the working folder. */
function defaultOut(file: string): string {
  const name = basename(file);
  return `${name.slice(0, name.length - extname(name).length) || name}.cellhue.csv`;
}

/** Refuses to write over what is read, by whatever name, and --write for what is no .h5ad file. */
async function checkPaths(
  paths: { model: string; file: string; out: string; write: string | undefined },
  reader: ExpressionReader,
): Promise<void> {
  const { model, file, out, write } = paths;
  const real = async (path: string) => {
    const folder = await realpath(dirname(resolve(path))).catch(() => dirname(resolve(path)));
    return realpath(path).catch(() => join(folder, basename(path)));
  };
  const target = await real(out);
  for (const [what, path] of [
    ["the file that is read", file],
    ["the model", model],
    ["the file of --write", write],
  ] as const)
    if (path !== undefined && target === (await real(path)))
      throw new CellhueError(`--out is ${what}`, {
        where: out,
        remedy: `--out ${shellWord(defaultOut(file))}`,
      });
  if (write === undefined) return;
  if (reader.format !== "h5ad")
    throw new CellhueError("--write adds columns to .h5ad files only", {
      where: file,
      found: reader.format,
      remedy: "leave --write out: the CSV of --out has all of it",
    });
  if ((await real(write)) === (await real(model)))
    throw new CellhueError("--write is the model", { where: write, remedy: "--write NEW.h5ad" });
  await checkObsColumns(file, write);
}

/** Below this share of its genes, a word of what is missing is a warning. */
const nearlyAll = 0.9;

function tellMatch(
  match: GeneMatch,
  fileGenes: number,
  { progress }: StageContext,
  warn: (line: string) => void,
): void {
  const { overlap, share, how, missing, ambiguous } = match;
  const rules = [
    [how.exact, "by equal names"],
    [how.case, "by names that differ in case"],
    [how.version, "by Ensembl ids of another version"],
    [how.otherName, "by a second name (symbol, Ensembl id)"],
  ] as const;
  progress.note(
    `${many(overlap)} of the model's ${many(match.from.length)} genes (${percent(share)}) are among the ${many(fileGenes)} of the file: ${rules
      .filter(([count]) => count > 0)
      .map(([count, rule]) => `${many(count)} ${rule}`)
      .join(", ")}`,
  );
  if (missing.length > 0) {
    const line = `${genesAre(missing.length)} not in the file (${list(missing)}): each counts as its mean in training, and moves nothing`;
    if (share < nearlyAll) warn(line);
    else progress.note(line);
  }
  if (ambiguous.length > 0)
    warn(
      `${genesAre(ambiguous.length)} found more than once and counted as missing (${list(ambiguous)}): give the file names that are unique`,
    );
  if (2 * how.case > overlap)
    warn(
      "most genes match only when case is ignored, as those of mouse (Actb) and human (ACTB) do: is the file of the species that the model was trained on?",
    );
}

const kinds: Partial<Record<string, "linear" | "log" | "signed">> = {
  counts: "linear",
  "non-negative": "linear",
  log: "log",
  scaled: "signed",
  centred: "signed",
  negative: "signed",
};
/** Fewer samples do not show whether genes are centred or scaled. */
const enoughToTell = 30;

const stateWords: Partial<Record<string, string>> = {
  counts: "counts",
  "non-negative": "numbers on a linear scale",
  log: "logarithms",
  scaled: "scaled genes (mean 0, deviation 1)",
  centred: "centred genes (mean 0)",
  negative: "numbers of both signs",
};

/** A warning where the matrix is of another state than training's; null where it is not, or cannot be told. */
function differentState(
  { state, evidence }: MatrixState,
  samples: number,
  { inputState }: StoredMetadata,
  reader: ExpressionReader,
): string | null {
  const [now, then] = [kinds[state], kinds[inputState.state]];
  if (now === undefined || then === undefined || state === inputState.state) return null;
  const others = [
    ...reader.layers.slice(0, 6).map((name) => `--layer ${shellWord(name)}`),
    ...(reader.hasRaw && reader.x.source !== "raw/X" ? ["--use-raw"] : []),
  ];
  const line = `${reader.x.source} seems to hold ${stateWords[state]} (${evidence}), the model was trained on ${stateWords[inputState.state]} (${visible(inputState.evidence, 200)})`;
  if (now !== then) {
    const ways = others.length > 0 ? `; the file also has ${others.join(", ")}` : "";
    return `${line}: its answers are worth nothing unless the matrix is of the same kind${ways}`;
  }
  // Normalisation takes care of a linear scale.
  if (now === "linear" && inputState.normalize !== "none") return null;
  if (now === "signed" && samples < enoughToTell) return null;
  return `${line}: see that the scales are the same`;
}

async function runModel(
  stored: ModelFile,
  matrix: Matrix,
  input: ModelInput,
  options: SessionOptions,
  { progress, signal }: StageContext,
): Promise<ModelResults> {
  const genes = input.from.length;
  const classes = stored.metadata.labels.length;
  const n = matrix.rows;
  const probabilities = new Float32Array(n * classes);
  const distances = new Float32Array(n);
  const expression = new Float32Array(batch * genes);
  const task = progress.task("predicting", n);
  let graph: StoredGraph | undefined;
  try {
    graph = await StoredGraph.open(stored.bytes, options).catch((cause: unknown) => {
      throw notRunnable(stored, cause);
    });
    for await (const { first, count, fill } of batchesOf(matrix, input, signal)) {
      throwIfAborted(signal);
      expression.fill(0);
      fill(expression);
      const feeds = { expression: { data: expression, dims: [batch, genes] } };
      const outputs = await graph.run(feeds, ["probabilities", "distance"]).catch((cause: unknown) => {
        throw notRunnable(stored, cause);
      });
      for (const [name, into, width] of [
        ["probabilities", probabilities, classes],
        ["distance", distances, 1],
      ] as const) {
        const { data, dims } = outputs[name];
        if (data.length !== batch * width)
          throw notRunnable(stored, `'${name}' is of ${dims.join(" × ")}, not ${batch} × ${width}`);
        const rows = data.subarray(0, count * width);
        if (!rows.every(Number.isFinite)) throw notFinite(stored, name);
        into.set(rows, first * width);
      }
      task.update(first + count);
    }
  } finally {
    task.end();
    await graph?.release();
  }
  return { probabilities, distances };
}

/** The rows of a matrix, up to `batch` at a time. */
async function* batchesOf(matrix: Matrix, input: ModelInput, signal: AbortSignal | undefined) {
  for await (const { first, block } of rowBlocks(matrix, { signal })) {
    const rows = modelRows(block, input);
    for (let i = 0; i < block.rows; i += batch) {
      const count = Math.min(batch, block.rows - i);
      yield { first: first + i, count, fill: (into: Float32Array) => rows(i, count, into) };
    }
  }
}

const notRunnable = ({ path }: ModelFile, cause: unknown) =>
  new CellhueError("the model cannot be run", {
    where: path,
    found: visible((cause instanceof Error ? cause.message : String(cause)).split("\n")[0], 300),
    expected: "expression in; probabilities and distance out",
    remedy: "copy the file again, or write it anew: cellhue export RUN --out NEW.onnx",
    cause,
  });

const notFinite = ({ path }: ModelFile, output: string) =>
  new CellhueError(
    `the model gives a ${output === "distance" ? output : "probability"} that is not a number`,
    {
      where: path,
      found: "expression beyond what it can compute with, or weights that are not finite",
      remedy: "compare the file's matrix with training's: cellhue inspect FILE",
    },
  );

function countPredictions(
  predictions: Predictions,
  { distance, conformal }: StoredMetadata,
): Pick<Prediction, "predicted" | "unassigned" | "outliers" | "labelSets"> {
  const { labels, codes, outliers, sets } = predictions;
  const counts = new Array<number>(labels.length).fill(0);
  for (const code of codes) if (code >= 0) counts[code]++;
  const sizes = new Array<number>(labels.length + 1).fill(0);
  for (const set of sets ?? []) sizes[set.length]++;
  return {
    predicted: labels.map((label, c) => ({ label, count: counts[c] })),
    unassigned: codes.filter((code) => code < 0).length,
    outliers:
      outliers === null || distance.threshold === null
        ? null
        : { count: outliers.filter((flag) => flag === 1).length, threshold: distance.threshold },
    labelSets: sets === null || conformal === null ? null : { coverage: conformal.coverage, sizes },
  };
}

/** The summary as text for a terminal. */
export function formatPrediction(p: Prediction): string {
  const { genes } = p;
  const classes = p.predicted
    .filter(({ count }) => count > 0)
    .map(({ label, count }) => `${visible(label, 60)} ${many(count)}`);
  const lines = [
    `${many(p.samples)} samples: ${[...classes, ...(p.unassigned > 0 ? [`${unassignedLabel} ${many(p.unassigned)}`] : [])].join(", ")}`,
    `genes: ${many(genes.overlap)} of the model's ${many(genes.model)} (${percent(genes.share)})${genes.missing.count > 0 ? `, ${many(genes.missing.count)} missing: each at its mean in training` : ""}`,
  ];
  if (p.threshold !== null) lines.push(`${unassignedLabel}: confidence below ${+p.threshold.toPrecision(3)}`);
  if (p.outliers !== null)
    lines.push(
      `far from training: ${many(p.outliers.count)} (distance above ${+p.outliers.threshold.toPrecision(3)}); their labels are not to be relied on`,
    );
  if (p.labelSets !== null) {
    const sizes = p.labelSets.sizes.flatMap((count, size) =>
      count > 0 ? [`${many(count)} of ${size} ${size === 1 ? "label" : "labels"}`] : [],
    );
    lines.push(`label sets for a coverage of ${percent(p.labelSets.coverage)}: ${sizes.join(", ")}`);
  }
  lines.push(`predictions: ${p.csv}`);
  if (p.h5ad !== null) lines.push(`with columns of obs: ${p.h5ad}`);
  return lines.join("\n");
}

const genesAre = (n: number) => `${many(n)} ${n === 1 ? "gene of the model is" : "genes of the model are"}`;
const many = (n: number) => n.toLocaleString("en-US");
const percent = (share: number) => `${+(100 * share).toPrecision(3)} %`;
const list = (names: readonly string[]) =>
  names
    .slice(0, 5)
    .map((name) => visible(name, 40))
    .join(", ") + (names.length > 5 ? ", …" : "");
