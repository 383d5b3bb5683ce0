/** The options of the commands: each setting once, so that help and names agree everywhere. */
import { type Command, Option } from "commander";
import type { SettingName, Source } from "../config.js";
import type { OutputOptions } from "./execute.js";

/** Parsed options of any command: settings by name, as texts or true, and those of the output. */
export type ParsedOptions = OutputOptions & { config?: string } & Partial<
    Record<SettingName, string | true | string[]>
  >;

const settings: Partial<Record<SettingName, readonly [flags: string, help: string]>> = {
  label: ["--label <column>", "column of obs that holds the classes"],
  labels: ["--labels <file>", "table of labels (.csv, .tsv), a line a sample, joined to obs by name"],
  orientation: [
    "--orientation <way>",
    "of a table of text: auto, genes-in-rows or samples-in-rows (default: auto)",
  ],
  out: ["--out <dir>", "run folder (default: runs/<name of the file>)"],
  layer: ["--layer <name>", "read this layer in place of X"],
  useRaw: ["--use-raw", "read raw in place of X"],
  normalize: [
    "--normalize <how>",
    "for counts: logarithms, log(1 + x), of counts per 10,000 (log1p-cp10k), per million (log1p-cpm), or by size factors of pooled samples, fitted in each fold (log1p-scran) (default: none)",
  ],
  dropUnlabelled: ["--drop-unlabelled", "leave samples without a label out"],
  encoder: [
    "--encoder <name>",
    "what the image shows: its genes (triptych, deepinsight, igtd, fotomics), or spectral: where the sample lies (default: triptych; deepinsight where a layout is chosen; published: spectral)",
  ],
  layout: [
    "--layout <map>",
    "of deepinsight: map of the genes, tsne, umap, pca or kernel-pca (default: tsne)",
  ],
  metric: ["--metric <name>", "which genes are alike: correlation, cosine, euclidean (default: correlation)"],
  placing: [
    "--placing <how>",
    "places to pixels: assignment (one gene a pixel), bins, quantiles (default: assignment; fotomics: bins)",
  ],
  values: [
    "--values <how>",
    "values to brightness: zscore, minmax, norm2, global (default: zscore; fotomics: norm2)",
  ],
  zoom: ["--zoom <n>", "pixels of the image along one side of a gene's pixel (default: 1)"],
  size: ["--size <pixels>", "side of the images, or WIDTHxHEIGHT (default: 48 of genes, 128 of places)"],
  components: ["--components <k>", "principal components (default: 50)"],
  net: [
    "--net <names>",
    "compact, resnet18, efficientnet_b0, efficientnet_lite0, mobilenet_v2, squeezenet1_1, by commas (default: compact for images of genes, else resnet18,efficientnet_b0)",
  ],
  weights: [
    "--weights <choice>",
    "pretrained, random or a file, also one a net: resnet18=random (default: pretrained)",
  ],
  genes: [
    "--genes <choice>",
    "all, or the most variable in training: variance, seurat (default: variance for images of genes, else all)",
  ],
  topGenes: ["--top-genes <n>", "how many of them (default: 2000)"],
  scale: ["--scale", "divide each gene by its standard deviation in training"],
  permuteLabels: ["--permute-labels", "deal the labels out at random: what is reached then is chance"],
  protocol: [
    "--protocol <name>",
    "inductive: all is fitted on training samples alone; published: the embedding sees all (default: inductive)",
  ],
  cv: [
    "--cv <kind>",
    "stratified, group, stratified-group, leave-one-group-out or split (default: by the columns given)",
  ],
  folds: ["--folds <k>", "folds of the cross-validation (default: 5)"],
  repeats: ["--repeats <n>", "times that the folds are drawn anew (default: 1)"],
  group: ["--group <column>", "column of obs whose samples stay together, e.g. the patient"],
  split: ["--split <column>", "column of obs with a fixed split: train and test, or names of folds"],
  validation: [
    "--validation <share>",
    "share of the training samples for early stopping and calibration (default: 0.15, or none where that is fewer than 10; published: 0)",
  ],
  epochs: ["--epochs <n>", "passes over the training samples (default: 60 for images of genes, else 5)"],
  lr: ["--lr <rate>", "learning rate of Adam (default: 0.001 for images of genes, else 0.0001)"],
  batch: ["--batch <n>", "samples a training step (default: 16 for images of genes, else 32)"],
  schedule: [
    "--schedule <name>",
    "learning rate: constant, cosine, one-cycle (default: one-cycle for images of genes, else constant)",
  ],
  weightDecay: [
    "--weight-decay <rate>",
    "decoupled weight decay, as AdamW (default: 0.01 for images of genes, else 0)",
  ],
  labelSmoothing: [
    "--label-smoothing <share>",
    "smoothing of the labels in the loss (default: 0.05 for images of genes, else 0)",
  ],
  classWeights: ["--class-weights <how>", "none, or balanced: rare classes count more (default: none)"],
  train: [
    "--train <how>",
    "standard, or saliency-guided: masking what is least salient must not change the answer (default: standard)",
  ],
  guide: [
    "--guide <what>",
    "of a guided training: what is masked, genes or pixels of the image (default: genes for images of genes, else image)",
  ],
  maskShare: ["--mask-share <share>", "of a guided training: share of it that is masked (default: 0.5)"],
  guidance: ["--guidance <weight>", "of a guided training: weight of the divergence (default: 1)"],
  freeze: ["--freeze <part>", "none, or backbone: only the last layer is trained (default: none)"],
  patience: [
    "--patience <n>",
    "stop after n epochs without a better validation loss; the best weights are taken (default: 0, never)",
  ],
  tune: ["--tune <lists>", 'choose by nested cross-validation, e.g. "lr=0.0001,0.0003;epochs=10,20"'],
  innerFolds: ["--inner-folds <k>", "folds of that inner cross-validation (default: 3)"],
  coverage: ["--coverage <share>", "share of samples whose true label is in the label set (default: 0.9)"],
  method: [
    "--method <name>",
    "how the genes that decided are found: integrated-gradients, gradient, gradient-x-input, smoothgrad, expected-gradients, grad-cam, hires-cam, occlusion (default: integrated-gradients, for spectral expected-gradients, by deletion of genes: docs/results.md)",
  ],
  class: [
    "--class <name...>",
    "classes whose genes are found (default: all; of more than 200 classes the 200 largest)",
  ],
  nulls: ["--nulls <n>", "nets trained on shuffled labels, to tell what is found by chance (default: 1)"],
  seeds: [
    "--seeds <n>",
    "nets trained with other seeds, to tell how far the genes depend on it (default: 1)",
  ],
  seed: ["--seed <n>", "seed of everything random (default: 42)"],
  threads: ["--threads <n>", "threads; the result does not depend on it (default: all cores)"],
  device: [
    "--device <name>",
    "what trains the nets: cpu, cuda, coreml, dml, webgpu (default: cpu, whose results are the same everywhere)",
  ],
  memory: [
    "--memory <gb>",
    "gigabytes that X may take in memory; a larger one is read by blocks of rows (where the format does not allow it, of a copy in TMPDIR), with the same result (default: a quarter of the machine's)",
  ],
};

export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const entry = settings[name];
    if (entry) command.addOption(new Option(...entry));
  }
  return command.option(
    "--config <file>",
    "settings from a .json or .yaml file; options on the command line go first",
  );
}

export function addOutput(command: Command): Command {
  return command
    .option("--json", "print one JSON object on stdout; all else goes to stderr")
    .option("--quiet", "print nothing but warnings and errors")
    .option("--debug", "print the stack of an error");
}

export const preprocessSettings = [
  "labels",
  "orientation",
  "layer",
  "useRaw",
  "normalize",
  "dropUnlabelled",
  "encoder",
  "layout",
  "metric",
  "placing",
  "values",
  "zoom",
  "size",
  "components",
  "genes",
  "topGenes",
  "scale",
  "permuteLabels",
] as const satisfies readonly SettingName[];

export const foldsSettings = [
  "protocol",
  "cv",
  "folds",
  "repeats",
  "group",
  "split",
  "validation",
] as const satisfies readonly SettingName[];

export const trainSettings = [
  "net",
  "weights",
  "epochs",
  "lr",
  "batch",
  "schedule",
  "weightDecay",
  "labelSmoothing",
  "classWeights",
  "train",
  "guide",
  "maskShare",
  "guidance",
  "freeze",
  "patience",
  "tune",
  "innerFolds",
  "device",
] as const satisfies readonly SettingName[];

export const explainSettings = [
  "method",
  "class",
  "nulls",
  "seeds",
] as const satisfies readonly SettingName[];

const numbers: readonly SettingName[] = [
  "topGenes",
  "zoom",
  "folds",
  "repeats",
  "validation",
  "weightDecay",
  "labelSmoothing",
  "patience",
  "innerFolds",
  "coverage",
  "nulls",
  "seeds",
  "maskShare",
  "guidance",
  "epochs",
  "lr",
  "batch",
  "seed",
  "components",
  "threads",
  "memory",
];
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The command line and, behind it, the config file as sources of settings. */
export async function sourcesOf(options: ParsedOptions, file?: string): Promise<Source[]> {
  const values: Record<string, unknown> = { file };
  for (const name of Object.keys(settings) as SettingName[]) {
    const text = options[name];
    // What is not a number stays a text, which the schema then refuses in its own words.
    values[name] =
      typeof text === "string" && numbers.includes(name) && decimal.test(text) ? Number(text) : text;
  }
  const { flagOf, readConfig } = await import("../config.js");
  const flags: Source = { values, name: (name) => (name === "file" ? "FILE" : flagOf(name)) };
  return options.config === undefined ? [flags] : [flags, await readConfig(options.config)];
}
