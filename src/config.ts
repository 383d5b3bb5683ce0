/**
 * Settings: what a run does. One schema serves the command line, a config file and the library; flags go before the
 * config file, the config file before the defaults. Defaults of the training are the published method's (five epochs, Adam
 * 1e-4, …); those of the protocol are honest ones: all is fitted on training samples alone.
 * Pure but for `readConfig`; loads nothing heavy.
 */

import { readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { z } from "zod";
import { type Device, devices } from "./devices.js";
import type { GeneMetric } from "./encode/genes/gene-vectors.js";
import { CellhueError } from "./errors.js";
import type { AttributionMethod } from "./explain/attribute.js";
import { type ImageSize, square } from "./image-size.js";
import { nearNames } from "./io/near.js";
import type { Orientation } from "./io/reader.js";
import { visible } from "./io/visible.js";
import type { NetName } from "./net/weights/layouts.js";
import type { Normalization } from "./normalize/normalize.js";
import { checkCv } from "./train/folds/check.js";
import { cvs } from "./train/folds/make-folds.js";

export const netNames = [
  "resnet18",
  "efficientnet_b0",
  "efficientnet_lite0",
  "mobilenet_v2",
  "squeezenet1_1",
  "compact",
] as const satisfies readonly NetName[];
export const encoders = ["spectral", "deepinsight", "triptych", "igtd", "fotomics"] as const;
export const attributionMethods = [
  "integrated-gradients",
  "gradient",
  "gradient-x-input",
  "smoothgrad",
  "expected-gradients",
  "grad-cam",
  "hires-cam",
  "occlusion",
] as const satisfies readonly AttributionMethod[];
/** Maps of the genes, near in which means alike. */
export const geneLayouts = ["tsne", "umap", "pca", "kernel-pca"] as const;
export const geneMetrics = ["correlation", "cosine", "euclidean"] as const satisfies readonly GeneMetric[];
/** How places of a map become pixels. */
export const genePlacings = ["bins", "quantiles", "assignment"] as const;
/** How a gene's value becomes brightness. */
export const geneValues = ["norm2", "minmax", "zscore", "global"] as const;
/** inductive: all is fitted on the training samples of each fold; published: the embedding sees all samples. */
export const protocols = ["inductive", "published"] as const;
export const geneChoices = ["all", "variance", "seurat"] as const;
export const schedules = ["constant", "cosine", "one-cycle"] as const;
export const classWeightings = ["none", "balanced"] as const;
export const trainings = ["standard", "saliency-guided"] as const;
/** What a guided training masks. */
export const guides = ["genes", "image"] as const;
export const freezings = ["none", "backbone"] as const;
export const normalizations = [
  "none",
  "log1p-cp10k",
  "log1p-cpm",
  "log1p-scran",
] as const satisfies readonly Normalization[];
export const orientations = [
  "auto",
  "genes-in-rows",
  "samples-in-rows",
] as const satisfies readonly Orientation[];

/** "pretrained" (the package's file, the cache or the hub), "random", or the path of a file. */
export type WeightsChoice = string;

export interface Settings {
  /** The expression file. */
  file: string;
  /** Column of obs that holds the classes. */
  label: string;
  /** A table of labels beside the file, joined to obs by the names of the samples. */
  labels: string | null;
  /** Which way a table of text lies. */
  orientation: (typeof orientations)[number];
  /** The run folder. */
  out: string;
  /** A layer in place of X. */
  layer: string | null;
  /** raw.X in place of X. */
  useRaw: boolean;
  normalize: (typeof normalizations)[number];
  /** Leave samples without a label out; without it they are an error. */
  dropUnlabelled: boolean;
  net: NetName[];
  encoder: (typeof encoders)[number];
  /** Of an encoder of genes: their map, what is near in it, how places become pixels, how values become brightness. */
  layout: (typeof geneLayouts)[number];
  metric: GeneMetric;
  placing: (typeof genePlacings)[number];
  values: (typeof geneValues)[number];
  /** Pixels of the image along one side of a gene's pixel. */
  zoom: number;
  protocol: (typeof protocols)[number];
  /** Genes that the embedding is made of: all, or the most variable ones, chosen in training. */
  genes: (typeof geneChoices)[number];
  /** How many, where not all. */
  topGenes: number;
  /** Each gene divided by its standard deviation in training. */
  scale: boolean;
  /** How samples are dealt to folds. */
  cv: (typeof cvs)[number];
  folds: number;
  /** Times that the folds are drawn anew. */
  repeats: number;
  /** Column of obs whose samples stay together: patient, donor, plate. */
  group: string | null;
  /** Column of obs that holds a fixed split. */
  split: string | null;
  /** Share of each fold's training samples that is kept for early stopping and calibration. */
  validation: number;
  epochs: number;
  /** Learning rate of Adam. */
  lr: number;
  batch: number;
  /** How the learning rate goes over the steps. */
  schedule: (typeof schedules)[number];
  /** Decoupled weight decay (AdamW). */
  weightDecay: number;
  labelSmoothing: number;
  classWeights: (typeof classWeightings)[number];
  /** saliency-guided: the answer must not change where what is least salient is masked (Ismail 2021). */
  train: (typeof trainings)[number];
  /** Of a guided training: what is masked, genes (and the image painted again) or pixels. */
  guide: (typeof guides)[number];
  /** Of a guided training: the share of the genes or pixels that is masked, and the weight of the divergence. */
  maskShare: number;
  guidance: number;
  /** What is not trained. */
  freeze: (typeof freezings)[number];
  /** Epochs without a better validation loss after which a training stops; 0: it goes on. */
  patience: number;
  /** Values of settings to choose from by nested cross-validation, e.g. { lr: [1e-4, 3e-4] }. */
  tune: Tuning;
  /** Folds of the inner cross-validation that chooses. */
  innerFolds: number;
  /** Of the images. */
  size: ImageSize;
  seed: number;
  /** Principal components. */
  components: number;
  /** One choice for each net of `net`. */
  weights: Partial<Record<NetName, WeightsChoice>>;
  /** Share of samples whose true label is to be in a label set. */
  coverage: number;
  /** Labels dealt out at random: what is then reached is chance. */
  permuteLabels: boolean;
  /** How the genes that decided are found. */
  method: AttributionMethod;
  /** Classes whose genes are found; none named: all, or of more than 200 the 200 largest. */
  class: string[];
  /** Nets trained on shuffled labels, to tell what the method finds by chance. */
  nulls: number;
  /** Nets of a fold trained with other seeds, to tell how far its genes depend on that. */
  seeds: number;
  /** 0: as many as the machine has cores. Results do not depend on it. */
  threads: number;
  /** What trains the nets. */
  device: Device;
  /** Gigabytes that X may take in memory; 0: a quarter of the machine's. Results do not depend on it. */
  memory: number;
}

/** Settings of the machine, not of the result: any stage takes them at any time. */
export const machineSettings = ["threads", "memory"] as const;

/** The settings that nested cross-validation can choose. */
export const tunable = ["lr", "epochs", "weightDecay", "labelSmoothing"] as const;
export type Tuning = Partial<Record<(typeof tunable)[number], number[]>>;

/** Settings as a user gives them: any part, one choice of weights for all nets or one a net. */
export type SettingsInput = Partial<Omit<Settings, "weights" | "net" | "tune" | "size" | "class">> & {
  /** One side of a square, "WIDTHxHEIGHT", or both. */
  size?: number | string | ImageSize;
  net?: string | readonly string[];
  class?: string | readonly string[];
  weights?: string | Record<string, string>;
  tune?: string | Tuning;
};

export type SettingName = keyof Settings;

/** What each number may be. */
const whole = (low: number, high: number) => ({
  schema: z.number().int().min(low).max(high),
  expected: `a whole number from ${low} to ${high}`,
});
const share = (high: number) => ({
  schema: z.number().min(0).max(high),
  expected: `a number from 0 to ${high}`,
});
const side = z.number().int().min(8).max(1024);
const column = { schema: z.string().min(1).nullable(), expected: "the name of a column of obs" };
const text = { schema: z.string().min(1), expected: "a text" };
const truth = { schema: z.boolean(), expected: "true or false" };
const oneOf = <const T extends readonly string[]>(values: T) => ({
  schema: z.enum(values),
  expected: values.length === 1 ? `'${values[0]}'` : `one of ${values.join(", ")}`,
  values: values as readonly string[],
});

const rules = {
  file: text,
  label: text,
  labels: { schema: z.string().min(1).nullable(), expected: "the path of a table" },
  orientation: oneOf(orientations),
  out: text,
  layer: { schema: z.string().min(1).nullable(), expected: "the name of a layer" },
  useRaw: truth,
  normalize: oneOf(normalizations),
  dropUnlabelled: truth,
  net: {
    schema: z.array(z.enum(netNames)).min(1),
    expected: `nets out of ${netNames.join(", ")}`,
    values: netNames,
  },
  encoder: oneOf(encoders),
  layout: oneOf(geneLayouts),
  metric: oneOf(geneMetrics),
  placing: oneOf(genePlacings),
  values: oneOf(geneValues),
  zoom: whole(1, 64),
  protocol: oneOf(protocols),
  genes: oneOf(geneChoices),
  topGenes: whole(2, 1_000_000),
  scale: truth,
  cv: oneOf(cvs),
  folds: whole(2, 100),
  repeats: whole(1, 100),
  group: column,
  split: column,
  validation: share(0.5),
  epochs: whole(1, 10_000),
  lr: { schema: z.number().positive().max(10), expected: "a number above 0, at most 10" },
  batch: whole(2, 1024),
  schedule: oneOf(schedules),
  weightDecay: share(10),
  labelSmoothing: share(0.9),
  classWeights: oneOf(classWeightings),
  train: oneOf(trainings),
  guide: oneOf(guides),
  maskShare: share(0.99),
  guidance: share(1000),
  freeze: oneOf(freezings),
  patience: whole(0, 10_000),
  tune: {
    schema: z.partialRecord(z.enum(tunable), z.array(z.number()).min(1)),
    expected: `values of ${tunable.join(", ")} to choose from, as lr=0.0001,0.0003;epochs=10,20`,
  },
  innerFolds: whole(2, 20),
  size: {
    schema: z.preprocess(parseSize, z.strictObject({ height: side, width: side })),
    expected: "a side of 8 to 1024 pixels, or WIDTHxHEIGHT",
  },
  seed: whole(0, 4_294_967_295),
  components: whole(2, 1000),
  weights: {
    schema: z.record(z.string(), z.string().min(1)),
    expected: "pretrained, random or a file, for all nets or as resnet18=random,efficientnet_b0=pretrained",
  },
  coverage: { schema: z.number().min(0.5).max(0.999), expected: "a number from 0.5 to 0.999" },
  permuteLabels: truth,
  method: oneOf(attributionMethods),
  class: { schema: z.array(z.string().min(1)), expected: "names of classes" },
  nulls: whole(0, 100),
  seeds: whole(0, 100),
  threads: whole(0, 256),
  device: oneOf(devices),
  memory: { schema: z.number().min(0).max(1e6), expected: "gigabytes, 0 or more" },
} satisfies Record<SettingName, { schema: z.ZodType; expected: string; values?: readonly string[] }>;

export const settingNames = Object.keys(rules) as SettingName[];

/**
 * What stands where nothing is said. `label` has no default; `out` follows from the file, `cv` from the columns given,
 * `validation` from the protocol, picture, training and the way to the genes from the encoder.
 */
export const defaults = {
  labels: null,
  orientation: "auto",
  layer: null,
  useRaw: false,
  normalize: "none",
  dropUnlabelled: false,
  protocol: "inductive",
  topGenes: 2000,
  scale: false,
  folds: 5,
  repeats: 1,
  group: null,
  split: null,
  classWeights: "none",
  train: "standard",
  maskShare: 0.5,
  guidance: 1,
  freeze: "none",
  patience: 0,
  tune: {},
  innerFolds: 3,
  seed: 42,
  components: 50,
  coverage: 0.9,
  permuteLabels: false,
  class: [],
  nulls: 1,
  seeds: 1,
  threads: 0,
  device: "cpu",
  memory: 0,
} as const satisfies Partial<Settings>;

/** A setting's name as a flag: dropUnlabelled → --drop-unlabelled. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Where a value came from: for the messages. */
export interface Source {
  values: Readonly<Record<string, unknown>>;
  /** How the source names a setting, e.g. "--lr" or "config.yaml: lr". */
  name: (setting: string) => string;
}

/** What a caller of the library gives. */
export const callSource = (values: SettingsInput): Source => ({
  values: { ...values },
  name: (s) => `settings.${s}`,
});

/**
 * Makes settings out of sources, the first one going before the others.
 * @param base what stands where no source speaks: the defaults, or the settings of a run folder
 * @throws CellhueError for an unknown name, a value out of its range, a missing file or label
 */
export function resolveSettings(sources: readonly Source[], base: Partial<Settings> = {}): Settings {
  const values: Record<string, unknown> = { ...defaults, weights: undefined, ...base };
  const given = new Map<SettingName, string>();
  for (const source of sources) {
    for (const [key, value] of Object.entries(source.values)) {
      if (value === undefined) continue;
      const name = settingName(key, source);
      if (given.has(name)) continue;
      given.set(name, source.name(key));
      values[name] = value;
    }
  }
  const called = (name: SettingName) => given.get(name) ?? flagOf(name);
  if (values.file === undefined) {
    throw new CellhueError("no file is given", {
      expected: "an expression file (.h5ad)",
      remedy: "cellhue run FILE --label COLUMN",
    });
  }
  if (values.label === undefined) {
    throw new CellhueError("no label column is given: which column of obs holds the classes?", {
      where: called("label"),
      remedy: ["--label COLUMN", `cellhue inspect ${shown(values.file)} lists the columns`],
    });
  }
  // The published protocol is that of the published picture.
  const usual = (of: Record<string, unknown>) => (of.protocol === "published" ? "spectral" : "triptych");
  const chosen = base.encoder !== undefined && base.encoder !== usual(base);
  // A layout is chosen for deepinsight alone: the others have theirs.
  if (!given.has("encoder") && !chosen)
    values.encoder = given.has("layout") && usual(values) === "triptych" ? "deepinsight" : usual(values);
  const derived = derivedFrom(values);
  const before = derivedFrom(base);
  for (const name of Object.keys(derived) as (keyof typeof derived)[]) {
    // What followed from settings that now change follows from the new ones, unless it was asked for.
    const follows = !given.has(name) && JSON.stringify(before[name]) === JSON.stringify(base[name]);
    if (values[name] === undefined || follows) values[name] = derived[name];
  }

  if (typeof values.class === "string") values.class = [values.class];
  if (typeof values.net === "string") values.net = splitList(values.net);
  if (!Array.isArray(values.net)) throw outOfRange("net", called("net"), values.net);
  const nets = checkNets(values.net, called("net"));
  values.net = nets;
  values.weights = eachWeights(values.weights, nets, given, called("weights"));
  values.out ??= defaultOut(values.file);
  values.tune = parseTuning(values.tune);

  const settings: Record<string, unknown> = {};
  for (const name of settingNames) {
    const rule = rules[name];
    const result = rule.schema.safeParse(values[name]);
    if (!result.success) throw outOfRange(name, called(name), values[name]);
    settings[name] = result.data;
  }
  if (settings.useRaw && settings.layer !== null) {
    throw new CellhueError("a layer and raw cannot both stand in for X", {
      where: `${called("layer")}, ${called("useRaw")}`,
      remedy: "give one of the two",
    });
  }
  checkCv(settings as unknown as Settings);
  requireTogether(settings as unknown as Settings, called);
  return settings as unknown as Settings;
}

/** Settings that need each other. */
function requireTogether(
  { patience, validation, tune, size, zoom, encoder }: Settings,
  called: (name: SettingName) => string,
): void {
  if (patience > 0 && validation === 0)
    throw new CellhueError("stopping early needs validation samples", {
      where: called("patience"),
      found: `${called("validation")} 0`,
      remedy: "--validation 0.15",
    });
  if (encoder !== "spectral" && (size.height % zoom !== 0 || size.width % zoom !== 0))
    throw new CellhueError("the image cannot be enlarged from whole pixels", {
      where: `${called("size")}, ${called("zoom")}`,
      found: `${size.width} × ${size.height} pixels, enlarged ${zoom} times`,
      expected: "sides that are multiples of the zoom",
      remedy: `--size ${Math.ceil(size.width / zoom) * zoom}x${Math.ceil(size.height / zoom) * zoom}`,
    });
  for (const [name, values] of Object.entries(tune) as [keyof Tuning, number[]][])
    for (const value of values)
      if (!rules[name].schema.safeParse(value).success)
        throw new CellhueError(`${called("tune")} does not take this value of ${name}`, {
          where: called("tune"),
          found: String(value),
          expected: rules[name].expected,
        });
}

/** The settings that follow from others where they are not given. */
function derivedFrom({ split, group, protocol, encoder }: Record<string, unknown>): Derived {
  const given = (value: unknown) => value !== null && value !== undefined;
  return {
    cv: given(split) ? "split" : given(group) ? "stratified-group" : "stratified",
    validation: defaultValidation(protocol),
    ...recipes[encoders.find((name) => name === encoder) ?? "spectral"],
  };
}

type Derived = Pick<Settings, "cv" | "validation"> & Recipe;

/** Picture, training and the way from the score to the genes, which belong together. */
type Recipe = Pick<
  Settings,
  | "layout"
  | "metric"
  | "placing"
  | "values"
  | "zoom"
  | "genes"
  | "net"
  | "size"
  | "epochs"
  | "lr"
  | "batch"
  | "schedule"
  | "weightDecay"
  | "labelSmoothing"
  | "guide"
  | "method"
>;

/** What does best on held-out samples of small sets: docs/results.md. */
const triptych: Recipe = {
  layout: "tsne",
  metric: "correlation",
  placing: "assignment",
  values: "zscore",
  zoom: 1,
  genes: "variance",
  net: ["compact"],
  size: square(48),
  epochs: 60,
  lr: 1e-3,
  batch: 16,
  schedule: "one-cycle",
  weightDecay: 0.01,
  labelSmoothing: 0.05,
  guide: "genes",
  method: "integrated-gradients",
};
/** The published training (METHOD §2); the picture has no use for the settings of genes. */
const spectral: Recipe = {
  ...triptych,
  genes: "all",
  net: ["resnet18", "efficientnet_b0"],
  size: square(128),
  epochs: 5,
  lr: 1e-4,
  batch: 32,
  schedule: "constant",
  weightDecay: 0,
  labelSmoothing: 0,
  guide: "image",
  // A gene moves the sample's place in the picture: from the one place of the mean there is hardly a way to follow.
  method: "expected-gradients",
};
/** What stands for each encoder where nothing else is said. */
const recipes: Record<Settings["encoder"], Recipe> = {
  spectral,
  deepinsight: triptych,
  triptych,
  igtd: triptych,
  fotomics: { ...triptych, placing: "bins", values: "norm2" },
};

/** About one sample in seven: enough to set a temperature by, where classes are not tiny. */
export const defaultValidation = (protocol: unknown): number => (protocol === "published" ? 0 : 0.15);

/** "lr=0.0001,0.0003;epochs=10,20" as { lr: […], epochs: […] }; what does not parse is left for the schema to refuse. */
function parseTuning(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const parts = value
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => /^([a-z-]+)=(.+)$/i.exec(part));
  if (!parts.every((part) => part !== null)) return value;
  return Object.fromEntries(
    parts.map(([, name, list]) => [
      name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      list.split(",").map((v) => (v.trim() === "" ? Number.NaN : Number(v))),
    ]),
  );
}

/** 128, "128" or "128x96" (width first) as height and width; what does not parse is left for the schema to refuse. */
function parseSize(value: unknown): unknown {
  if (typeof value === "number") return square(value);
  const sides = typeof value === "string" ? /^\s*(\d+)(?:\s*[x×]\s*(\d+))?\s*$/i.exec(value) : null;
  return sides === null ? value : { height: Number(sides[2] ?? sides[1]), width: Number(sides[1]) };
}

/** runs/<stem of the file>. */
function defaultOut(file: unknown): string {
  const name = basename(String(file));
  const stem = name.slice(0, name.length - extname(name).length) || name;
  return join("runs", stem);
}

function settingName(key: string, source: Source): SettingName {
  const camel = key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(rules, camel)) return camel as SettingName;
  const close = nearNames(camel, settingNames);
  throw new CellhueError(`there is no setting '${shown(key)}'`, {
    where: source.name(key),
    expected: close.length > 0 ? undefined : settingNames.join(", "),
    remedy: close.length > 0 ? `perhaps ${close.join(" or ")}` : undefined,
  });
}

function outOfRange(name: SettingName, where: string, value: unknown): CellhueError {
  const rule: { expected: string; values?: readonly string[] } = rules[name];
  const close = typeof value === "string" && rule.values ? nearNames(value, rule.values) : [];
  return new CellhueError(`${where} does not take this value`, {
    where,
    found: value === undefined ? "nothing" : shown(typeof value === "string" ? value : JSON.stringify(value)),
    expected: rule.expected,
    remedy: close.length > 0 ? `perhaps ${close.join(" or ")}` : undefined,
  });
}

function checkNets(list: readonly unknown[], where: string): NetName[] {
  const nets: NetName[] = [];
  for (const item of list) {
    const net = netNames.find((known) => known === item);
    if (net === undefined) {
      const close = nearNames(String(item), netNames);
      throw new CellhueError(`there is no net '${shown(item)}'`, {
        where,
        found: shown(list.join(",")),
        expected: `nets out of ${netNames.join(", ")}`,
        remedy: close.length > 0 ? `perhaps ${close.join(" or ")}` : undefined,
      });
    }
    if (nets.includes(net)) {
      throw new CellhueError(`the net '${net}' is named twice`, {
        where,
        found: shown(list.join(",")),
        remedy: `${where} ${[...new Set(list)].join(",")}`,
      });
    }
    nets.push(net);
  }
  return nets;
}

/** One choice a net: from one for all, from a list of net=choice, from a record, or pretrained. */
function eachWeights(
  value: unknown,
  nets: readonly NetName[],
  given: ReadonlyMap<SettingName, string>,
  where: string,
): unknown {
  const choices: Record<string, unknown> = Object.create(null); // names come from a file
  if (typeof value === "string") {
    // A path may hold a comma or an equals sign; a list is one where each part begins with the name of a net.
    const parts = splitList(value).map((part) => /^([a-z]\w*)=(.+)$/s.exec(part));
    if (value.includes("=") && parts.every((part) => part !== null)) {
      for (const part of parts) choices[part[1]] = part[2];
    } else {
      // Said for all, "pretrained" is meant for those that there are weights of.
      for (const net of nets) if (value !== "pretrained" || net !== "compact") choices[net] = value;
    }
  } else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    Object.assign(choices, value);
  } else if (value !== undefined) {
    return value; // the schema refuses it
  }
  for (const net of Object.keys(choices)) {
    if ((nets as readonly string[]).includes(net)) continue;
    // Choices of a run folder's or config's earlier nets are no mistake of the one who now names other nets.
    const known = netNames.some((name) => name === net);
    if (known && !given.has("weights")) {
      delete choices[net];
      continue;
    }
    const close = nearNames(net, nets);
    throw new CellhueError(`weights are given for '${shown(net)}', which is not among the nets`, {
      where,
      expected: `one of ${nets.join(", ")}`,
      remedy:
        close.length > 0 && !known
          ? `perhaps ${close.join(" or ")}`
          : `add it to --net, or leave it out of --weights`,
    });
  }
  return Object.fromEntries(
    nets.map((net) => [net, choices[net] ?? (net === "compact" ? "random" : "pretrained")]),
  );
}

const splitList = (value: string) =>
  value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const shown = (value: unknown) => visible(String(value), 120);

const maxConfigBytes = 1 << 20;

/**
 * Reads a config file (.json, .yaml, .yml): a flat mapping of setting names.
 * @throws CellhueError where there is no such file, or it does not parse, or is not a mapping
 */
export async function readConfig(path: string): Promise<Source> {
  let source: string;
  try {
    const { size } = await stat(path);
    if (size > maxConfigBytes) {
      throw new CellhueError("the config file is too large", {
        where: path,
        found: `${size} bytes`,
        expected: `at most ${maxConfigBytes} bytes of settings`,
      });
    }
    source = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof CellhueError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new CellhueError(
      code === "ENOENT" ? "there is no such config file" : "the config file cannot be read",
      {
        where: path,
        found: code,
        cause,
      },
    );
  }
  const parsed =
    extname(path).toLowerCase() === ".json" ? parseJson(source, path) : await parseYaml(source, path);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new CellhueError("the config file holds no settings", {
      where: path,
      found: parsed === null ? "nothing" : Array.isArray(parsed) ? "a list" : `a ${typeof parsed}`,
      expected: "a mapping of settings, e.g. 'label: cell_type'",
    });
  }
  return { values: parsed as Record<string, unknown>, name: (setting) => `${path}: ${setting}` };
}

function parseJson(source: string, path: string): unknown {
  try {
    return JSON.parse(source.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new CellhueError("the config file is not JSON", {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

/** Settings lie two deep; the parser of YAML breaks down, process and all, over some ten thousand. */
const maxDepth = 64;

function requireFlat(source: string, path: string): void {
  let depth = 0;
  let deepest = 0;
  for (const sign of source) {
    if (sign === "[" || sign === "{") deepest = Math.max(deepest, ++depth);
    else if (sign === "]" || sign === "}") depth = Math.max(0, depth - 1);
  }
  for (const line of source.split("\n")) {
    const [indent] = /^[\s?:-]*/.exec(line) ?? [""];
    deepest = Math.max(deepest, indent.length / 2);
  }
  if (deepest <= maxDepth) return;
  throw new CellhueError("the config file is nested too deeply", {
    where: path,
    found: `${Math.floor(deepest)} levels`,
    expected: "a flat mapping of settings, e.g. 'label: cell_type'",
  });
}

async function parseYaml(source: string, path: string): Promise<unknown> {
  requireFlat(source, path);
  const { parseDocument } = await import("yaml");
  const document = parseDocument(source, { schema: "core", uniqueKeys: true, logLevel: "error" });
  const [error] = document.errors;
  if (error) {
    throw new CellhueError("the config file is not YAML", {
      where: path,
      found: error.message.split("\n")[0],
      cause: error,
    });
  }
  try {
    // Settings need no aliases; a few do no harm, a bomb of them does.
    return document.toJS({ maxAliasCount: 20 });
  } catch (cause) {
    throw new CellhueError("the config file cannot be resolved", {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "plain values, with few or no aliases",
      cause,
    });
  }
}
