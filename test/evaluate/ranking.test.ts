import { describe, expect, it } from "vitest";
import { bootstrap } from "../../src/evaluate/bootstrap.js";
import { correctedResampledT } from "../../src/evaluate/corrected-t.js";
import { holm } from "../../src/evaluate/holm.js";
import { mcnemar } from "../../src/evaluate/mcnemar.js";
import { rankModels, type ScoredModel } from "../../src/evaluate/ranking.js";
import { RandomState } from "../../src/random.js";

/** Two classes in turn, 60 % of the first. */
function truth(samples: number): Int32Array {
  return Int32Array.from({ length: samples }, (_, i) => Number(i % 5 > 2));
}

/** A model that is wrong on the given samples. */
function wrongOn(name: string, actual: Int32Array, wrong: readonly number[]): ScoredModel {
  const at = new Set(wrong);
  const predicted = actual.map((code, i) => (at.has(i) ? 1 - code : code));
  const size = actual.length / 5;
  const foldAccuracy = [0, 1, 2, 3, 4].map(
    (fold) => 1 - wrong.filter((i) => Math.floor(i / size) === fold).length / size,
  );
  return { name, predicted: [predicted], foldAccuracy };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const options = () => ({ random: new RandomState(6), resamples: 500 });

describe("rankModels, one cross-validation", () => {
  const actual = truth(100);
  const folds = { nTrain: 80, nTest: 20 };
  const models = [
    wrongOn("ResNet-18", actual, [...range(0, 9)]),
    wrongOn("logistic regression", actual, [...range(0, 2), 50, 51]),
    wrongOn("kNN", actual, range(20, 45)),
  ];

  it("decides by McNemar's test with Holm, and gives the paired bootstrap's interval", () => {
    const ranking = rankModels(models, { actual, folds }, options());
    expect(ranking.test).toBe("mcnemar");
    expect(ranking.models.map(({ name, accuracy }) => [name, accuracy])).toEqual([
      ["logistic regression", 0.96],
      ["ResNet-18", 0.91],
      ["kNN", 0.75],
    ]);
    const [resnet, logistic, knn] = models;
    const order = [
      [logistic, resnet],
      [logistic, knn],
      [resnet, knn],
    ];
    const p = order.map(([a, b]) => mcnemar(actual, a.predicted[0], b.predicted[0]).p);
    const right = (model: ScoredModel, i: number) => Number(model.predicted[0][i] === actual[i]);
    const intervals = bootstrap(
      100,
      (times) =>
        order.map(([a, b]) => times.reduce((sum, n, i) => sum + n * (right(a, i) - right(b, i)), 0) / 100),
      options(),
    );
    ranking.pairs.forEach((pair, i) => {
      const [a, b] = order[i];
      expect([pair.better, pair.worse]).toEqual([a.name, b.name]);
      expect(pair.p).toBe(p[i]);
      expect(pair.pHolm).toBe(holm(p)[i]);
      expect([pair.low, pair.high]).toEqual([intervals[i].low, intervals[i].high]);
      expect(pair.decided).toBe(pair.pHolm < 0.05);
      expect(pair.tests.mcnemar).toMatchObject({ p: p[i], pHolm: pair.pHolm });
      const differences = a.foldAccuracy.map((value, f) => value - b.foldAccuracy[f]);
      expect(pair.tests.correctedT).toMatchObject(correctedResampledT(differences, 80, 20));
    });
  });

  it("says it in words", () => {
    const { pairs, top, summary } = rankModels(models, { actual, folds }, options());
    const [{ low, high }] = pairs;
    expect(pairs[0].sentence).toBe(
      `logistic regression (0.96) and ResNet-18 (0.91): undecided; the difference of 0.05 has a 95 % interval of ${low!.toFixed(2).replace("-", "−")} to ${high!.toFixed(2)}, p = 0.18 after Holm`,
    );
    expect(pairs[1].sentence).toMatch(
      /^logistic regression \(0\.96\) is better than kNN \(0\.75\): the difference of 0\.21 has a 95 % interval of 0\.\d\d to 0\.\d\d, p < 0\.001 after Holm$/,
    );
    expect(top).toEqual(["logistic regression", "ResNet-18"]);
    expect(summary).toBe(
      "logistic regression (0.96) has the best accuracy, but the data cannot tell it from ResNet-18; the other one is worse.",
    );
  });

  it("needs no word of Holm for one pair", () => {
    const { pairs } = rankModels(models.slice(0, 2), { actual, folds }, options());
    expect(pairs[0].pHolm).toBe(pairs[0].p);
    expect(pairs[0].sentence).toMatch(/, p = 0\.18$/);
  });

  it("names the one that is better than all others", () => {
    const two = rankModels(models.slice(1), { actual, folds }, options());
    expect(two.top).toEqual(["logistic regression"]);
    expect(two.summary).toBe("logistic regression (0.96) is better than every other model.");
    const one = rankModels(models.slice(0, 1), { actual, folds }, options());
    expect(one).toMatchObject({ pairs: [], top: ["ResNet-18"] });
    expect(one.summary).toBe("ResNet-18 (0.91) is the only model.");
  });

  it("leaves a difference of few patients undecided, though its many samples would decide it", () => {
    const groups = actual.map((_, i) => Math.floor(i / 25));
    const { pairs } = rankModels(models.slice(1), { actual, folds, groups }, options());
    expect(pairs[0]).toMatchObject({ p: 0.5, decided: false }); // kNN is worse in two patients, better in one
    expect(pairs[0].note).toBe(
      "The two differ on 3 groups only, which cannot give a p below 0.25. Drawn from 4 groups: an interval from so few is easily too narrow.",
    );
  });

  it("has no interval for models that are right on the same samples", () => {
    const twins = [models[0], { ...models[0], name: "its twin" }];
    const { pairs, top } = rankModels(twins, { actual, folds }, options());
    expect(pairs[0]).toMatchObject({ difference: 0, low: null, high: null, p: 1, decided: false });
    expect(pairs[0].sentence).toBe(
      "ResNet-18 (0.91) and its twin (0.91): undecided; the difference is 0.00, p = 1",
    );
    expect(pairs[0].note).toMatch(/^The two are right on the same samples\. Every resample gives 0/);
    expect(top).toEqual(["ResNet-18", "its twin"]);
  });

  it("says that no model has skill, with Holm over the models", () => {
    // 60 of 100 are of the largest class; gaining 8 and missing 1 has p = 0.02 for one model
    const wrong = [...range(0, 100).filter((i) => actual[i] === 1)].slice(8);
    const guessers = ["a", "b", "c"].map((name) => wrongOn(name, actual, [...wrong, 0]));
    const alone = rankModels(guessers.slice(0, 1), { actual, folds }, options());
    expect(alone.models[0].skill).toMatchObject({ shown: true, accuracy: 0.67, majority: 0.6 });
    const { models: ranked, summary } = rankModels(guessers, { actual, folds }, options());
    expect(ranked[0].skill.p).toBeCloseTo(3 * alone.models[0].skill.p, 14);
    expect(ranked[0].skill.sentence).toBe(
      "no skill shown: accuracy 0.67, always guessing the largest class 0.60, p = 0.0586",
    );
    expect(summary).toBe(
      "No model is shown to be better than always guessing the largest class; the best accuracy is that of a (0.67).",
    );
  });

  it("gives the same for the same seed", () => {
    expect(rankModels(models, { actual, folds }, options())).toEqual(
      rankModels(models, { actual, folds }, options()),
    );
  });

  it("refuses models that do not fit each other", () => {
    const [a, b] = models;
    const rank =
      (...all: ScoredModel[]) =>
      () =>
        rankModels(all, { actual, folds }, options());
    expect(rank()).toThrow(/no models/);
    expect(rank(a, a)).toThrow(/same name/);
    expect(rank(a, { ...b, predicted: [...b.predicted, ...b.predicted] })).toThrow(/2 repeats, ResNet-18 1/);
    expect(rank(a, { ...b, foldAccuracy: [0.9] })).toThrow(/1 folds, ResNet-18 5/);
    expect(rank({ ...a, predicted: [new Int32Array(3)] })).toThrow(/does not predict 100 samples/);
    expect(rank({ ...a, predicted: [] })).toThrow(/no predictions of ResNet-18/);
  });
});

describe("rankModels, repeated cross-validation", () => {
  const actual = truth(50);
  const folds = { nTrain: 40, nTest: 10 };
  const model = (name: string, foldAccuracy: number[]): ScoredModel => ({
    name,
    predicted: [actual, actual.map((code, i) => (i < 10 ? 1 - code : code))],
    foldAccuracy,
  });
  const a = model("a", [0.9, 1, 0.9, 0.8, 0.9, 1, 0.9, 0.8, 0.9, 0.9]);
  const b = model("b", [0.8, 0.8, 0.7, 0.6, 0.8, 0.8, 0.8, 0.6, 0.7, 0.7]);

  it("decides by the corrected t test, on the mean of the folds", () => {
    const { test, pairs, models } = rankModels([b, a], { actual, folds }, options());
    expect(test).toBe("corrected-t");
    expect(models.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(models[0].accuracy).toBeCloseTo(0.9, 14);
    const t = correctedResampledT(
      a.foldAccuracy.map((value, f) => value - b.foldAccuracy[f]),
      40,
      10,
    );
    expect(pairs[0]).toMatchObject({ p: t.p, low: t.interval95![0], high: t.interval95![1], decided: true });
    expect(pairs[0].tests.mcnemar).toBeNull();
    expect(pairs[0].sentence).toBe(
      "a (0.90) is better than b (0.73): the difference of 0.17 has a 95 % interval of 0.11 to 0.23, p < 0.001",
    );
  });

  it("leaves undecided what has no p", () => {
    const shifted = model(
      "b",
      a.foldAccuracy.map((value) => value - 0.1),
    );
    const { pairs } = rankModels([a, shifted], { actual, folds }, options());
    expect(pairs[0]).toMatchObject({ p: null, pHolm: 1, low: null, decided: false });
    expect(pairs[0].sentence).toBe(
      "a (0.90) and b (0.80): undecided; the difference is 0.10, and no test of it is possible",
    );
    expect(pairs[0].note).toMatch(/^Every fold differs by 0\.1/);
  });
});

/**
 * Models that are equally good by construction, as a cross-validation makes them: nearest centroids, each on its own
 * features of the same strength.
 */
function nullModels(count: number, repeats: number, random: RandomState) {
  const [n, features, shift, k] = [60, 20, 0.25, 5];
  const actual = Int32Array.from({ length: n }, (_, i) => i % 2);
  const data = Array.from({ length: count }, () =>
    Float64Array.from(
      { length: n * features },
      (_, at) => random.standardNormal() + (actual[Math.floor(at / features)] === 1 ? shift : 0),
    ),
  );
  const models = data.map((_, m) => ({
    name: `model ${m}`,
    predicted: Array.from({ length: repeats }, () => new Int32Array(n)),
    foldAccuracy: [] as number[],
  }));
  for (let repeat = 0; repeat < repeats; repeat++) {
    const fold = new Int32Array(n);
    for (const code of [0, 1])
      random.permutation(n / 2).forEach((j, place) => {
        fold[2 * j + code] = place % k;
      });
    for (let f = 0; f < k; f++) {
      data.forEach((x, m) => {
        const centroid = [new Float64Array(features), new Float64Array(features)];
        for (let i = 0; i < n; i++)
          if (fold[i] !== f)
            for (let j = 0; j < features; j++) centroid[actual[i]][j] += x[i * features + j] / 24;
        let right = 0;
        for (let i = 0; i < n; i++) {
          if (fold[i] !== f) continue;
          const [near0, near1] = centroid.map((c) =>
            c.reduce((sum, value, j) => sum + (value - x[i * features + j]) ** 2, 0),
          );
          models[m].predicted[repeat][i] = Number(near1 < near0);
          right += Number(Number(near1 < near0) === actual[i]);
        }
        models[m].foldAccuracy.push(right / 12);
      });
    }
  }
  return { models, design: { actual, folds: { nTrain: 48, nTest: 12 } } };
}

describe("rankModels on models that are equally good", () => {
  it("decides on any of six pairs in less than 5 of 100 simulations, where single tests would in more", () => {
    const random = new RandomState(41);
    const actual = truth(80);
    let decided = 0;
    let unadjusted = 0;
    for (let simulation = 0; simulation < 400; simulation++) {
      const hard = actual.map(() => Number(random.random() < 0.4));
      const models = ["a", "b", "c", "d"].map((name) => ({
        name,
        predicted: [actual.map((code, i) => (random.random() < (hard[i] ? 0.6 : 0.95) ? code : 1 - code))],
        foldAccuracy: [0.8, 0.8, 0.8, 0.8, 0.8],
      }));
      const design = { actual, folds: { nTrain: 64, nTest: 16 } };
      const { pairs } = rankModels(models, design, { random, resamples: 2 });
      decided += Number(pairs.some((pair) => pair.decided));
      unadjusted += Number(pairs.some(({ p }) => p! < 0.05));
    }
    expect(decided).toBeLessThanOrEqual(20);
    expect(unadjusted).toBeGreaterThan(30);
  });

  it("decides in few cross-validations, though it knows nothing of the training samples' part", () => {
    const random = new RandomState(42);
    let decided = 0;
    for (let simulation = 0; simulation < 400; simulation++) {
      const { models, design } = nullModels(2, 1, random);
      decided += Number(rankModels(models, design, { random, resamples: 2 }).pairs[0].decided);
    }
    expect(decided).toBeGreaterThan(20); // more than 0.05: the header of ranking.ts says so
    expect(decided).toBeLessThanOrEqual(50); // 0.087 in 2000 simulations
  });

  it("decides in about 5 of 100 repeated cross-validations, where the uncorrected t test would in 45", () => {
    const random = new RandomState(43);
    let decided = 0;
    let naive = 0;
    for (let simulation = 0; simulation < 200; simulation++) {
      const { models, design } = nullModels(2, 5, random);
      const [pair] = rankModels(models, design, { random }).pairs;
      decided += Number(pair.decided);
      naive += Number(Math.abs(pair.tests.correctedT.t ?? 0) * Math.sqrt(1 + 25 / 4) > 2.064); // t of 24, 0.975
    }
    expect(decided).toBeLessThanOrEqual(19); // three standard errors above 10
    expect(naive).toBeGreaterThan(60);
  });
});
