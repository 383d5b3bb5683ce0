/**
 * What every part of the stage explain works with: the samples that are explained, and a fold's net with its encoder, opened
 * once and freed by `release`.
 */
import { readFile } from "node:fs/promises";
import type { Settings } from "../../config.js";
import { geneMoments } from "../../embed/scale.js";
import { encoderGraph } from "../../encode/encoder.js";
import { CellhueError } from "../../errors.js";
import { largestClasses, MANY_CLASSES } from "../../evaluate/many-classes.js";
import { argmaxRows } from "../../evaluate/metrics.js";
import { type AttributionInput, attributeGenes } from "../../explain/attribute.js";
import { PainterGraph, type PainterGraphOptions } from "../../explain/pullback.js";
import { ScoreGraph, type ScoreGraphOptions } from "../../explain/score-model.js";
import { readEncoder } from "../../io/encoded.js";
import { readPredictions } from "../../io/fold-predictions.js";
import type { Samples } from "../../io/images.js";
import { nearNames } from "../../io/near.js";
import type { RunFolder } from "../../io/run-folder.js";
import type { RunSplit } from "../../io/splits.js";
import { visible } from "../../io/visible.js";
import { fillRows, type Matrix, selectRows } from "../../matrix.js";
import { nets } from "../../net/nets.js";
import type { Tensors } from "../../net/tensors.js";
import type { NetName } from "../../net/weights/layouts.js";
import { readSafetensors, writeSafetensors } from "../../net/weights/safetensors.js";
import { RandomState } from "../../random.js";
import type { StageContext } from "../context.js";
import { readWeights } from "../train.js";

/** Samples explained of a class in a fold, and in all: more change the means little and cost in proportion. */
const PER_CLASS = 8;
const MOST = 400;
/** Training samples that expected gradients draw from: X may lie in its file, and each draw would be a read of its own. */
const DRAWN = 500;
/** Keeps the random streams of this stage apart from the others of the seed. */
export const STREAM = 0x6e5;

export interface Work {
  run: RunFolder;
  settings: Settings;
  ctx: StageContext;
  samples: Samples;
  net: NetName;
  /** All samples × genes, normalised: as for the fold, and as for all samples beside the folds. */
  x: Matrix;
}

/** A split of the first repeat; `k` is its number among all. */
export type FirstSplit = RunSplit & { k: number };

export function rowsOf(x: Matrix, rows: Int32Array): Float32Array {
  const out = new Float32Array(rows.length * x.cols);
  fillRows(x, rows, out);
  return out;
}

export const codesOf = ({ codes }: Samples, rows: Int32Array) => rows.map((row) => codes[row]);

/** At most `most` of the rows, evenly over them. */
export const evenly = (rows: Int32Array, most: number): Int32Array =>
  rows.length <= most
    ? rows
    : Int32Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);

/** Probabilities of the samples that a fold held out, by its net: test × classes. */
export async function heldOut(
  run: RunFolder,
  net: NetName,
  { k, test }: Pick<FirstSplit, "k" | "test">,
  classes: readonly string[],
): Promise<Float64Array> {
  const path = `folds/${net}/${k}/predictions.csv`;
  return (await readPredictions(run, path, classes, test.length)).probabilities;
}

/** The samples of a fold that are explained. */
export interface Chosen {
  /** Indices of samples of the run. */
  rows: Int32Array;
  /** Probability of each one's class. */
  probabilities: Float64Array;
}

/**
 * The classes that are explained: those named, else all, or of very many the largest.
 * @returns their codes, rising
 * @throws CellhueError where the run has no class of a name
 */
export function chooseClasses({ run, settings }: Pick<Work, "run" | "settings">): number[] {
  const { classes } = run.record;
  if (settings.class.length === 0)
    return largestClasses(
      classes.map(({ count }) => count),
      MANY_CLASSES,
    );
  const codes = new Map(classes.map(({ name }, code) => [name, code]));
  const chosen = settings.class.map((name) => {
    const code = codes.get(name);
    if (code !== undefined) return code;
    const near = nearNames(name, [...codes.keys()]).map((found) => visible(found, 80));
    throw new CellhueError("there is no such class in the run", {
      where: "--class",
      found: visible(name, 80),
      expected: `one of the ${classes.length} classes of '${visible(settings.label, 80)}'`,
      remedy: near.length > 0 ? `perhaps ${near.join(" or ")}` : undefined,
    });
  });
  return [...new Set(chosen)].sort((a, b) => a - b);
}

/** Of each fold the held-out samples that its net classifies rightly, the first PER_CLASS of each class, MOST in all. */
export async function chooseSamples(
  { run, samples, net }: Pick<Work, "run" | "samples" | "net">,
  first: readonly FirstSplit[],
  wanted: readonly number[],
): Promise<Chosen[]> {
  const { classes, codes } = samples;
  const most = Math.max(1, Math.min(PER_CLASS, Math.floor(MOST / (first.length * wanted.length))));
  const isWanted = new Set(wanted);
  const chosen: Chosen[] = [];
  for (const { k, test } of first) {
    const found = await heldOut(run, net, { k, test }, classes);
    const predicted = argmaxRows(found, classes.length);
    const taken = new Int32Array(classes.length);
    const at = [...test.keys()].filter(
      (i) =>
        predicted[i] === codes[test[i]] && isWanted.has(codes[test[i]]) && taken[codes[test[i]]]++ < most,
    );
    chosen.push({
      rows: Int32Array.from(at, (i) => test[i]),
      probabilities: Float64Array.from(at, (i) => found[i * classes.length + codes[test[i]]]),
    });
  }
  return chosen;
}

export type OpenedFold = Awaited<ReturnType<typeof openFold>>;

/** The models of a fold's net, and what its methods need beside; compiled when first used. */
export async function openFold(
  { run, settings, ctx, samples, net, x }: Work,
  { k, train }: Pick<FirstSplit, "k" | "train">,
) {
  const encoder = await readEncoder(run, settings, k);
  const weights = await readWeights(run, `folds/${net}/${k}`);
  const { size, threads } = settings;
  const shared = { size, threads, signal: ctx.signal };
  const network: ScoreGraphOptions["network"] = (c, images) =>
    nets[net].build(c, images, samples.classes.length);
  const paint =
    (smooth: boolean): PainterGraphOptions["paint"] =>
    (g, expression) =>
      encoderGraph(g, encoder, expression, smooth).image;
  const genes = new ScoreGraph({ ...shared, network, painter: { genes: x.cols, paint: paint(true) } });
  const image = new ScoreGraph({ ...shared, network });
  const painter = new PainterGraph({ paint: paint(true), genes: x.cols, threads, signal: ctx.signal });
  const exact = new PainterGraph({ paint: paint(false), genes: x.cols, threads, signal: ctx.signal });
  const { mean, variance } = await geneMoments(selectRows(x, train), ctx);
  const drawn = evenly(train, DRAWN);
  let held: Float32Array | undefined;
  const training = {
    count: drawn.length,
    fill: (row: number, into: Float32Array) => {
      held ??= rowsOf(x, drawn); // only where a method draws
      into.set(held.subarray(row * x.cols, (row + 1) * x.cols));
    },
  };
  return {
    encoder,
    /** Of the fold's net. */
    weights,
    genes,
    image,
    painter,
    /** Paints what the net really sees, bytes and all. */
    exact,
    /** Of each gene, over the training samples. */
    mean: Float32Array.from(mean),
    from: (of: Tensors, rows: Int32Array): AttributionInput => ({
      genes: genes.model(of),
      image: image.model(of),
      painter,
      training,
      mean: Float32Array.from(mean),
      sd: Float32Array.from(variance, Math.sqrt),
      random: (i) => new RandomState([settings.seed, STREAM, rows[i]]),
    }),
    async release() {
      for (const graph of [genes, image, painter, exact]) await graph.release();
    },
  };
}

/** Attributions of some samples. */
export interface Attributed {
  /** rows × genes. */
  values: Float32Array;
  incomplete: Float32Array;
}

/**
 * Attributions of samples to the scores of their own classes, read from genes/ where a run that was cut off left them.
 * @param path within the run
 * @param weights of the net, asked for where they are needed
 */
export async function attributed(
  { run, settings, samples, x }: Work,
  fold: OpenedFold,
  path: string,
  rows: Int32Array,
  weights: () => Promise<Tensors> | Tensors,
): Promise<Attributed> {
  const kept = await readKept(run, path, rows, x.cols);
  if (kept !== undefined) return kept;
  const from = fold.from(await weights(), rows);
  const found = await attributeGenes(settings.method, from, rowsOf(x, rows), codesOf(samples, rows));
  const attributions = { values: found.values, incomplete: Float32Array.from(found.incomplete ?? []) };
  await writeKept(run, path, rows, x.cols, attributions);
  return attributions;
}

async function writeKept(
  run: RunFolder,
  path: string,
  rows: Int32Array,
  genes: number,
  { values, incomplete }: Attributed,
): Promise<void> {
  const tensors = new Map([
    ["rows", { dims: [rows.length], data: Float32Array.from(rows) }],
    ["values", { dims: [rows.length, genes], data: values }],
    ["incomplete", { dims: [incomplete.length], data: incomplete }],
  ]);
  await run.write(path, writeSafetensors(tensors));
}

/** @returns undefined where they are not there, damaged, or of other samples */
async function readKept(
  run: RunFolder,
  path: string,
  rows: Int32Array,
  genes: number,
): Promise<Attributed | undefined> {
  const bytes = await readFile(run.path(path)).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    const { tensors } = readSafetensors(bytes, path);
    const [values, incomplete] = [tensors.get("values")?.data, tensors.get("incomplete")?.data];
    const same = tensors.get("rows")?.data.every((row, i) => row === rows[i]);
    if (same && incomplete && values?.length === rows.length * genes) return { values, incomplete };
  } catch {
    // Damaged: computed anew.
  }
  return undefined;
}
