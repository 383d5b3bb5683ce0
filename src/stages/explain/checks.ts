/**
 * The checks of an explanation that need a fold's net at hand: randomised weights (genes and maps of the image), nets on
 * shuffled labels, nets of other seeds, deletion and insertion of genes, and the usual training beside a guided one. They run
 * models hundreds of times or train some, so they are made on one fold.
 */
import { accuracy } from "../../evaluate/accuracy.js";
import { argmaxRows } from "../../evaluate/metrics.js";
import { rankStability } from "../../evaluate/rank-stability.js";
import { descending } from "../../evaluate/ranks.js";
import { softmaxRows } from "../../evaluate/softmax.js";
import { spearman } from "../../evaluate/spearman.js";
import { attributeGenes, attributeImage } from "../../explain/attribute.js";
import {
  cascadingRandomisation,
  layersFromHead,
  randomisationVerdict,
} from "../../explain/cascading-randomisation.js";
import { type Faithfulness, faithfulness } from "../../explain/faithfulness.js";
import { selectColumns } from "../../matrix.js";
import type { Tensors } from "../../net/tensors.js";
import { initialise } from "../../net/weights/init.js";
import { RandomState } from "../../random.js";
import type {
  CurveCheck,
  GenesReport,
  RandomisationCheck,
  TrainedCurves,
} from "../../report/genes-report.js";
import { trainAgain } from "../train.js";
import {
  attributed,
  codesOf,
  evenly,
  type FirstSplit,
  heldOut,
  type OpenedFold,
  rowsOf,
  STREAM,
  type Work,
} from "./fold.js";

/** Samples of the checks that run a model some hundred times on each. */
export const CHECKED = 24;
const RANDOMISED = 6;
/** Depths at which weights are randomised. */
const DEPTHS = 5;
/** Random orders of the deletion curves. */
const DRAWS = 10;
/** Genes of the top that stability is about. */
export const TOP = 50;
/** Attributions of nets of true and of shuffled labels should not agree more than this. */
const MOST_SIMILAR = 0.5;
/** Keep the trainings of this stage apart from the others of the seed. */
const SHUFFLED = 0x5bff;
const SEEDED = 0x5eed;

export interface FoldChecks {
  /** Genes that the encoder paints, as columns of X. */
  painted: Int32Array;
  /** Attributions of the fold's samples by each net on shuffled labels, rows × genes. */
  shuffled: Float32Array[];
  checks: Pick<
    GenesReport["checks"],
    "randomisation" | "maps" | "labels" | "deletion" | "insertion" | "seeds"
  >;
  trainings: GenesReport["trainings"];
}

/**
 * @param rows the explained samples of the fold, at least one
 * @param values their attributions by the fold's net, rows × genes
 */
export async function checkFold(
  work: Work,
  fold: OpenedFold,
  split: FirstSplit,
  rows: Int32Array,
  values: Float32Array,
): Promise<FoldChecks> {
  const { x } = work;
  const { painter } = fold.encoder;
  const painted =
    painter.kind === "genes" ? painter.chosen : Int32Array.from({ length: x.cols }, (_, g) => g);
  const shuffled = await shuffledNets(work, fold, split, rows);
  const seeded = await seededNets(work, fold, split, rows);
  const few = evenly(rows, RANDOMISED);
  const some = evenly(rows, CHECKED);
  const curves = await curvesOf(work, fold, fold.weights, some, at(rows, values, some));
  return {
    painted,
    shuffled,
    checks: {
      randomisation: await randomisedGenes(work, fold, split, few, painted),
      maps: await randomisedMaps(work, fold, split, few),
      labels: labelCheck(shuffled, values, x.cols, painted),
      ...curves,
      seeds: seedCheck(work, rows, [values, ...seeded]),
    },
    trainings: await bothTrainings(work, fold, split, some, curves, at(rows, values, some)),
  };
}

/** The values of some of the rows. */
function at(rows: Int32Array, values: Float32Array, some: Int32Array): Float32Array {
  const width = values.length / rows.length;
  const out = new Float32Array(some.length * width);
  some.forEach((row, i) => {
    const from = rows.indexOf(row) * width;
    out.set(values.subarray(from, from + width), i * width);
  });
  return out;
}

/** Mean attribution of a class's samples; undefined where there is none. */
export function classMean(
  { samples, x }: Work,
  rows: Int32Array,
  values: Float32Array,
  code: number,
): Float64Array | undefined {
  const own = [...rows.keys()].filter((i) => samples.codes[rows[i]] === code);
  if (own.length === 0) return undefined;
  const mean = new Float64Array(x.cols);
  for (const i of own) for (let g = 0; g < x.cols; g++) mean[g] += values[i * x.cols + g] / own.length;
  return mean;
}

/** Attributions of the rows by nets that were trained on shuffled labels. */
async function shuffledNets(
  work: Work,
  fold: OpenedFold,
  split: FirstSplit,
  rows: Int32Array,
): Promise<Float32Array[]> {
  const { run, settings, ctx, samples, net, x } = work;
  const found: Float32Array[] = [];
  for (let round = 0; round < settings.nulls; round++) {
    const weights = async () => {
      const codes = samples.codes.slice();
      const random = new RandomState([settings.seed, SHUFFLED, round]);
      random.permutation(split.train.length).forEach((from, to) => {
        codes[split.train[to]] = samples.codes[split.train[from]];
      });
      const trained = await trainAgain(run, settings, ctx, net, split, async () => x, {
        folder: `genes/shuffled_${round}`,
        name: `${net} on shuffled labels ${round + 1}/${settings.nulls}`,
        stream: SHUFFLED + round,
        codes,
        validation: new Int32Array(0),
        settings: { patience: 0 },
      });
      return trained.weights;
    };
    found.push((await attributed(work, fold, `genes/shuffled_${round}.safetensors`, rows, weights)).values);
  }
  return found;
}

/** Attributions of the rows by the fold's net, trained with other seeds. */
async function seededNets(
  work: Work,
  fold: OpenedFold,
  split: FirstSplit,
  rows: Int32Array,
): Promise<Float32Array[]> {
  const { run, settings, ctx, net, x } = work;
  const found: Float32Array[] = [];
  for (let round = 0; round < settings.seeds; round++) {
    const weights = async () => {
      const trained = await trainAgain(run, settings, ctx, net, split, async () => x, {
        folder: `genes/seed_${round}`,
        name: `${net} with another seed ${round + 1}/${settings.seeds}`,
        stream: SEEDED + round,
      });
      return trained.weights;
    };
    found.push((await attributed(work, fold, `genes/seed_${round}.safetensors`, rows, weights)).values);
  }
  return found;
}

function seedCheck(
  work: Work,
  rows: Int32Array,
  nets: readonly Float32Array[],
): GenesReport["checks"]["seeds"] {
  if (nets.length < 2) return null;
  // A net whose maps of a class are empty ranks nothing there.
  const classes = [...new Set(codesOf(work.samples, rows))]
    .map((code) =>
      nets
        .map((values) => classMean(work, rows, values, code)?.map(Math.abs) ?? new Float64Array(0))
        .filter((mean) => mean.some((value) => value !== 0)),
    )
    .filter((means) => means.length > 1)
    .map((means) => rankStability(means, TOP));
  if (classes.length === 0) return null;
  const mean = (of: (s: (typeof classes)[number]) => number | null) =>
    classes.reduce((sum, s) => sum + (of(s) ?? 0), 0) / classes.length;
  const [rho, jaccard] = [mean((s) => s.spearman), mean((s) => s.jaccard)];
  return {
    nets: nets.length,
    spearman: rho,
    jaccard,
    k: TOP,
    sentence: `between ${nets.length} nets of one fold that differ in their seed alone the ranks agree by ${rho.toFixed(2)} (Spearman) and the first ${TOP} genes overlap by ${jaccard.toFixed(2)} (Jaccard), mean over the classes`,
  };
}

function labelCheck(
  shuffled: readonly Float32Array[],
  values: Float32Array,
  genes: number,
  painted: Int32Array,
): GenesReport["checks"]["labels"] {
  if (shuffled.length === 0) return null;
  const n = values.length / genes;
  const similarities: number[] = [];
  for (const other of shuffled)
    for (let i = 0; i < n; i++) {
      const of = (all: Float32Array) => Float32Array.from(painted, (gene) => all[i * genes + gene]);
      const own = of(values);
      if (own.some((v) => v !== own[0])) similarities.push(spearman(own, of(other)));
    }
  if (similarities.length === 0)
    return { similarity: Number.NaN, verdict: "undecided", sentence: "nothing to compare" };
  const similarity = similarities.reduce((a, b) => a + b, 0) / similarities.length;
  const verdict = similarity > MOST_SIMILAR ? "fails" : "passes";
  return {
    similarity,
    verdict,
    sentence: `a net trained on shuffled labels gives genes that agree with these by ${similarity.toFixed(2)} (Spearman of what they say for and against; at most ${MOST_SIMILAR} to pass)`,
  };
}

/** The net's weights drawn anew, and its layers in a few depths, each with all from the head down to it. */
function redrawn({ settings, net }: Work, { genes: { specs } }: OpenedFold, { k }: FirstSplit) {
  const random = initialise(specs, net, new RandomState([settings.seed, STREAM, k, 1]));
  const every = layersFromHead(specs);
  const count = Math.min(DEPTHS, every.length);
  const layers = Array.from({ length: count }, (_, d) => {
    const part = every.slice(
      Math.floor((d * every.length) / count),
      Math.floor(((d + 1) * every.length) / count),
    );
    return { name: part.at(-1)?.name ?? "", params: part.flatMap(({ params }) => params) };
  });
  return { random, layers };
}

async function randomisedGenes(
  work: Work,
  fold: OpenedFold,
  split: FirstSplit,
  rows: Int32Array,
  painted: Int32Array,
): Promise<RandomisationCheck> {
  const { settings, samples, x } = work;
  const { random, layers } = redrawn(work, fold, split);
  const expression = rowsOf(x, rows);
  const codes = codesOf(samples, rows);
  // With their signs: sizes alone also follow how far a gene is from its mean, whatever the net.
  const attribute = async (given: Tensors) => {
    const { values } = await attributeGenes(settings.method, fold.from(given, rows), expression, codes);
    return selectColumns({ kind: "dense", rows: rows.length, cols: x.cols, data: values }, painted).data;
  };
  const steps = await cascadingRandomisation(fold.weights, random, layers, rows.length, attribute, {
    signed: true,
  });
  const { verdict, similarity, bound } = randomisationVerdict(steps);
  return {
    steps: steps.map(({ layer, similarity }) => ({ layer, similarity })),
    verdict,
    sentence: `with all weights randomised the genes agree with these by ${similarity.toFixed(2)} (Spearman of what they say for and against; at most ${bound} to pass)`,
  };
}

/**
 * The same of the maps that the figures show. Structural similarity is told and decides nothing: what maps have that are not
 * about one thing depends on how much of them is faint or smooth (0.1 to 0.4 were seen).
 */
async function randomisedMaps(
  work: Work,
  fold: OpenedFold,
  split: FirstSplit,
  rows: Int32Array,
): Promise<RandomisationCheck> {
  const { settings, samples, x } = work;
  const { random, layers } = redrawn(work, fold, split);
  const images = await fold.exact.paint(rowsOf(x, rows));
  const codes = codesOf(samples, rows);
  const attribute = (given: Tensors) =>
    attributeImage(settings.method, fold.from(given, rows), images, codes);
  const steps = await cascadingRandomisation(fold.weights, random, layers, rows.length, attribute, {
    signed: true,
    ssim: settings.size,
  });
  const { verdict, similarity, bound } = randomisationVerdict(steps);
  const alike = steps.at(-1)?.ssim ?? Number.NaN;
  return {
    steps: steps.map(({ layer, similarity, ssim }) => ({ layer, similarity, ssim })),
    verdict,
    sentence: `with all weights randomised the maps of the image agree with these by ${similarity.toFixed(2)} (Spearman, with signs; at most ${bound} to pass); structural similarity (SSIM) ${alike.toFixed(2)}`,
  };
}

/** Deletion and insertion of the samples' genes, by the net of these weights and in the order of its attributions. */
async function curvesOf(
  { settings, ctx, samples, x }: Work,
  fold: OpenedFold,
  weights: Tensors,
  rows: Int32Array,
  values: Float32Array,
): Promise<{ deletion: CurveCheck; insertion: CurveCheck }> {
  const image = fold.image.model(weights);
  const orders = new Int32Array(values.length);
  for (let from = 0; from < values.length; from += x.cols)
    orders.set(descending(Float64Array.from(values.subarray(from, from + x.cols))), from);
  const of = {
    // What the net really sees: the image is painted again, bytes and all.
    scores: async (expression: Float32Array) =>
      Float32Array.from(softmaxRows(await image.scores(await fold.exact.paint(expression)), image.classes)),
    classes: image.classes,
    x: rowsOf(x, rows),
    codes: codesOf(samples, rows),
    mean: fold.mean,
  };
  const check = async (direction: "deletion" | "insertion", key: number) => {
    const random = new RandomState([settings.seed, STREAM, key]);
    return told(await faithfulness(of, orders, direction, { random, draws: DRAWS, ...ctx }), rows.length);
  };
  return { deletion: await check("deletion", 2), insertion: await check("insertion", 3) };
}

const told = (
  { fractions, method, random, expression, better, sentence }: Faithfulness,
  samples: number,
): CurveCheck => ({
  area: method.area,
  random: random.area,
  expression: expression.area,
  better,
  samples,
  sentence,
  curves: {
    fractions: [...fractions],
    method: [...method.curve],
    random: [...random.curve],
    expression: [...expression.curve],
  },
});

/**
 * Of a guided run: the fold's net trained in the usual way as well, from the same weights and in the same order, and the
 * curves of both on the samples that both classify rightly.
 */
async function bothTrainings(
  work: Work,
  fold: OpenedFold,
  split: FirstSplit,
  some: Int32Array,
  curves: Awaited<ReturnType<typeof curvesOf>>,
  values: Float32Array,
): Promise<GenesReport["trainings"]> {
  const { run, settings, ctx, samples, net, x } = work;
  if (settings.train === "standard") return null;
  const { weights, probabilities } = await trainAgain(run, settings, ctx, net, split, async () => x, {
    folder: "genes/standard",
    name: `${net}, standard training to compare with`,
    stream: split.k,
    settings: { train: "standard" },
  });
  const classes = samples.classes.length;
  const truth = codesOf(samples, split.test);
  const predicted = argmaxRows(probabilities, classes);
  const guided = argmaxRows(await heldOut(run, net, split, samples.classes), classes);
  const accuracies = [guided, predicted].map((found) => accuracy(truth, found));
  const both = some.filter((row) => predicted[split.test.indexOf(row)] === samples.codes[row]);
  if (both.length === 0) {
    ctx.progress.warn("no explained sample is classified rightly after both trainings: nothing to compare");
    return null;
  }
  const path = "genes/standard.safetensors";
  const theirs = await attributed(work, fold, path, both, () => weights);
  const own =
    both.length === some.length
      ? curves
      : await curvesOf(work, fold, fold.weights, both, at(some, values, both));
  const other = await curvesOf(work, fold, weights, both, theirs.values);
  const trained = (a: number, c: typeof curves): TrainedCurves => ({ accuracy: accuracies[a], ...c });
  return {
    samples: both.length,
    guided: trained(0, own),
    standard: trained(1, other),
    sentence: [
      `on ${both.length} held-out samples that both nets of the first fold classify rightly, the area under the deletion curve is ${areas(own.deletion)} after the guided training and ${areas(other.deletion)} after the standard one`,
      `under the insertion curve ${areas(own.insertion)} and ${areas(other.insertion)}`,
      `accuracy on the ${split.test.length} test samples of the fold ${accuracies.map((v) => v.toFixed(3)).join(" and ")}`,
    ].join("; "),
  };
}

const areas = ({ area, random }: CurveCheck) => `${area.toFixed(3)} (random order ${random.toFixed(3)})`;
