/**
 * Settings: what a run does. One schema serves the command line, a config file and the library; flags go before the
 * config file, the config file before the defaults. Defaults are the published method's (five epochs, Adam 1e-4, …).
 * Pure but for `readConfig`; loads nothing heavy.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { z } from "zod";
import { CellhueError } from "./errors.js";
import { nearNames } from "./io/near.js";
import { visible } from "./io/visible.js";
import type { NetName } from "./net/weights/layouts.js";

export const netNames = [
  "resnet18",
  "efficientnet_b0",
  "efficientnet_lite0",
] as const satisfies readonly NetName[];
export const encoders = ["spectral"] as const;
export const protocols = ["published"] as const;
export const normalizations = ["none", "log1p-cp10k"] as const;

/** "pretrained" (the package's file, the cache or the hub), "random", or the path of a file. */
export type WeightsChoice = string;

export interface Settings {
  /** The expression file. */
  file: string;
  /** Column of obs that holds the classes. */
  label: string;
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
  protocol: (typeof protocols)[number];
  folds: number;
  epochs: number;
  /** Learning rate of Adam. */
  lr: number;
  batch: number;
  /** Side of the images in pixels. */
  size: number;
  seed: number;
  /** Principal components. */
  components: number;
  /** One choice for each net of `net`. */
  weights: Partial<Record<NetName, WeightsChoice>>;
  /** 0: as many as the machine has cores. Results do not depend on it. */
  threads: number;
}

/** Settings as a user gives them: any part, one choice of weights for all nets or one a net. */
export type SettingsInput = Partial<Omit<Settings, "weights" | "net">> & {
  net?: string | readonly string[];
  weights?: string | Record<string, string>;
};

export type SettingName = keyof Settings;

/** What each number may be. */
const whole = (low: number, high: number) => ({
  schema: z.number().int().min(low).max(high),
  expected: `a whole number from ${low} to ${high}`,
});
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
  protocol: oneOf(protocols),
  folds: whole(2, 100),
  epochs: whole(1, 10_000),
  lr: { schema: z.number().positive().max(10), expected: "a number above 0, at most 10" },
  batch: whole(2, 1024),
  size: whole(8, 1024),
  seed: whole(0, 4_294_967_295),
  components: whole(2, 1000),
  weights: {
    schema: z.record(z.string(), z.string().min(1)),
    expected: "pretrained, random or a file, for all nets or as resnet18=random,efficientnet_b0=pretrained",
  },
  threads: whole(0, 256),
} satisfies Record<SettingName, { schema: z.ZodType; expected: string; values?: readonly string[] }>;

export const settingNames = Object.keys(rules) as SettingName[];

/** What stands where nothing is said. `label` has no default; `out` follows from the file. */
export const defaults = {
  layer: null,
  useRaw: false,
  normalize: "none",
  dropUnlabelled: false,
  net: ["resnet18", "efficientnet_b0"],
  encoder: "spectral",
  protocol: "published",
  folds: 5,
  epochs: 5,
  lr: 1e-4,
  batch: 32,
  size: 128,
  seed: 42,
  components: 50,
  threads: 0,
} as const satisfies Partial<Omit<Settings, "net">> & { net: readonly NetName[] };

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
  if (typeof values.net === "string") values.net = splitList(values.net);
  if (!Array.isArray(values.net)) throw outOfRange("net", called("net"), values.net);
  const nets = checkNets(values.net, called("net"));
  values.net = nets;
  values.weights = eachWeights(values.weights, nets, given, called("weights"));
  values.out ??= defaultOut(values.file);

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
  return settings as unknown as Settings;
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
      for (const net of nets) choices[net] = value;
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
  return Object.fromEntries(nets.map((net) => [net, choices[net] ?? "pretrained"]));
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

async function parseYaml(source: string, path: string): Promise<unknown> {
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
