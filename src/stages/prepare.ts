/**
 * What comes before a run: everything that can be refused is looked at before a folder is made — the file, the label,
 * X itself, the weights — so that a refusal leaves nothing behind. Then the run folder is made, or the same run's opened.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Settings } from "../config.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { type LabelSet, resolveLabels } from "../io/labels.js";
import type { MatrixState } from "../io/matrix-state.js";
import { openExpression, requireSize } from "../io/reader.js";
import {
  type ClassRecord,
  type InputRecord,
  RunFolder,
  requireSameRun,
  stageFingerprint,
} from "../io/run-folder.js";
import { safeNames } from "../io/safe-name.js";
import { type Matrix, selectRows } from "../matrix.js";
import type { StageContext } from "./context.js";
import { versions } from "./versions.js";

/** The data of a run, labels first; the matrix is read when it is first asked for. */
export interface RunInput {
  record: InputRecord;
  labels: LabelSet;
  classes: ClassRecord[];
  /** Names of the kept samples. */
  samples: string[];
  /** Settings, with what the data forces: fewer components than asked for where there are few samples. */
  settings: Settings;
  /** Reads and checks X (once); kept samples × genes, normalised as the settings say. */
  load(): Promise<Matrix>;
  /** As `load`, and forgets it, so that its memory is free once the caller drops it. */
  take(): Promise<Matrix>;
}

/**
 * @throws CellhueError for a file, label or shape that no run can be made of
 */
export async function readInput(asked: Settings, ctx: StageContext): Promise<RunInput> {
  const reader = await openExpression(asked.file, {
    layer: asked.layer ?? undefined,
    useRaw: asked.useRaw,
  });
  try {
    requireSize(reader.samples, reader.genes, asked.file);
    const obs = reader.obs();
    const labels = resolveLabels(obs, asked.label, {
      dropUnlabelled: asked.dropUnlabelled,
      folds: asked.folds,
    });
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
    const settings = { ...asked, components: Math.min(asked.components, most) };
    const folders = safeNames(labels.classes);
    const record: InputRecord = {
      path: resolve(asked.file),
      sha256: await sha256(asked.file, ctx.signal),
      bytes: (await stat(asked.file)).size,
      samples: reader.samples,
      genes: reader.genes,
      dropped: labels.dropped,
      x: reader.x,
      state: null,
    };
    const samples = Array.from(labels.rows, (row) => obs.index[row]);
    let held: Promise<Matrix> | undefined;
    const load = () => {
      held ??= readMatrix(settings, { record, labels, samples }, ctx);
      return held;
    };
    return {
      record,
      labels,
      classes: labels.classes.map((name, c) => ({ name, folder: folders[c], count: labels.counts[c] })),
      samples,
      settings,
      load,
      take() {
        const matrix = load();
        held = undefined;
        return matrix;
      },
    };
  } finally {
    reader.close();
  }
}

/** X as the settings ask for it: checked, told about, cut to the labelled samples, normalised. */
async function readMatrix(
  settings: Settings,
  { record, labels, samples }: Pick<RunInput, "record" | "labels" | "samples">,
  ctx: StageContext,
): Promise<Matrix> {
  const [{ describeMatrix, requireFinite }, { normalizeMatrix }] = await Promise.all([
    import("../io/matrix-state.js"),
    import("../io/normalize.js"),
  ]);
  throwIfAborted(ctx.signal);
  const reader = await openExpression(settings.file, {
    layer: settings.layer ?? undefined,
    useRaw: settings.useRaw,
  });
  let matrix: Matrix;
  let genes: readonly string[];
  try {
    genes = reader.var().index;
    matrix = reader.readMatrix({ progress: ctx.progress, signal: ctx.signal });
  } finally {
    reader.close();
  }
  if (labels.rows.length < matrix.rows) matrix = selectRows(matrix, labels.rows);
  requireFinite(matrix, genes, samples, `${settings.file}, ${record.x.source}`);
  const { state, evidence, wantsLog } = describeMatrix(matrix);
  record.state = `${state}: ${evidence}`;
  if (state === "constant") {
    throw new CellhueError("the matrix tells no samples apart", {
      where: `${settings.file}, ${record.x.source}`,
      found: evidence,
      remedy: "read another matrix of the file: --layer NAME or --use-raw",
    });
  }
  tellState(settings, record.x.source, { state, evidence, wantsLog }, ctx);
  throwIfAborted(ctx.signal);
  return normalizeMatrix(matrix, settings.normalize);
}

/** Says what X is and what is done to it; nothing is transformed unless it was asked for. */
function tellState(
  { normalize }: Settings,
  source: string,
  { state, evidence, wantsLog }: Pick<MatrixState, "state" | "evidence" | "wantsLog">,
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
}

async function sha256(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    throwIfAborted(signal);
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** The smallest image that all five halvings of the nets leave something of. */
const leastTrainingSize = 32;

/** @throws CellhueError where the images are too small for the nets, or the weights cannot be had */
export async function requireTrainable(settings: Settings, ctx: StageContext): Promise<void> {
  if (settings.size < leastTrainingSize) {
    throw new CellhueError("the images are too small for the nets", {
      where: "--size",
      found: String(settings.size),
      expected: `at least ${leastTrainingSize} pixels`,
      remedy: "--size 128",
    });
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
    (known.state === "done" || (await exists(join(settings.out, "work", "pca.f32"))));
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
  return { run, input };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
