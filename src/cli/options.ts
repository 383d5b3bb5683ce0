/** The options of the commands: each setting once, so that help and names agree everywhere. */
import { type Command, Option } from "commander";
import type { SettingName, Source } from "../config.js";
import type { OutputOptions } from "./execute.js";

/** Parsed options of any command: settings by name, as texts or true, and those of the output. */
export type ParsedOptions = OutputOptions & { config?: string } & Partial<Record<SettingName, string | true>>;

const settings: Partial<Record<SettingName, readonly [flags: string, help: string]>> = {
  label: ["--label <column>", "column of obs that holds the classes"],
  out: ["--out <dir>", "run folder (default: runs/<name of the file>)"],
  layer: ["--layer <name>", "read this layer in place of X"],
  useRaw: ["--use-raw", "read raw in place of X"],
  normalize: ["--normalize <how>", "none or log1p-cp10k, for counts (default: none)"],
  dropUnlabelled: ["--drop-unlabelled", "leave samples without a label out"],
  encoder: ["--encoder <name>", "how a sample becomes an image: spectral (default)"],
  size: ["--size <pixels>", "side of the images (default: 128)"],
  components: ["--components <k>", "principal components (default: 50)"],
  net: ["--net <names>", "resnet18, efficientnet_b0, efficientnet_lite0, by commas (default: the first two)"],
  weights: [
    "--weights <choice>",
    "pretrained, random or a file, also one a net: resnet18=random (default: pretrained)",
  ],
  protocol: ["--protocol <name>", "how samples are split: published (default)"],
  folds: ["--folds <k>", "folds of the cross-validation (default: 5)"],
  epochs: ["--epochs <n>", "passes over the training samples (default: 5)"],
  lr: ["--lr <rate>", "learning rate of Adam (default: 0.0001)"],
  batch: ["--batch <n>", "samples a training step (default: 32)"],
  seed: ["--seed <n>", "seed of everything random (default: 42)"],
  threads: ["--threads <n>", "threads; the result does not depend on it (default: all cores)"],
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
  "layer",
  "useRaw",
  "normalize",
  "dropUnlabelled",
  "encoder",
  "size",
  "components",
] as const satisfies readonly SettingName[];

export const trainSettings = [
  "net",
  "weights",
  "protocol",
  "folds",
  "epochs",
  "lr",
  "batch",
] as const satisfies readonly SettingName[];

const numbers: readonly SettingName[] = [
  "folds",
  "epochs",
  "lr",
  "batch",
  "size",
  "seed",
  "components",
  "threads",
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
