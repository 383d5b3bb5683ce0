/**
 * The run folder: run.json (schema "cellhue.run/1") says what the run is made of and how far each stage is.
 *
 * A stage has a fingerprint: the SHA-256 of its settings and of the fingerprints of the stages it builds on. A stage
 * that is done under the same fingerprint is not run again; one that was cut off continues; one whose settings have
 * changed starts anew, and what was built on its old output is removed, so that no file in the folder is out of date.
 * Files are written atomically and one process at a time holds the folder, so a kill at any moment does no harm.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, readdir, readFile, realpath, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { z } from "zod";
import { resolveSettings, type SettingName, type Settings } from "../config.js";
import { CellhueError } from "../errors.js";
import {
  type AtomicOptions,
  diskError,
  sweepTemporary,
  writeFileAtomic,
  writePiecesAtomic,
} from "./atomic.js";
import { type HeldLock, lock, lockName, refuseLocked } from "./lock.js";
import type { XInfo } from "./reader.js";

import { shellWord, visible } from "./visible.js";

export const runSchema = "cellhue.run/1";

export interface InputRecord {
  /** Absolute path at the time of the run. */
  path: string;
  sha256: string;
  bytes: number;
  /** Shape of the file. */
  samples: number;
  genes: number;
  /** Samples left out for want of a label. */
  dropped: number;
  /** Which matrix it is and how the file stores it. */
  x: XInfo;
  /** What it seems to hold, with the evidence. */
  state: string | null;
}

export interface ClassRecord {
  /** The label as the file has it. */
  name: string;
  /** Its folder under benchmarking/. */
  folder: string;
  count: number;
}

export const stageNames = [
  "preprocess",
  "folds",
  "baselines",
  "train",
  "compare",
  "saliency",
  "explain",
  "audit",
  "report",
] as const;
export type StageName = (typeof stageNames)[number];

export interface StageState {
  state: "started" | "done";
  fingerprint: string;
  /** The settings it depends on, as they were. */
  settings: Record<string, unknown>;
  seconds?: number;
  /** Paths within the run folder. */
  outputs?: string[];
  /** SHA-256 of those of them that later stages read as text; a table that was saved again by a spreadsheet shows. */
  sums?: Record<string, string>;
  /** What the stage found out that later stages or readers want to know. */
  info?: Record<string, unknown>;
}

export interface RunRecord {
  schema: typeof runSchema;
  cellhue: string;
  created: string;
  input: InputRecord;
  settings: Settings;
  classes: ClassRecord[];
  versions: Record<string, string>;
  stages: Partial<Record<StageName, StageState>>;
}

/** What a new run is made of. */
export type RunStart = Pick<RunRecord, "input" | "settings" | "classes" | "versions">;

interface StageRule {
  /** Raised by one whenever the stage's output changes for the same settings. */
  version: number;
  after: readonly StageName[];
  /** Of these, the ones that the stage's command does itself where they are not done: they take seconds. */
  along?: readonly StageName[];
  settings: readonly SettingName[];
  /** What it writes: folders and files, as tests on paths within the run folder. */
  writes: readonly RegExp[];
}

const figure = (name: string) => new RegExp(`^figures/${name}\\.(svg|png)$`);

const rules: Record<StageName, StageRule> = {
  preprocess: {
    version: 3,
    after: [],
    settings: [
      "orientation",
      "layer",
      "useRaw",
      "normalize",
      "dropUnlabelled",
      "permuteLabels",
      "encoder",
      "layout",
      "metric",
      "placing",
      "values",
      "zoom",
      "genes",
      "topGenes",
      "scale",
      "size",
      "seed",
      "components",
    ],
    writes: [
      /^benchmarking$/,
      /^work$/,
      /^(embedding|genes|genes_pixels)\.csv$/,
      /^encoders\/all$/,
      figure("Figure_(1|combined_tumor|genes_pixel)"),
    ],
  },
  folds: {
    version: 1,
    after: ["preprocess"],
    settings: ["protocol", "cv", "folds", "repeats", "group", "split", "validation", "seed"],
    writes: [/^splits\.csv$/, /^encoders\/(\d+|final|baselines)$/],
  },
  baselines: {
    version: 1,
    after: ["folds"],
    settings: [],
    writes: [/^baselines$/, /^oof_baseline_\w+\.csv$/],
  },
  train: {
    version: 3,
    after: ["folds"],
    along: ["folds"],
    settings: [
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
      "seed",
    ],
    writes: [/^folds$/, /^oof_(?!baseline_)\w+\.csv$/],
  },
  compare: {
    version: 2,
    after: ["train", "baselines"],
    along: ["baselines"],
    settings: ["coverage"],
    writes: [
      /^metrics\.json$/,
      figure("(training_history|confusion_matrix_avg|reliability|risk_coverage)(_\\w+)?"),
    ],
  },
  saliency: {
    version: 2,
    after: ["compare"],
    along: ["compare"],
    settings: [],
    writes: [/^final$/, /^model_final\.onnx$/, figure("Figure_Saliency_\\d+")],
  },
  explain: {
    version: 2,
    after: ["compare"],
    along: ["compare"],
    settings: ["method", "class", "nulls", "seeds"],
    writes: [/^genes$/, /^genes\.json$/, figure("(Figure_Genes_\\d+|genes_heatmap|genes_deletion)")],
  },
  audit: {
    version: 1,
    after: ["compare"],
    settings: [],
    writes: [/^audit$/, /^audit\.json$/],
  },
  report: {
    version: 2,
    after: ["compare", "saliency", "explain"],
    settings: [],
    writes: [/^report\.html$/, figure("(images_by_class|embedding_\\w+|fold_scores|scores|audit_inflation)")],
  },
};

/** The settings that a stage's command takes: those that its result depends on, and the result of what it does along. */
export const stageSettings = (stage: StageName): readonly SettingName[] => [
  ...rules[stage].settings,
  ...stagesAlong(stage).flatMap((name) => rules[name].settings),
];

/** The stages that a stage's command does first where they are not done, in order. */
export const stagesAlong = (stage: StageName): readonly StageName[] =>
  (rules[stage].along ?? []).flatMap((name) => [...stagesAlong(name), name]);

/** What may lie in a folder that counts as empty: traces of a run killed at its birth, and of file managers. */
const trifles = /^(run\.lock|\.DS_Store|Thumbs\.db|desktop\.ini)$|\.cellhue-tmp$/;

export class RunFolder {
  /** Absolute path. */
  readonly root: string;
  private readonly clocks = new Map<StageName, number>();

  /** @param held undefined for one that only reads */
  private constructor(
    root: string,
    private state: RunRecord,
    private readonly held: HeldLock | undefined,
  ) {
    this.root = root;
  }

  /** The stage in which the process before this one was ended without giving the folder back: killed, or by its own memory. */
  get cutOff(): StageName | undefined {
    if (this.held?.inherited !== true) return undefined;
    return stageNames.find((name) => this.state.stages[name]?.state === "started");
  }

  /** run.json as it stands. */
  get record(): Readonly<RunRecord> {
    return this.state;
  }

  /**
   * What is at a place where a run shall go: a run's record, or undefined where the place is free.
   * @throws CellhueError where something else is there, or a run that is going on
   */
  static async look(root: string): Promise<RunRecord | undefined> {
    const path = resolve(root);
    const entries = await readdir(path).catch((error: unknown) => {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT") return undefined;
      throw diskError(error, path);
    });
    if (entries === undefined || entries.every((name) => trifles.test(name))) {
      if (entries?.includes(lockName)) await refuseLocked(path);
      return undefined;
    }
    if (!entries.includes("run.json")) {
      const shown = entries.slice(0, 3).join(", ");
      throw new CellhueError("the output folder holds something that is not a run of cellhue", {
        where: path,
        found: `${entries.length} entries: ${shown}${entries.length > 3 ? ", …" : ""}`,
        expected: "no such folder, an empty one, or the same run, which is then continued",
        remedy: "choose another folder with --out",
      });
    }
    await refuseLocked(path);
    return readRecord(path);
  }

  /**
   * Makes the folder of a new run, or opens that of the same one (same input, same label) with the settings now given.
   * @throws CellhueError where the folder holds another run (both are named) or anything else
   */
  static async create(root: string, start: RunStart): Promise<RunFolder> {
    const path = resolve(root);
    const found = await RunFolder.look(path);
    if (found !== undefined) requireSameRun(found, start, path);
    let made: string | undefined;
    try {
      made = await mkdir(path, { recursive: true });
      const held = await lock(path);
      try {
        await requireNoWayOut(path);
        await sweepTemporary(path);
        const record: RunRecord = {
          schema: runSchema,
          cellhue: start.versions.cellhue ?? "",
          created: found?.created ?? new Date().toISOString(),
          ...start,
          stages: found?.stages ?? {},
        };
        const run = new RunFolder(path, record, held);
        await run.save();
        return run;
      } catch (error) {
        held.release();
        throw error;
      }
    } catch (error) {
      // A folder that could not even take run.json is not left behind; one that another run has taken meanwhile is.
      if (made !== undefined) await removeEmpty(path, made);
      throw diskError(error, path);
    }
  }

  /**
   * Opens the folder of a run for one more stage.
   * @param options shared: to read only, beside whoever holds it
   */
  static async open(root: string, { shared = false } = {}): Promise<RunFolder> {
    const path = resolve(root);
    const record = await readRecord(path);
    if (shared) return new RunFolder(path, record, undefined);
    const held = await lock(path);
    try {
      await requireNoWayOut(path);
      await sweepTemporary(path);
      return new RunFolder(path, await readRecord(path), held);
    } catch (error) {
      held.release();
      throw diskError(error, path);
    }
  }

  /** What a failure comes from: that the folder was removed meanwhile, where it was; else the error itself. */
  causeOf(error: unknown): unknown {
    try {
      this.held?.requireHeld();
      return error;
    } catch (gone) {
      return gone;
    }
  }

  /** Lets go of the folder. */
  close(): void {
    this.held?.release();
  }

  /** @throws CellhueError where the parts (names out of run.json and other files) lead out of the run folder */
  path(...parts: string[]): string {
    const path = join(this.root, ...parts);
    if (path === this.root || path.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep))
      return path;
    throw new CellhueError("a path of the run leads out of its folder", {
      where: this.root,
      found: visible(join(...parts)),
      expected: "names within the folder, as cellhue wrote them",
      remedy: "this run folder is damaged or was made to do harm: remove it and run anew",
    });
  }

  async has(...parts: string[]): Promise<boolean> {
    return access(this.path(...parts)).then(
      () => true,
      () => false,
    );
  }

  /** Writes a file atomically; `path` is within the run folder, its folder is made where it is absent. */
  async write(path: string, data: string | Uint8Array, options?: AtomicOptions): Promise<void> {
    await writeFileAtomic(await this.placeFor(path), data, options);
  }

  /** Writes a file piece by piece (see writePiecesAtomic). */
  async writePieces(path: string, write: Parameters<typeof writePiecesAtomic>[1]): Promise<void> {
    await writePiecesAtomic(await this.placeFor(path), write);
  }

  /** The absolute path, with its folder made. */
  private async placeFor(path: string): Promise<string> {
    const full = this.path(path);
    // The run folder itself is never made again, nor is another's written into: where somebody removed it, this says so.
    this.held?.requireHeld();
    const folders = path.split("/").slice(0, -1);
    for (const depth of folders.keys()) {
      await mkdir(this.path(...folders.slice(0, depth + 1))).catch((error: unknown) => {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST"))
          throw diskError(error, full);
      });
    }
    return full;
  }

  /** Removes a file or a folder within the run folder, where it is there. */
  async remove(...parts: string[]): Promise<void> {
    const full = this.path(...parts);
    this.held?.requireHeld();
    await rm(full, { recursive: true, force: true }).catch((error: unknown) => {
      throw diskError(error, full);
    });
  }

  async writeJson(path: string, value: unknown): Promise<void> {
    await this.write(path, `${jsonText(value)}\n`);
  }

  /** @throws CellhueError where the file is absent or is not JSON */
  async readJson<T>(path: string): Promise<T> {
    return parseJson<T>(await this.readText(path), this.path(path));
  }

  /** @throws CellhueError where the file is absent, or not what the stage wrote that is done */
  async readText(path: string): Promise<string> {
    const full = this.path(path);
    const text = await readFile(full, "utf8").catch((cause: unknown) => {
      throw missing(full, cause);
    });
    for (const [stage, state] of Object.entries(this.state.stages)) {
      const sum = state.state === "done" ? state.sums?.[path] : undefined;
      if (sum === undefined || sum === sha256(text)) continue;
      throw new CellhueError("a file of the run folder has been changed", {
        where: full,
        found: "other content than the stage wrote",
        expected: `what the stage ${stage} wrote`,
        remedy: `remove the file, then: cellhue ${stage} ${shellWord(this.root)}; work on copies of these files`,
      });
    }
    return text;
  }

  /** Changes the settings that the folder records (a stage command with other options). */
  async setSettings(settings: Settings): Promise<void> {
    this.state = { ...this.state, settings };
    await this.save();
  }

  /** Whether a stage stands done under these settings, with all its files. */
  async isDone(stage: StageName, settings: Settings, extra?: unknown): Promise<boolean> {
    const state = this.state.stages[stage];
    if (state?.state !== "done" || state.fingerprint !== stageFingerprint(this.state, stage, settings, extra))
      return false;
    const there = await Promise.all((state.outputs ?? []).map((path) => this.has(path)));
    return there.every(Boolean);
  }

  /**
   * Begins a stage.
   * @returns "done": nothing to do; "resume": it was cut off under the same settings, what it wrote is good;
   *   "fresh": nothing of it is there any more, nor of what was built on it
   * @throws CellhueError where a stage that it builds on is not done
   */
  async begin(stage: StageName, settings: Settings, extra?: unknown): Promise<"done" | "resume" | "fresh"> {
    this.requireBefore(stage);
    if (await this.isDone(stage, settings, extra)) return "done";
    const fingerprint = stageFingerprint(this.state, stage, settings, extra);
    const resume = this.state.stages[stage]?.fingerprint === fingerprint;
    // Old files are forgotten, then removed, then the new fingerprint is written: a kill in between finds no
    // fingerprint and removes the rest, so files of other settings are never taken for those of this stage.
    const outdated = stageNames.filter((name) => dependsOn(name, stage) || (name === stage && !resume));
    for (const name of outdated) delete this.state.stages[name];
    await this.save();
    for (const name of outdated) await this.clear(name);
    this.state.stages[stage] = {
      state: "started",
      fingerprint,
      settings: pick(settings, rules[stage].settings),
    };
    this.clocks.set(stage, performance.now());
    await this.save();
    return resume ? "resume" : "fresh";
  }

  /** Marks a stage done. @param outputs paths within the run folder; the stage is redone where one of them is gone */
  async finish(stage: StageName, outputs: string[], info?: Record<string, unknown>): Promise<void> {
    const state = this.state.stages[stage];
    if (state === undefined) throw new Error(`RunFolder: ${stage} ends without a beginning`);
    const sums: Record<string, string> = Object.create(null);
    for (const path of outputs) {
      if (/\.(csv|json)$/.test(path)) sums[path] = await sha256OfFile(this.path(path));
    }
    const seconds = (performance.now() - (this.clocks.get(stage) ?? performance.now())) / 1000;
    this.state.stages[stage] = {
      ...state,
      state: "done",
      seconds: Math.round(seconds * 100) / 100,
      outputs,
      sums,
      info,
    };
    await this.save();
  }

  /** Removes what a stage writes. */
  async clear(stage: StageName): Promise<void> {
    for (const folder of ["", "figures", "encoders"]) {
      for (const name of await readdir(this.path(folder)).catch(() => [])) {
        const path = folder === "" ? name : `${folder}/${name}`;
        if (rules[stage].writes.some((rule) => rule.test(path))) {
          await this.remove(path);
        }
      }
    }
  }

  /**
   * @param along what the stage's command does itself (`stagesAlong`): not asked for
   * @throws CellhueError where a stage that this one builds on is not done
   */
  requireBefore(stage: StageName, along: readonly StageName[] = []): void {
    for (const before of rules[stage].after) if (!along.includes(before)) this.requireDone(before, stage);
  }

  /**
   * @param what needs it, for the error
   * @throws CellhueError unless `before` and all before it are done; what is out of date was removed when it became so
   */
  requireDone(before: StageName, what: string): void {
    const alone = rules[before].after.filter((earlier) => !rules[before].along?.includes(earlier));
    const along = rules[before].along ?? [];
    for (const earlier of [...alone, ...along.flatMap((name) => rules[name].after)])
      this.requireDone(earlier, before);
    const state = this.state.stages[before];
    if (state?.state === "done") return;
    throw new CellhueError(`${what} needs the stage ${before}, which is not done`, {
      where: this.root,
      found: state === undefined ? `${before} has not been run` : `${before} was cut off`,
      remedy: `cellhue ${before} ${shellWord(this.root)}`,
    });
  }

  private async save(): Promise<void> {
    await this.writeJson("run.json", this.state);
  }
}

/**
 * The fingerprint that a stage of a run has under these settings.
 * @param extra what else its result depends on, e.g. the SHA-256 of a weights file
 */
export function stageFingerprint(
  run: Pick<RunRecord, "input" | "stages">,
  stage: StageName,
  settings: Settings,
  extra: unknown = null,
): string {
  const rule = rules[stage];
  return hash({
    stage,
    version: rule.version,
    settings: pick(settings, rule.settings),
    after: rule.after.map((name) => run.stages[name]?.fingerprint ?? null),
    input: rule.after.length === 0 ? { sha256: run.input.sha256, label: settings.label } : null,
    extra,
  });
}

/** Removes `path` and its parents up to `top`, as far as they are empty. */
async function removeEmpty(path: string, top: string): Promise<void> {
  for (let folder = path; folder.length >= top.length; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}

const dependsOn = (stage: StageName, on: StageName): boolean =>
  rules[stage].after.some((before) => before === on || dependsOn(before, on));

function pick(settings: Settings, names: readonly SettingName[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}

/**
 * Indented JSON, but lists of numbers on one line: of 2,000 classes the matrices of confusion hold 4 million numbers a
 * piece, which a line each would make longer than a string can be.
 */
export function jsonText(value: unknown): string {
  const mark = randomUUID(); // that no name in the data can imitate
  const lists: string[] = [];
  const isNumbers = (v: unknown): v is unknown[] =>
    Array.isArray(v) && v.length > 0 && v.every((item) => item === null || typeof item === "number");
  const marked = JSON.stringify(
    value,
    (_, v: unknown) => (isNumbers(v) ? `${mark}:${lists.push(JSON.stringify(v)) - 1}` : v),
    2,
  );
  return marked.replace(new RegExp(`"${mark}:(\\d+)"`, "g"), (_, i) => lists[Number(i)]);
}

/** SHA-256 of a plain value; the order of keys does not count. */
function hash(value: unknown): string {
  const sorted = JSON.stringify(value, (_, v: unknown) =>
    typeof v === "object" && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
  return sha256(sorted);
}

/** Piece by piece: a table of many samples and classes is longer than a string can be. */
async function sha256OfFile(path: string): Promise<string> {
  const found = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) found.update(piece as Buffer);
  return found.digest("hex");
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * A run is named by its data: the file's content, the label and which matrix. All else may change in place.
 * @throws CellhueError where the folder at `path` holds another run
 */
export function requireSameRun(
  found: RunRecord,
  start: Pick<RunStart, "input" | "settings">,
  path: string,
): void {
  const name = ({ input, settings }: Pick<RunStart, "input" | "settings">) =>
    `${input.path}, label '${settings.label}'${settings.layer === null ? "" : `, layer '${settings.layer}'`}${
      settings.useRaw ? ", raw" : ""
    } (SHA-256 ${input.sha256.slice(0, 12)}…)`;
  const same =
    found.input.sha256 === start.input.sha256 &&
    found.settings.label === start.settings.label &&
    found.settings.layer === start.settings.layer &&
    found.settings.useRaw === start.settings.useRaw;
  if (same) return;
  throw new CellhueError("the output folder holds another run", {
    where: path,
    found: name(found),
    expected: name(start),
    remedy: ["choose another folder with --out", "or remove the folder, if that run is of no use any more"],
  });
}

async function readRecord(path: string): Promise<RunRecord> {
  const file = join(path, "run.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const exists = await stat(path).then(
      (s) => (s.isDirectory() ? "a folder without run.json" : "a file"),
      () => "nothing",
    );
    throw new CellhueError("there is no run here", {
      where: path,
      found: exists,
      expected: "the folder of a run",
      remedy: "cellhue run FILE --label COLUMN --out DIR makes one",
      cause,
    });
  }
  const record: unknown = parseJson(text, file);
  const schema = z.looseObject({ schema: z.string() }).safeParse(record).data?.schema;
  if (schema !== runSchema) {
    throw new CellhueError("run.json is of a kind that this cellhue does not know", {
      where: file,
      found: visible(String(schema)),
      expected: runSchema,
      remedy: "choose another folder with --out, or use the version of cellhue that wrote it",
    });
  }
  const found = recordSchema.safeParse(record);
  if (!found.success) {
    const [issue] = found.error.issues;
    throw damagedRecord(file, `${issue.path.join(".")}: ${issue.message}`, found.error);
  }
  try {
    return { ...found.data, settings: resolveSettings([], found.data.settings as unknown as Settings) };
  } catch (cause) {
    throw damagedRecord(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const damagedRecord = (where: string, found: string, cause: unknown) =>
  new CellhueError("run.json is damaged", {
    where,
    found: visible(found),
    expected: "run.json as cellhue wrote it",
    remedy: "remove the run folder and run anew",
    cause,
  });

const count = z.number().int().min(0);
const plain = z.record(z.string(), z.unknown());
/** run.json; that the settings are settings is `resolveSettings`' business. */
const recordSchema = z.looseObject({
  schema: z.literal(runSchema),
  cellhue: z.string(),
  created: z.string(),
  input: z.looseObject({
    path: z.string(),
    sha256: z.string(),
    bytes: count,
    samples: count,
    genes: count,
    dropped: count,
    x: z.looseObject({
      source: z.string(),
      storage: z.enum(["dense", "csr", "csc", "none"]),
      dtype: z.string(),
      nonzero: count.nullable(),
    }),
    state: z.string().nullable(),
  }),
  settings: plain,
  classes: z.array(
    z.looseObject({
      name: z.string(),
      folder: z.string().regex(/^(?!\.{1,2}$)[^/\\\0]+$/, "not the name of a folder"),
      count,
    }),
  ),
  versions: z.record(z.string(), z.string()),
  stages: z.partialRecord(
    z.enum(stageNames),
    z.looseObject({
      state: z.enum(["started", "done"]),
      fingerprint: z.string(),
      settings: plain,
      seconds: z.number().optional(),
      outputs: z.array(z.string()).optional(),
      sums: z.record(z.string(), z.string()).optional(),
      info: plain.optional(),
    }),
  ),
});

/**
 * Files are written below the run folder alone, so nothing in it may be a door to elsewhere.
 * @throws CellhueError where a link in the folder leads out of it
 */
async function requireNoWayOut(root: string): Promise<void> {
  const real = await realpath(root);
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const target = await realpath(link).catch(() => "");
    if (target.startsWith(real + sep)) continue;
    throw new CellhueError("a link in the run folder leads out of it", {
      where: link,
      found: target === "" ? "a link to nothing" : visible(target),
      expected: "files and folders",
      remedy: "remove the link, or put what it leads to in its place",
    });
  }
}

function parseJson<T>(text: string, path: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CellhueError("a file of the run folder is damaged", {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "JSON, as cellhue wrote it",
      remedy: "remove the run folder and start again",
      cause,
    });
  }
}

function missing(path: string, cause: unknown): CellhueError {
  return new CellhueError("a file of the run folder cannot be read", {
    where: path,
    found: cause instanceof Error && "code" in cause ? String(cause.code) : String(cause),
    remedy: "start the same command again; if that does not help, remove the run folder and run anew",
    cause,
  });
}
