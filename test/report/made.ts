/** Made data in the shape of a run, for tests of figures and report: clouds of samples, scores, losses. Seeded. */

import { calibration } from "../../src/evaluate/calibration.js";
import { metricIntervals } from "../../src/evaluate/metric-intervals.js";
import { argmaxRows, foldMetrics } from "../../src/evaluate/metrics.js";
import { rankModels } from "../../src/evaluate/ranking.js";
import { riskCoverage } from "../../src/evaluate/risk-coverage.js";
import { softmaxRows } from "../../src/evaluate/softmax.js";
import { meanAndSd } from "../../src/evaluate/summary.js";
import { wilcoxonSignedRank } from "../../src/evaluate/wilcoxon.js";
import { square } from "../../src/image-size.js";
import { RandomState } from "../../src/random.js";
import type { AuditReport } from "../../src/report/audit-report.js";
import type { Figure } from "../../src/report/figure.js";
import {
  auditInflation,
  confusionAverage,
  embeddingScatter,
  figure1,
  figureCombined,
  figureGenesPixel,
  foldScores,
  imagesByClass,
  type PixelMap,
  reliability,
  riskCoverageCurves,
  saliencyFigures,
  scoresFigure,
  trainingHistory,
} from "../../src/report/figures.js";
import type { ReportData } from "../../src/report/html.js";
import { foldScoresOf, type Results, scoresFigureOf } from "../../src/report/scores.js";
import type { Design } from "../../src/report/words.js";

/** Labels that are hostile, foreign or long; the n-th repeats with a number behind. */
export const ODD_LABELS = [
  "<script>alert(1)</script>",
  "\"quoted\" & 'single'",
  "a&b</title></svg><img src=x onerror=alert(1)>",
  `Group ${"long-".repeat(58)}end`,
  "مرحبا بالعالم",
  "日本語の標識",
  "CD4+/CD25 T Reg",
  "\u0000bell\u0007 \ud800 \u202eevil",
  "constructor",
  "__proto__",
];

export function labels(n: number, odd = false): string[] {
  const plain = ["Classical", "Mesenchymal", "Neural", "Proneural", "Oligodendrocytes (non-malignant)"];
  const names = odd ? ODD_LABELS : plain;
  return Array.from({ length: n }, (_, i) =>
    i < names.length ? names[i] : `${odd ? names[i % 4] : "MGH"}${i}`,
  );
}

/** n samples in one or two clouds a class; points in the plane and their pixels. */
export function cloud(
  n: number,
  classes: string[],
  size = 128,
  seed = 1,
): PixelMap & { points: Float32Array } {
  const random = new RandomState([seed, n, classes.length]);
  const centres = classes.map(() => [random.random(), random.random(), random.random(), random.random()]);
  const codes = new Int32Array(n);
  const points = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    codes[i] =
      i < classes.length
        ? i
        : Math.min(classes.length - 1, Math.floor(random.random() ** 1.5 * classes.length));
    const home = random.random() < 0.8 ? 0 : 2;
    for (const axis of [0, 1])
      points[2 * i + axis] = 20 * centres[codes[i]][home + axis] + 0.9 * random.standardNormal();
  }
  const pixel = (axis: number): Int32Array => {
    const values = points.filter((_, i) => i % 2 === axis);
    const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    return Int32Array.from(values, (v) => ((v - low) / (high - low + 1e-8)) * (size - 1));
  };
  return { x: pixel(0), y: pixel(1), codes, classes, size: square(size), points };
}

/** The image METHOD describes for a pixel: black but for a square of side 7. */
export function blob(x: number, y: number, colour: readonly number[], size = 128): Uint8Array {
  const image = new Uint8Array(size * size * 3);
  for (let r = Math.max(0, y - 3); r <= Math.min(size - 1, y + 3); r++) {
    for (let c = Math.max(0, x - 3); c <= Math.min(size - 1, x + 3); c++)
      image.set(colour, 3 * (r * size + c));
  }
  return image;
}

/** A saliency map: noise about (x, y). */
export function glow(x: number, y: number, size = 128, seed = 2): Float32Array {
  const random = new RandomState([seed, x, y]);
  return Float32Array.from({ length: size * size }, (_, i) => {
    const d2 = ((i % size) - x) ** 2 + (Math.floor(i / size) - y) ** 2;
    return 3e-3 * Math.exp(-d2 / 300) * Math.abs(random.standardNormal()) + 1e-4 * random.random();
  });
}

/** A mean confusion matrix and its rows' shares: a strong diagonal, neighbours confused, one class without samples. */
export function confusion(classes: number, seed = 3): { mean: number[][]; normalised: number[][] } {
  const random = new RandomState([seed, classes]);
  const mean = Array.from({ length: classes }, (_, r) =>
    Array.from({ length: classes }, (_, c) => {
      if (classes > 8 && r === classes - 1) return 0;
      const level = r === c ? 9 : Math.abs(r - c) === 1 ? 1.2 : 0.15;
      return Math.round(level * random.random() * 5) / 5;
    }),
  );
  const normalised = mean.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((v) => v / sum);
  });
  return { mean, normalised };
}

/** Losses of k folds that fall. */
export function losses(folds: number, epochs: number, seed = 4): { fold: number; loss: number[] }[] {
  const random = new RandomState([seed, folds, epochs]);
  return Array.from({ length: folds }, (_, k) => ({
    fold: k + 1,
    loss: Array.from(
      { length: epochs },
      (_, e) => 1.6 * Math.exp(-e / (epochs / 2)) + 0.1 + 0.15 * random.random(),
    ),
  }));
}

/** True classes, and the probabilities of a net that knows something and is too sure. */
export function predictions(
  n: number,
  classes: number,
  seed = 6,
): { actual: Int32Array; probabilities: Float64Array } {
  const random = new RandomState([seed, n, classes]);
  const actual = Int32Array.from({ length: n }, () => random.interval(classes - 1));
  const logits = Float64Array.from(
    { length: n * classes },
    (_, i) => 2.5 * (random.standardNormal() + (i % classes === actual[Math.floor(i / classes)] ? 1.5 : 0)),
  );
  return { actual, probabilities: softmaxRows(logits, classes) };
}

const NETS = ["resnet18", "efficientnet_b0"];
const BASELINES = [
  ["logistic_l2", "Logistic regression (L2)", "pca"],
  ["logistic_l1", "Logistic regression (L1)", "pca"],
  ["knn", "Nearest neighbours", "pca"],
  ["nearest_centroid", "Nearest centroid", "pca"],
  ["four_numbers", "Logistic regression on the image's four numbers", "image"],
  ["majority", "Largest class", "pca"],
] as const;

/** Probabilities of a model for these classes: the more skill, the more of the true class's; 0: guesses. */
function made(actual: Int32Array, classes: number, skill: number, seed: number): Float64Array {
  const random = new RandomState([8, seed, classes]);
  return softmaxRows(
    Float64Array.from(
      { length: actual.length * classes },
      (_, i) => 2 * random.standardNormal() + (i % classes === actual[Math.floor(i / classes)] ? skill : 0),
    ),
    classes,
  );
}

export interface MadeDesign {
  folds?: number;
  repeats?: number;
  /** Names of the folds; "fold 1", … */
  names?: readonly string[];
  /** Without validation parts there are no temperatures, best epochs and label sets. */
  validation?: boolean;
  /** Of each net, then of each baseline but the guess. */
  skills?: readonly number[];
}

/** What metrics.json says of two nets and six baselines on n samples of these classes, by the functions of a run. */
export function results(n: number, classes: string[], design: MadeDesign = {}): Results {
  const { folds = Math.min(5, n), repeats = 1, names, validation = true } = design;
  const { skills = [4, 5, 6, 5.5, 3, 3.5, 2.5] } = design;
  const k = classes.length;
  const { codes: actual } = cloud(n, classes);
  const counts = classes.map((_, c) => actual.filter((code) => code === c).length);
  const largest = counts.indexOf(Math.max(...counts));
  const splits = Array.from({ length: folds * repeats }, (_, s) => ({
    repeat: Math.floor(s / folds),
    fold: s % folds,
    name:
      names?.[s] ?? `${repeats > 1 ? `repeat ${Math.floor(s / folds) + 1}, ` : ""}fold ${(s % folds) + 1}`,
  }));
  const rowsOf = ({ repeat, fold }: { repeat: number; fold: number }) =>
    Array.from({ length: n }, (_, i) => i).filter(
      (i) => (i * (repeat + 1) + Math.floor(i / folds)) % folds === fold,
    );
  const judged = (m: number) => {
    const rounds = Array.from({ length: repeats }, (_, r) =>
      m === NETS.length + BASELINES.length - 1
        ? Float64Array.from({ length: n * k }, (_, i) => (i % k === largest ? 0.9 : 0.1 / Math.max(1, k - 1)))
        : made(actual, k, skills[m], 10 * m + r),
    );
    const parts = splits.map((split) => {
      const rows = rowsOf(split);
      const probabilities = rows.flatMap((row) => [...rounds[split.repeat].subarray(row * k, (row + 1) * k)]);
      const metrics = foldMetrics(
        Int32Array.from(rows, (row) => actual[row]),
        Float64Array.from(probabilities),
        k,
      );
      return { nTrain: n - rows.length, nTest: rows.length, ...metrics };
    });
    const random = new RandomState([9, m]);
    return {
      folds: parts,
      ...meanAndSd(parts),
      // Few blocks to draw from, as the time goes into leaving each of them out.
      pooled: metricIntervals(actual, rounds[0], k, {
        random,
        resamples: 60,
        groups: actual.map((_, i) => i % 24),
      }),
      calibration: calibration(actual, rounds[0], k, validation && m < NETS.length ? 1.8 : undefined),
      predicted: rounds.map((round) => argmaxRows(round, k)),
    };
  };
  const models = NETS.map((net, m) => {
    const { folds: parts, predicted, ...scores } = judged(m);
    return {
      net,
      weights: m === 0 ? "random" : "pretrained",
      ...scores,
      folds: parts.map((part, s) => ({
        ...part,
        nValidation: validation ? 10 : 0,
        seconds: 12 + 7.5 * s,
        bestEpoch: validation ? 1 + (s % 5) : undefined,
        temperature: validation ? 1.8 : null,
      })),
      labelSets: validation
        ? { asked: 0.9, samples: n, coverage: 0.92, interval: [0.86, 0.96] as const, meanSize: 1.4 }
        : null,
      predicted,
    };
  });
  const baselines = BASELINES.map(([name, title, features], b) => ({
    name,
    title,
    features,
    ...judged(NETS.length + b),
  }));
  const verdict = rankModels(
    [...models.map(({ net: name, ...rest }) => ({ name, ...rest })), ...baselines].map(
      ({ name, predicted, folds: parts }) => ({
        name,
        predicted,
        foldAccuracy: parts.map(({ accuracy }) => accuracy),
      }),
    ),
    { actual, folds: { nTrain: Math.max(1, n * (1 - 1 / folds)), nTest: n / folds } },
    { random: new RandomState([10]), resamples: 60 },
  );
  const wilcoxon = wilcoxonSignedRank(
    models[0].folds.map(({ accuracy }) => accuracy),
    models[1].folds.map(({ accuracy }) => accuracy),
  );
  return {
    models: models.map(({ predicted, ...rest }) => rest),
    baselines: baselines.map(({ predicted, ...rest }) => rest),
    splits,
    comparisons: [{ a: NETS[0], b: NETS[1], test: "wilcoxon", ...wilcoxon }],
    verdict,
    notes: ["'patient' and 'subtype' go together with Cramér's V = 0.41 (0: not at all, 1: wholly)"],
  };
}

/** An audit with something in every part. */
export function audit(names: readonly string[] = [...NETS, "logistic_l2"]): AuditReport {
  const majority = 0.33;
  return {
    schema: "cellhue.audit/1",
    inflation: names.map((name, i) => ({
      name,
      published: 0.91 - 0.02 * i,
      inductive: 0.87 - 0.01 * i,
      difference: {
        estimate: 0.04 - 0.01 * i,
        low: i === 0 ? null : 0.005 - 0.01 * i,
        high: i === 0 ? null : 0.08,
      },
      words: `${name} is rated higher by 0.04 where the embedding has seen the test samples`,
    })),
    label: [
      {
        column: "patient",
        kind: "categories",
        accuracy: 0.97,
        low: 0.94,
        high: 0.99,
        majority,
        words: "patient alone gives the label away",
      },
      {
        column: ODD_LABELS[3],
        kind: "numbers",
        accuracy: 0.35,
        low: null,
        high: null,
        majority,
        words: "no sign",
      },
      {
        column: "all of them",
        kind: "all",
        accuracy: 0.98,
        low: 0.95,
        high: 1,
        majority,
        words: "known from the batch",
      },
    ],
    image: [
      {
        column: "plate",
        accuracy: 0.5,
        low: 0.42,
        high: 0.58,
        majority: 0.25,
        words: "the image knows the plate",
      },
    ],
    duplicates: [
      { a: "sample_1", b: ODD_LABELS[0], correlation: 1, identical: true, acrossFolds: true },
      { a: "sample_3", b: "sample_9", correlation: 0.99987, identical: false, acrossFolds: false },
    ],
    shuffled: [
      { name: NETS[0], accuracy: 0.3, low: 0.24, high: 0.37, majority, words: "chance, as it should be" },
    ],
    notes: ["one column was left out: it has a value a sample"],
  };
}

/** All figures of a run with n samples of the classes. */
export async function allFigures(
  n: number,
  classes: string[],
  epochs = 5,
  scored = results(n, classes),
): Promise<Figure[]> {
  const made = cloud(n, classes);
  const { points, codes } = made;
  const outcomes = NETS.map((net, k) => ({ net, ...predictions(n, classes.length, k) }));
  const colour = (i: number): number[] => [250 - 6 * i, 80 + 20 * (i % 8), 40 + 7 * i];
  return [
    await figure1(made),
    await figureCombined(made),
    await figureGenesPixel(made),
    ...["UMAP", "t-SNE", "PC"].map((axis) => {
      const name = `embedding_${axis.replace("-", "").toLowerCase()}`;
      const axes: [string, string] = [`${axis} 1`, `${axis} 2`];
      return embeddingScatter({ name, title: `${axis} of all samples`, points, codes, classes, axes });
    }),
    trainingHistory({ nets: NETS.map((net, k) => ({ net, folds: losses(5, epochs, k) })) }),
    confusionAverage({ nets: NETS.map((net, k) => ({ net, classes, ...confusion(classes.length, k) })) }),
    scoresFigure(scoresFigureOf(scored, scored.verdict.models[0].skill.majority)),
    foldScores(foldScoresOf(scored.models, 0.33)),
    auditInflation(audit()),
    reliability({
      nets: outcomes.map(({ net, actual, probabilities }) => ({
        net,
        calibration: calibration(actual, probabilities, classes.length, 1.8),
      })),
    }),
    riskCoverageCurves({
      nets: outcomes.map(({ net, actual, probabilities }) => ({
        net,
        curve: riskCoverage(actual, probabilities, classes.length),
      })),
      majority: 0.33,
    }),
    ...(await saliencyFigures({
      size: square(128),
      net: NETS[0],
      panels: classes.map((label, i) => ({
        label,
        sample: `sample_${i}`,
        probability: 1 / (1 + i / 20),
        image: blob((20 * i) % 128, 60, colour(i)),
        map: glow((20 * i) % 128, 60),
      })),
    })),
    await imagesByClass({
      size: square(128),
      classes: classes.map((label, i) => ({
        label,
        images: Array.from({ length: 6 }, (_, j) =>
          blob((i * 17 + j * 9) % 128, (i * 29 + j * 5) % 128, colour(i)),
        ),
      })),
    }),
  ];
}

/** Of the published protocol, so that its warning is shown. */
export const DESIGN: Design = {
  encoder: "spectral",
  protocol: "published",
  cv: "stratified",
  folds: 5,
  repeats: 1,
  group: null,
  split: null,
  validation: 0.15,
  patience: 0,
  tune: {},
  genes: "all",
  topGenes: 2000,
  scale: false,
  normalize: "none",
  components: 50,
  permuteLabels: false,
};

/** A whole report's data. */
export async function reportData(n: number, classes: string[], made: MadeDesign = {}): Promise<ReportData> {
  const scored = results(n, classes, made);
  const { codes } = cloud(n, classes);
  return {
    name: "tcga_gbm_verhaak-subtype",
    created: "2026-01-31 12:00 UTC",
    data: {
      file: "data/tcga_gbm_verhaak.h5ad",
      bytes: 2_412_345,
      sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      samples: n,
      genes: 1740,
      label: "subtype",
      classes: classes.map((name, c) => ({ name, count: codes.filter((v) => v === c).length })),
      storage: "dense float32",
      state: "log-transformed (values 2.1…14.8, not whole numbers)",
      more: [["dropped", "3 samples without a label"]],
    },
    warnings: [
      `The class ${classes[0]} is small.`,
      "Five epochs are few here: the loss was still falling. Try --epochs 20.",
    ],
    design: DESIGN,
    results: scored,
    audit: audit(),
    finalNet: NETS[1],
    settings: [
      ["--epochs", "5"],
      ["--lr", "0.0001"],
      ["--batch", "32"],
      ["--size", "128"],
      ["--folds", "5"],
    ],
    versions: [
      ["cellhue", "0.1.0"],
      ["node", "v20.20.2"],
      ["onnxruntime", "1.30.0"],
    ],
    seeds: [
      ["folds", "42"],
      ["training", "42"],
    ],
    files: [
      { path: "metrics.json", what: "all scores", bytes: 12345 },
      { path: "oof_resnet18.csv", what: "out-of-fold probabilities", bytes: 23456 },
      ...classes.map((label, i) => ({
        path: `benchmarking/${label}/sample_${i}.png`,
        what: `an image of ${label}`,
      })),
    ],
    figures: await allFigures(n, classes, 5, scored),
    figuresFolder: "figures",
  };
}
