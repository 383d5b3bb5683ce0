/** Made data in the shape of a run, for tests of figures and report: clouds of samples, scores, losses. Seeded. */

import { mean as d3mean, deviation } from "d3-array";
import { calibration } from "../../src/evaluate/calibration.js";
import { METRIC_NAMES, type MetricName } from "../../src/evaluate/metrics.js";
import { riskCoverage } from "../../src/evaluate/risk-coverage.js";
import { softmaxRows } from "../../src/evaluate/softmax.js";
import { RandomState } from "../../src/random.js";
import type { Figure } from "../../src/report/figure.js";
import {
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
  trainingHistory,
} from "../../src/report/figures.js";
import type { ReportData } from "../../src/report/html.js";
import { foldScoresOf, type ModelScores, type Scores } from "../../src/report/scores.js";

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
  return { x: pixel(0), y: pixel(1), codes, classes, size, points };
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

/** Scores of both nets on five folds. */
export function models(folds = 5): ModelScores[] {
  return NETS.map((net, k) => {
    const random = new RandomState([7, k]);
    const runs = Array.from({ length: folds }, (_, i) => {
      const scores = Object.fromEntries(METRIC_NAMES.map((n) => [n, 0.6 + 0.1 * k + 0.2 * random.random()]));
      return {
        ...scores,
        fold: i + 1,
        nTrain: 135,
        nTest: 34,
        accuracy: scores.accuracy,
        seconds: 12 + 40 * random.random(),
      };
    });
    const of = (n: MetricName): number[] => runs.map((r) => r[n as "accuracy"]);
    const mean = Object.fromEntries(METRIC_NAMES.map((n) => [n, d3mean(of(n)) ?? null])) as Scores;
    const sd = Object.fromEntries(METRIC_NAMES.map((n) => [n, deviation(of(n)) ?? null])) as Scores;
    return {
      net,
      encoder: "spectral",
      protocol: "published",
      weights: k === 0 ? "random" : "imagenet",
      folds: runs,
      mean,
      sd,
    };
  });
}

/** All figures of a run with n samples of the classes. */
export async function allFigures(n: number, classes: string[], epochs = 5): Promise<Figure[]> {
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
    foldScores(foldScoresOf(models(), 0.33)),
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
      size: 128,
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
      size: 128,
      classes: classes.map((label, i) => ({
        label,
        images: Array.from({ length: 6 }, (_, j) =>
          blob((i * 17 + j * 9) % 128, (i * 29 + j * 5) % 128, colour(i)),
        ),
      })),
    }),
  ];
}

/** A whole report's data. */
export async function reportData(n: number, classes: string[]): Promise<ReportData> {
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
      normalization: "none",
      more: [["dropped", "3 samples without a label"]],
    },
    warnings: [
      `The class ${classes[0]} is small.`,
      "Five epochs are few here: the loss was still falling. Try --epochs 20.",
    ],
    encoder: "spectral",
    protocol: "published",
    embeddingSawAllSamples: true,
    models: models(),
    comparisons: [{ a: NETS[0], b: NETS[1], test: "wilcoxon", statistic: 0, p: 0.0625, pAttainable: 0.0625 }],
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
    figures: await allFigures(n, classes),
    figuresFolder: "figures",
  };
}
