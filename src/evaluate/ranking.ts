/**
 * From all models (nets and baselines) on the same folds to a verdict in words: which is decidedly better than which,
 * which stand at the top, and which have any skill at all.
 *
 * What decides, with Holm's adjustment over all pairs at 0.05:
 *  - one cross-validation: McNemar's exact test on the pooled out-of-fold predictions (with groups, of whole groups). It
 *    uses every sample, where five fold scores alone could hardly ever decide. Its question is whether these trained
 *    models differ; that training on other samples might change them is not in it.
 *  - repeated cross-validation: the corrected resampled t test of the fold accuracies. Predictions of one sample in
 *    several repeats are not independent, so that no McNemar test of them all is valid, and the repeats show how much
 *    the training samples matter. Where samples come in groups the folds must be group folds, as the test sees no groups.
 * How often equally good models are told apart, simulated (60 samples, nearest centroids on 20 features each): of trained
 * models that are equally good, less than 0.05; of methods that are, but come out better or worse on the samples at
 * hand, one cross-validation decides in 0.09 for two models and 0.12 for four, repeated ones in 0.05 and 0.07. So
 * repeats are what a claim about methods should rest on.
 *
 * The 95 % interval beside it is of the pair alone, not widened for several pairs: the paired bootstrap (by group), or
 * that of the t test. The two can therefore disagree on whether 0 is left out; the adjusted p is what counts.
 */
import type { RandomState } from "../random.js";
import { bootstrap } from "./bootstrap.js";
import { type CorrectedT, correctedResampledT } from "./corrected-t.js";
import { holm } from "./holm.js";
import { type McNemar, mcnemar } from "./mcnemar.js";
import { type Skill, skill, skillVerdict } from "./skill.js";
import { pText, shareText } from "./verdict-words.js";

export interface ScoredModel {
  name: string;
  /** Out-of-fold predictions, codes in the samples' order: one vector for each repeat of the cross-validation. */
  predicted: readonly Int32Array[];
  /** Accuracy of every fold of every repeat, in the same order for all models. */
  foldAccuracy: readonly number[];
}

export interface RankingDesign {
  /** Codes of the true classes, in the samples' order. */
  actual: Int32Array;
  /** A code for each sample (its patient, say), where samples of one code are not independent. */
  groups?: Int32Array;
  /** Samples of a fold; their means, where folds differ. */
  folds: { nTrain: number; nTest: number };
}

export interface RankedModel {
  name: string;
  /** Pooled over all samples; the mean over folds, where the cross-validation is repeated. */
  accuracy: number;
  /** Not decidedly worse than the best one. */
  top: boolean;
  /** `p` is adjusted for the number of models. */
  skill: Skill;
}

export interface PairVerdict {
  /** The model of the greater accuracy (of equals, the one given first). */
  better: string;
  worse: string;
  /** Accuracy of `better` less that of `worse`. */
  difference: number;
  /** 95 % interval of the difference; null where there is none (`note`). */
  low: number | null;
  high: number | null;
  /** Of the deciding test; null where it has none. */
  p: number | null;
  /** After Holm over all pairs; a pair without p counts as 1. */
  pHolm: number;
  /** pHolm < 0.05: `better` is better. */
  decided: boolean;
  /** The verdict in one sentence. */
  sentence: string;
  /** What a reader should know beside it. */
  note?: string;
  /** The tests, `better` first; Holm over all pairs of each. McNemar's is null with repeats. */
  tests: {
    mcnemar: (McNemar & { pHolm: number }) | null;
    correctedT: CorrectedT & { pHolm: number };
  };
}

export interface Ranking {
  /** The test that decides. */
  test: "mcnemar" | "corrected-t";
  /** Best accuracy first. */
  models: RankedModel[];
  /** Every pair, in the order of `models`. */
  pairs: PairVerdict[];
  /** Names of the models that are not decidedly worse than the best, best accuracy first. */
  top: string[];
  /** The whole in a sentence. */
  summary: string;
}

const level = 0.05;

/**
 * @param options of the bootstrap; with repeats nothing is drawn
 * @throws RangeError where there are no models, or their predictions or folds do not fit each other
 */
export function rankModels(
  models: readonly ScoredModel[],
  { actual, groups, folds }: RankingDesign,
  options: { random: RandomState; resamples?: number },
): Ranking {
  check(models, actual);
  const repeated = models[0].predicted.length > 1;
  const scored = models
    .map((model) => ({
      ...model,
      right: model.predicted[0].map((code, i) => Number(code === actual[i])),
      skill: skill(actual, model.predicted, groups),
    }))
    .map((model) => ({ ...model, accuracy: repeated ? mean(model.foldAccuracy) : model.skill.accuracy }))
    .sort((a, b) => b.accuracy - a.accuracy);
  const pairs = scored.flatMap((a, i) => scored.slice(i + 1).map((b) => ({ a, b })));

  const corrected = pairs.map(({ a, b }) => {
    const differences = a.foldAccuracy.map((value, f) => value - b.foldAccuracy[f]);
    return correctedResampledT(differences, folds.nTrain, folds.nTest);
  });
  const correctedHolm = holm(corrected.map(({ p }) => p ?? 1));
  const exact = pairs.map(({ a, b }) => mcnemar(actual, a.predicted[0], b.predicted[0], groups));
  const exactHolm = holm(exact.map(({ p }) => p));
  const differences = (times: Int32Array) => {
    const hits = new Map(scored.map(({ name, right }) => [name, weightedSum(right, times)]));
    const total = times.reduce((sum, n) => sum + n, 0);
    return pairs.map(({ a, b }) => ((hits.get(a.name) ?? 0) - (hits.get(b.name) ?? 0)) / total);
  };
  const intervals = repeated
    ? corrected.map(({ interval95 }) => ({ low: interval95?.[0] ?? null, high: interval95?.[1] ?? null }))
    : bootstrap(actual.length, differences, { ...options, groups });

  const verdicts = pairs.map(({ a, b }, i): PairVerdict => {
    const test = repeated ? corrected[i] : exact[i];
    const pHolm = (repeated ? correctedHolm : exactHolm)[i];
    const { low, high, note } = { note: undefined, ...intervals[i] };
    const decided = pHolm < level;
    const share = (value: number) => shareText(value, actual.length);
    const names = decided
      ? `${a.name} (${share(a.accuracy)}) is better than ${b.name} (${share(b.accuracy)}):`
      : `${a.name} (${share(a.accuracy)}) and ${b.name} (${share(b.accuracy)}): undecided;`;
    const difference = a.accuracy - b.accuracy;
    const size =
      low === null || high === null
        ? `the difference is ${share(difference)}`
        : `the difference of ${share(difference)} has a 95 % interval of ${share(low)} to ${share(high)}`;
    const chance =
      test.p === null
        ? "and no test of it is possible"
        : pText(pHolm) + (pairs.length > 1 ? " after Holm" : "");
    return {
      better: a.name,
      worse: b.name,
      difference,
      low,
      high,
      p: test.p,
      pHolm,
      decided,
      sentence: `${names} ${size}, ${chance}`,
      note: [test.note, note].filter((text) => text !== undefined).join(" ") || undefined,
      tests: {
        mcnemar: repeated ? null : { ...exact[i], pHolm: exactHolm[i] },
        correctedT: { ...corrected[i], pHolm: correctedHolm[i] },
      },
    };
  });

  const beaten = new Set(
    verdicts.filter(({ decided, better }) => decided && better === scored[0].name).map(({ worse }) => worse),
  );
  const skillHolm = holm(scored.map((model) => model.skill.p));
  const ranked = scored.map(({ name, accuracy, skill: own }, i): RankedModel => {
    const verdict = skillVerdict(own.accuracy, own.majority, skillHolm[i], actual.length);
    return { name, accuracy, top: !beaten.has(name), skill: { ...own, p: skillHolm[i], ...verdict } };
  });
  return {
    test: repeated ? "corrected-t" : "mcnemar",
    models: ranked,
    pairs: verdicts,
    top: ranked.filter(({ top }) => top).map(({ name }) => name),
    summary: summaryOf(ranked, actual.length),
  };
}

function summaryOf(models: readonly RankedModel[], samples: number): string {
  const [best, ...others] = models;
  const leader = `${best.name} (${shareText(best.accuracy, samples)})`;
  if (!models.some(({ skill }) => skill.shown))
    return `No model is shown to be better than always guessing the largest class; the best accuracy is that of ${leader}.`;
  if (others.length === 0) return `${leader} is the only model.`;
  const equals = others.filter(({ top }) => top).map(({ name }) => name);
  if (equals.length === 0) return `${leader} is better than every other model.`;
  const rest = others.length - equals.length;
  return `${leader} has the best accuracy, but the data cannot tell it from ${list(equals)}${
    rest === 0 ? "" : `; ${rest === 1 ? "the other one is" : `the other ${rest} are`} worse`
  }.`;
}

/** "a", "a and b", "a, b and c". */
function list(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function weightedSum(values: Int32Array, times: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * times[i];
  return sum;
}

function check(models: readonly ScoredModel[], actual: Int32Array): void {
  if (models.length === 0) throw new RangeError("rankModels: no models");
  const [{ predicted, foldAccuracy }] = models;
  if (predicted.length === 0) throw new RangeError(`rankModels: no predictions of ${models[0].name}`);
  const names = new Set(models.map(({ name }) => name));
  if (names.size < models.length) throw new RangeError("rankModels: two models have the same name");
  for (const model of models) {
    if (model.predicted.length !== predicted.length)
      throw new RangeError(
        `rankModels: ${model.name} has ${model.predicted.length} repeats, ${models[0].name} ${predicted.length}`,
      );
    if (model.foldAccuracy.length !== foldAccuracy.length)
      throw new RangeError(
        `rankModels: ${model.name} has ${model.foldAccuracy.length} folds, ${models[0].name} ${foldAccuracy.length}`,
      );
    if (model.predicted.some((codes) => codes.length !== actual.length))
      throw new RangeError(`rankModels: ${model.name} does not predict ${actual.length} samples`);
  }
}
