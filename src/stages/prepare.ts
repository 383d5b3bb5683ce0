/**
 * What comes before a run: everything that can be refused is looked at before a folder is made — the file, the label,
 * X itself, the weights — so that a refusal leaves nothing behind. Then the run folder is made, or the same run's opened.
 */

import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Settings } from "../config.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { sizeWords } from "../image-size.js";
import { describeGenes } from "../io/gene-names.js";
import { hashInput, stampInput } from "../io/input-hash.js";
import { columnAsLabels, columnOf, type LabelSet, resolveLabels } from "../io/labels.js";
import type { MatrixState } from "../io/matrix-state.js";
import { memoryCaution, memoryLimit } from "../io/memory.js";
import { heldBytes, matrixWithin, type OpenOptions, openExpression, requireSize } from "../io/reader.js";
import {
  type ClassRecord,
  type InputRecord,
  RunFolder,
  requireSameRun,
  stageFingerprint,
} from "../io/run-folder.js";
import { safeNames } from "../io/safe-name.js";
import { secondNames } from "../io/second-names.js";
import { eachEntry, type Matrix, rowBlocks, selectRows, settled } from "../matrix.js";
import type { Expression } from "../normalize/expression.js";
import { RandomState } from "../random.js";
import type { Table } from "../table.js";
import { onlyBars, type StageContext } from "./context.js";
import { type DrawnSplits, drawSplits } from "./draw-splits.js";
import { geneFindings } from "./inspect.js";
import { versions } from "./versions.js";

export interface GeneNames {
  names: readonly string[];
  /** A second name of each gene (Ensembl beside symbol), where var has one. */
  ids: readonly string[] | null;
}

/** Where the projection lies until the stage preprocess is done, within the run folder. */
export const keptProjectionPath = "work/projection.safetensors";

/** The data of a run, labels first; the matrix is read when it is first asked for. */
export interface RunInput {
  record: InputRecord;
  labels: LabelSet;
  classes: ClassRecord[];
  /** Names of the kept samples. */
  samples: string[];
  /** Settings, with what the data forces: fewer components than asked for where there are few samples. */
  settings: Settings;
  /** The folds, checked. */
  splits: DrawnSplits;
  /** obs of the whole file. */
  obs: Table;
  /** The genes of X. */
  genes(): GeneNames;
  /** Each gene's share of the sum of X before it is normalised; null where it is not. */
  shares(): Promise<Float64Array | null>;
  /** Reads and checks X (once): kept samples × genes, to be normalised as the settings say. */
  load(): Promise<Expression>;
  /** Forgets X, so that its memory is free once the caller drops it; one that is read by blocks is closed. */
  drop(): void;
}

/**
 * @throws CellhueError for a file, label or shape that no run can be made of
 */
export async function readInput(asked: Settings, ctx: StageContext): Promise<RunInput> {
  const reader = await openExpression(asked.file, { ...openOptions(asked, ctx), withoutMatrix: true });
  try {
    requireSize(reader.samples, reader.genes, asked.file);
    const obs = reader.obs();
    const labels = resolveLabels(obs, asked.label, {
      dropUnlabelled: asked.dropUnlabelled,
      // Other folds are checked where they are drawn.
      folds: asked.cv === "stratified" ? asked.folds : 1,
    });
    if (asked.permuteLabels) {
      labels.codes = shuffledCodes(labels.codes, asked.seed);
      ctx.progress.warn("labels are dealt out at random (--permute-labels): what is reached now is chance");
    }
    const genes = reader.var();
    for (const note of reader.notes ?? []) ctx.progress.note(note);
    tellGenes(genes.index, ctx);
    requireSize(labels.rows.length, reader.genes, `${asked.file}, samples with a label`);
    if (labels.dropped > 0) {
      ctx.progress.warn(
        `${labels.dropped} of ${reader.samples} samples have no label in '${asked.label}' and are left out`,
      );
    }
    const most = Math.min(labels.rows.length, reader.genes) - 1;
    if (most < asked.components) {
      ctx.progress.warn(
        `${labels.rows.length} samples and ${reader.genes} genes have no ${asked.components} principal components; ${most} are taken`,
      );
    }
    const caution = memoryCaution(Math.min(heldBytes(reader), memoryLimit(asked.memory)));
    if (caution !== undefined) ctx.progress.warn(caution);
    const settings = { ...asked, components: Math.min(asked.components, most) };
    const splits = drawSplits(labels, settings, (name, option) => {
      const texts = columnAsLabels(columnOf(obs, name, option));
      return Array.from(labels.rows, (row) => texts[row]);
    });
    for (const note of splits.notes) ctx.progress.warn(note);
    const folders = safeNames(labels.classes);
    const { requireSame, ...hashed } = await watchedHash(asked, ctx.signal);
    const record: InputRecord = {
      path: resolve(asked.file),
      ...hashed,
      samples: reader.samples,
      genes: reader.genes,
      dropped: labels.dropped,
      x: reader.x,
      state: null,
    };
    const samples = Array.from(labels.rows, (row) => obs.index[row]);
    let held: Promise<ReadX> | undefined;
    let shares: Float64Array | null = null;
    let told = false;
    const read = async () => {
      // X is read again for the genes, hours later: another file by then must not explain the nets of this one.
      await requireSame();
      const found = await readMatrix(settings, { record, labels, samples }, told ? onlyBars(ctx) : ctx);
      await requireSame();
      told = true;
      shares = found.shares;
      return found;
    };
    const load = () => {
      held ??= read();
      return held.then(({ expression }) => expression);
    };
    return {
      record,
      labels,
      classes: labels.classes.map((name, c) => ({ name, folder: folders[c], count: labels.counts[c] })),
      samples,
      settings,
      splits,
      obs,
      genes: () => ({ names: genes.index, ids: secondNames(genes) }),
      async shares() {
        if (settings.normalize !== "none" && shares === null) await load();
        return shares;
      },
      load,
      drop() {
        held?.then(
          ({ close }) => close(),
          () => {}, // whoever asked for it was told
        );
        held = undefined;
      },
    };
  } finally {
    reader.close();
  }
}

/** Keeps this stream of random numbers apart from the others of the seed. */
const SHUFFLE = 0x5487;

const shuffledCodes = (codes: Int32Array, seed: number): Int32Array =>
  new RandomState([seed, SHUFFLE]).permutation(codes.length).map((from) => codes[from]);

interface ReadX {
  expression: Expression;
  shares: Float64Array | null;
  /** Closes the file, from which a stored matrix is read. */
  close(): void;
}

/** X as the settings ask for it: checked, told about, cut to the labelled samples. */
async function readMatrix(
  settings: Settings,
  { record, labels, samples }: Pick<RunInput, "record" | "labels" | "samples">,
  ctx: StageContext,
): Promise<ReadX> {
  const [{ describeMatrix, requireFinite }, { expressionOf }] = await Promise.all([
    import("../io/matrix-state.js"),
    import("../normalize/expression.js"),
  ]);
  throwIfAborted(ctx.signal);
  const limit = memoryLimit(settings.memory);
  const reader = await openExpression(settings.file, { ...openOptions(settings, ctx), limit });
  let close = () => reader.close();
  try {
    const opened = await matrixWithin(reader, limit, ctx);
    close = opened.close;
    const whole = opened.matrix;
    if (whole.kind === "stored")
      ctx.progress.note(
        `${record.x.source} is larger than --memory: it is read in blocks of ${whole.blockRows} samples`,
      );
    const matrix = labels.rows.length < whole.rows ? selectRows(whole, labels.rows) : whole;
    const found = await describeMatrix(matrix, { ...ctx, what: `looking at ${record.x.source}` });
    const where = `${settings.file}, ${record.x.source}`;
    requireFinite(found.nonFinite, matrix, reader.var().index, samples, where);
    const { state, evidence } = found;
    record.state = `${state}: ${evidence}`;
    if (state === "constant") {
      throw new CellhueError("the matrix tells no samples apart", {
        where,
        found: evidence,
        remedy: "read another matrix of the file: --layer NAME or --use-raw",
      });
    }
    tellState(settings, record.x.source, found, ctx);
    throwIfAborted(ctx.signal);
    const shares = settings.normalize === "none" ? null : await countShares(matrix, ctx);
    const used = settings.normalize === "log1p-scran" ? await requireHeld(matrix, where, ctx) : matrix;
    if (used.kind !== "stored") close();
    return { expression: expressionOf(used, settings.normalize), shares, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Pools of samples are added up in the order of their totals, which a file that is read in blocks does not have. */
async function requireHeld(matrix: Matrix, where: string, ctx: StageContext): Promise<Matrix> {
  const found = await settled(matrix, ctx);
  if (found.kind !== "stored") return found;
  const gigabytes = (found.limit / 2 ** 30).toPrecision(2);
  throw new CellhueError("size factors need the whole matrix in memory, and it is larger than may be held", {
    where,
    found: `${matrix.rows} samples and ${matrix.cols} genes, more than ${gigabytes} GB`,
    expected: "a matrix within --memory",
    remedy: [
      "--memory GB, where the machine has it",
      "or --normalize log1p-cp10k, which looks at one sample at a time",
    ],
  });
}

async function countShares(matrix: Matrix, ctx: StageContext): Promise<Float64Array> {
  const sums = new Float64Array(matrix.cols);
  for await (const { first, block } of rowBlocks(matrix, { ...ctx, what: "share of each gene" }))
    eachEntry(block, first, (_row, gene, value) => {
      sums[gene] += value;
    });
  const total = sums.reduce((a, b) => a + b, 0);
  return sums.map((sum) => (total > 0 ? sum / total : 0));
}

/** Says what X is and what is done to it; nothing is transformed unless it was asked for. */
function tellState(
  { normalize }: Settings,
  source: string,
  { state, evidence, wantsLog, caution }: Pick<MatrixState, "state" | "evidence" | "wantsLog" | "caution">,
  { progress }: StageContext,
): void {
  const kind =
    state === "counts"
      ? "counts"
      : state === "non-negative"
        ? "numbers on a linear scale"
        : `a matrix that is ${state}`;
  const holds = `${source} seems to hold ${state === "log" ? "logarithms" : kind} (${evidence})`;
  if (normalize === "none") {
    if (wantsLog)
      progress.warn(
        `${holds}; it is used as it is. --normalize log1p-cp10k takes logarithms of counts per 10,000`,
      );
    else progress.note(`${holds}; used as it is`);
  } else if (wantsLog) progress.note(`${holds}; normalised by ${normalize}`);
  else progress.warn(`${holds}; --normalize ${normalize}, which you asked for, is made for counts`);
  if (caution !== null && (normalize === "none" || !wantsLog))
    progress.warn(`${caution.what}: ${caution.remedy}`);
}

/** How the file of a run is opened. */
const openOptions = (
  { layer, useRaw, labels, orientation }: Settings,
  { progress, signal }: StageContext,
): OpenOptions => ({
  layer: layer ?? undefined,
  useRaw,
  labels: labels ?? undefined,
  orientation,
  progress,
  signal,
});

/** Digest of the file; of the table of labels as well, where there is one. */
async function inputHash(
  { file, labels }: Settings,
  signal: AbortSignal | undefined,
): Promise<{ sha256: string; bytes: number }> {
  const of = await hashInput(file, signal);
  if (labels === null) return of;
  const table = await hashInput(labels, signal);
  return {
    sha256: createHash("sha256").update(`${of.sha256}\0${table.sha256}`).digest("hex"),
    bytes: of.bytes + table.bytes,
  };
}

/** The digest, and what tells later whether it still is that of the file (which may be gone: reading it says so). */
async function watchedHash(settings: Settings, signal: AbortSignal | undefined) {
  let stamp = stampInput(settings.file);
  const hashed = await inputHash(settings, signal);
  const requireSame = async () => {
    const now = stampInput(settings.file);
    if (now === undefined || now === stamp) return;
    if ((await inputHash(settings, signal)).sha256 !== hashed.sha256)
      throw changedFile(resolve(settings.file), hashed.sha256);
    stamp = now;
  };
  return { ...hashed, requireSame };
}

export function changedFile(path: string, sha256: string): CellhueError {
  return new CellhueError("the file has changed since the run began", {
    where: path,
    expected: `the file with SHA-256 ${sha256.slice(0, 12)}…`,
    remedy: [
      "put the file of then back, and start the same command again",
      "cellhue run FILE --label COLUMN --out ANOTHER_DIR makes a run of the new file",
    ],
  });
}

/** What is odd about the names of the genes: told once, since results are named by them. */
function tellGenes(names: readonly string[], { progress }: StageContext): void {
  for (const { level, what, remedy } of geneFindings(describeGenes(names)))
    if (level === "warning") progress.warn([what, ...remedy].join("; "));
}

/** The smallest image that all five halvings of the nets leave something of (SqueezeNet's four: of 17 pixels on). */
const leastTrainingSize = 32;

/** @throws CellhueError where the images are too small for the nets, or the weights cannot be had */
export async function requireTrainable(settings: Settings, ctx: StageContext): Promise<void> {
  if (Math.min(settings.size.height, settings.size.width) < leastTrainingSize) {
    throw new CellhueError("the images are too small for the nets", {
      where: "--size",
      found: sizeWords(settings.size),
      expected: `at least ${leastTrainingSize} pixels`,
      remedy: "--size 128",
    });
  }
  if (settings.device !== "cpu") {
    const { requireDevice } = await import("../graph/device.js");
    await requireDevice(settings.device);
  }
  const { checkTraining } = await import("./train.js");
  await checkTraining(settings, ctx);
}

/**
 * Checks all, then makes or opens the run folder. The caller closes it.
 * @param training whether the run goes on to train, so that the weights are checked as well
 */
export async function openRun(
  asked: Settings,
  ctx: StageContext,
  { training }: { training: boolean },
): Promise<{ run: RunFolder; input: RunInput }> {
  const found = await RunFolder.look(asked.out);
  const input = await readInput(asked, ctx);
  const { settings, record } = input;
  if (found !== undefined) requireSameRun(found, { input: record, settings }, resolve(settings.out));
  const known = found?.stages.preprocess;
  const current =
    known !== undefined &&
    known.fingerprint === stageFingerprint({ input: record, stages: {} }, "preprocess", settings) &&
    (known.state === "done" || (await exists(join(settings.out, keptProjectionPath))));
  if (current) record.state = found?.input.state ?? null;
  else await input.load();
  // Last, since weights may have to be fetched.
  if (training) await requireTrainable(settings, ctx);
  throwIfAborted(ctx.signal);
  const run = await RunFolder.create(settings.out, {
    input: record,
    settings,
    classes: input.classes,
    versions: versions(),
  });
  tellCutOff(run, ctx);
  return { run, input };
}

/** A process that was killed could not say why; whoever goes on hears of it. */
export function tellCutOff(run: RunFolder, { progress }: StageContext): void {
  if (run.cutOff === undefined) return;
  progress.note(
    `the last process on this folder was ended in ${run.cutOff}, without a word: it was killed, or memory did not suffice. This one goes on where it was; where memory is short, --threads 1 and a smaller --memory take less`,
  );
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
