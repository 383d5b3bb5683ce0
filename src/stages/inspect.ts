/**
 * `cellhue inspect`: what is in an expression file, which obs columns can serve as a label, and what would go wrong.
 * The report is plain JSON; `formatInspect` makes the text. Nothing is written.
 */
import { CellhueError } from "../errors.js";
import { describeGenes, type GeneNameReport } from "../io/gene-names.js";
import { byCodePoint, type LabelCandidate, labelCandidates, resolveLabels } from "../io/labels.js";
import { describeMatrix, type MatrixState } from "../io/matrix-state.js";
import {
  type ExpressionReader,
  heldBytes,
  type Orientation,
  openExpression,
  type XInfo,
} from "../io/reader.js";
import { shellWord, visible } from "../io/visible.js";
import { bytesOf, type HeldMatrix, hold, selectRows } from "../matrix.js";
import type { Progress } from "../progress.js";

export interface InspectOptions {
  layer?: string;
  useRaw?: boolean;
  /** Of a table of text; told from its names by default. */
  orientation?: Orientation;
  /** A table whose columns are joined to obs by the name of the sample. */
  labels?: string;
  /** Checks this column as a label. */
  label?: string;
  dropUnlabelled?: boolean;
  /** Folds that the labels are judged for; 5 by default. */
  folds?: number;
  progress?: Progress;
  signal?: AbortSignal;
  /** Of a matrix of more bytes stretches are looked at, where its format can be read by rows; default: 48 MiB. */
  lookBytes?: number;
}

export interface Finding {
  /** error: a run is refused; warning: it is likely to disappoint; note: good to know. */
  level: "error" | "warning" | "note";
  what: string;
  remedy: string[];
}

export interface ObsColumn extends Omit<LabelCandidate, "classes"> {
  classCount: number;
  /** The first 50 by name. */
  classes: { name: string; count: number }[];
}

export interface InspectReport {
  schema: "cellhue-inspect/1";
  path: string;
  format: string;
  samples: number;
  genes: number;
  x: XInfo;
  /** Bytes of the decoded matrix (float32, and int32 indices where sparse); null without X. */
  decodedBytes: number | null;
  state: MatrixState | null;
  /** Samples that this was told from. */
  looked: number;
  layers: string[];
  hasRaw: boolean;
  obs: ObsColumn[];
  /** Folds that the labels were judged for. */
  folds: number;
  /** Columns that can serve as a label, the likeliest first. */
  labels: string[];
  sampleNames: NameSummary;
  geneNames: NameSummary;
  geneReport: GeneNameReport;
  /** As given. */
  labelTable: string | null;
  orientation: Orientation;
  findings: Finding[];
}

export interface NameSummary {
  first: string[];
  empty: number;
  /** Names that occur more than once, and one of them. */
  repeated: number;
  example: string | null;
}

const SHOWN_CLASSES = 50;

/** @throws CellhueError where the file cannot be opened or read (see `openExpression`); a missing X is a finding */
export async function inspectFile(path: string, options: InspectOptions = {}): Promise<InspectReport> {
  const reader = await openExpression(path, { ...options, requireX: false });
  try {
    return await inspectReader(reader, options);
  } finally {
    reader.close();
  }
}

async function inspectReader(reader: ExpressionReader, options: InspectOptions): Promise<InspectReport> {
  const obs = reader.obs();
  const genes = reader.var();
  const matrix = reader.x.storage === "none" ? null : await look(reader, options);
  const state = matrix === null ? null : await describeMatrix(matrix, { signal: options.signal });
  const looked = matrix === null ? 0 : matrix.rows;
  const candidates = labelCandidates(obs);
  const folds = options.folds ?? 5;
  const report: InspectReport = {
    schema: "cellhue-inspect/1",
    path: reader.path,
    format: reader.format,
    samples: reader.samples,
    genes: reader.genes,
    x: reader.x,
    decodedBytes: matrix === null ? null : looked < reader.samples ? heldBytes(reader) : bytesOf(matrix),
    state,
    looked,
    layers: [...reader.layers],
    hasRaw: reader.hasRaw,
    obs: candidates.map(({ classes, ...rest }) => ({
      ...rest,
      classCount: classes.length,
      classes: classes.slice(0, SHOWN_CLASSES),
    })),
    folds,
    labels: rankLabels(candidates, folds),
    sampleNames: summarise(obs.index),
    geneNames: summarise(genes.index),
    geneReport: describeGenes(genes.index),
    labelTable: options.labels ?? null,
    orientation: options.orientation ?? "auto",
    findings: [],
  };
  report.findings = [
    ...(looked < reader.samples && state !== null
      ? [
          {
            level: "note" as const,
            what: `what X is was told from ${looked} of ${reader.samples} samples; a run looks at all of them`,
            remedy: [],
          },
        ]
      : []),
    ...(reader.notes ?? []).map((what): Finding => ({ level: "note", what, remedy: [] })),
    ...matrixFindings(report, obs.index, genes.index),
    ...nameFindings(report),
    ...labelFindings(report, candidates, folds),
  ];
  if (options.label !== undefined) {
    const { label, dropUnlabelled = false } = options;
    try {
      resolveLabels(obs, label, { dropUnlabelled, folds });
    } catch (error) {
      if (!(error instanceof CellhueError)) throw error;
      const { found, remedy = [] } = error.parts;
      report.findings.unshift({
        level: "error",
        what: found === undefined ? error.message : `${error.message} (${found})`,
        remedy: typeof remedy === "string" ? [remedy] : [...remedy],
      });
    }
  }
  if (reader.skippedColumns.length > 0) {
    const names = reader.skippedColumns.map((name) => visible(name, 60)).join(", ");
    report.findings.push({ level: "note", what: `columns of a kind that is not read: ${names}`, remedy: [] });
  }
  return report;
}

const LOOK_BYTES = 48 << 20;
/** In so many stretches over the samples. */
const STRETCHES = 8;

/** The matrix, or stretches of its samples where reading all of them would take long. */
async function look(reader: ExpressionReader, options: InspectOptions): Promise<HeldMatrix> {
  const share = (options.lookBytes ?? LOOK_BYTES) / heldBytes(reader);
  const stored = share < 1 ? reader.storedMatrix?.(0) : null;
  if (!stored) return reader.readMatrix(options);
  const length = Math.max(1, Math.floor((stored.rows * share) / STRETCHES));
  const rows = Int32Array.from({ length: STRETCHES * length }, (_, i) => {
    const stretch = Math.floor(i / length);
    return Math.floor((stretch * (stored.rows - length)) / (STRETCHES - 1)) + (i % length);
  });
  return hold(selectRows({ ...stored, blockRows: length }, rows), { signal: options.signal });
}

/** Usable columns: enough samples per class first, then text before numbers and flags, then in file order. */
function rankLabels(candidates: readonly LabelCandidate[], folds: number): string[] {
  const cost = (c: LabelCandidate) =>
    (c.maxFolds < folds ? 2 : 0) + (c.kind === "number" || c.kind === "boolean" ? 1 : 0);
  return candidates
    .filter((c) => c.usable)
    .sort((a, b) => cost(a) - cost(b))
    .map((c) => c.column);
}

function summarise(names: readonly string[]): NameSummary {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
  }
  const empty = names.filter((name) => name.trim() === "").length;
  const [example = null] = [...repeated].sort(byCodePoint);
  return { first: names.slice(0, 5), empty, repeated: repeated.size, example };
}

function matrixFindings(
  report: InspectReport,
  sampleNames: readonly string[],
  geneNames: readonly string[],
): Finding[] {
  const { samples, genes, state, layers, hasRaw, x } = report;
  const found: Finding[] = [];
  const others = [
    ...layers.slice(0, 6).map((name) => `--layer ${shellWord(name)}`),
    ...(hasRaw && x.source !== "raw/X" ? ["--use-raw"] : []),
  ];
  if (samples < 3 || genes < 3) {
    found.push({
      level: "error",
      what: `${samples} samples × ${genes} genes: at least 3 of each are needed`,
      remedy: samples > genes ? ["samples (obs) go in rows, genes (var) in columns"] : [],
    });
  }
  if (state === null) found.push({ level: "error", what: `the file has no ${x.source}`, remedy: others });
  else if (state.nonFinite.first !== null) {
    const { row, col } = state.nonFinite.first;
    const sample = visible(sampleNames[row] ?? "", 60);
    const gene = visible(geneNames[col] ?? "", 60);
    found.push({
      level: "error",
      what: `${x.source} holds ${state.evidence}, the first at sample '${sample}', gene '${gene}'`,
      remedy: others,
    });
  } else if (state.state === "constant") {
    found.push({
      level: "error",
      what: `${x.source} tells nothing apart: ${state.evidence}`,
      remedy: others,
    });
  } else if (state.wantsLog) {
    const kind = state.state === "counts" ? "counts" : "numbers on a linear scale";
    found.push({
      level: "note",
      what: `${x.source} seems to hold ${kind}; they are used as they are unless you ask`,
      remedy: [
        "--normalize log1p-cp10k",
        "or --normalize log1p-scran (size factors, fitted in each fold), where kinds of samples differ in many genes",
      ],
    });
  } else if (state.caution !== null) {
    const { what, remedy } = state.caution;
    found.push({
      level: "warning",
      what: `${x.source} seems to be ${state.state}: ${what}`,
      remedy: [remedy],
    });
  }
  const components = Math.min(samples, genes) - 1;
  if (samples >= 3 && genes >= 3 && components < 50) {
    found.push({
      level: "note",
      what: `at most ${components} principal components instead of 50`,
      remedy: [],
    });
  }
  return found;
}

function nameFindings({ sampleNames, geneReport }: InspectReport): Finding[] {
  const found: Finding[] = [];
  if (sampleNames.repeated > 0) {
    found.push({
      level: "warning",
      what: `sample names that occur more than once: ${sampleNames.repeated}, e.g. '${visible(sampleNames.example ?? "", 60)}'`,
      remedy: [],
    });
  }
  if (sampleNames.empty > 0) {
    found.push({ level: "warning", what: `empty sample names: ${sampleNames.empty}`, remedy: [] });
  }
  return [...found, ...geneFindings(geneReport)];
}

/** What is to be known about the names of genes, before anybody looks one up. */
export function geneFindings(genes: GeneNameReport): Finding[] {
  const found: Finding[] = [];
  const warn = (what: string, ...remedy: string[]) => found.push({ level: "warning", what, remedy });
  const shown = (name: string | null) => `'${visible(name ?? "", 60)}'`;
  const { repeated, dates, ensembl, padded, summaries, rule } = genes;
  if (genes.kind === "row numbers" && genes.total > 0) {
    found.push({
      level: "note",
      what: "genes are numbered, not named: what the result says of a gene cannot be looked up",
      remedy: [],
    });
  }
  if (repeated.names > 0) {
    warn(
      `gene names that occur more than once: ${repeated.names}, e.g. ${shown(repeated.example)}; ${rule ?? ""}`,
      "add the rows of a gene up, or name genes by their Ensembl identifiers, if they are one and the same",
    );
  }
  if (genes.empty > 0) warn(`empty gene names: ${genes.empty}`);
  if (dates.count > 0) {
    const examples = dates.examples.map(
      ({ name, likely }) => shown(name) + (likely.length > 0 ? `, once ${likely.join(" or ")}` : ""),
    );
    warn(
      `gene names that a spreadsheet turned into dates: ${dates.count} (${examples.join("; ")})`,
      "take the names from a source that no spreadsheet has opened",
    );
  }
  if (ensembl.clashing > 0) warn(`Ensembl identifiers that occur in several versions: ${ensembl.clashing}`);
  if (ensembl.versioned > 0) {
    found.push({
      level: "note",
      what: `Ensembl identifiers with a version: ${ensembl.versioned} of ${ensembl.count} (the part behind the point; other sources may lack it)`,
      remedy: [],
    });
  }
  if (padded.count > 0)
    warn(`gene names with white space at an end: ${padded.count}, e.g. ${shown(padded.example)}`);
  if (summaries.length > 0) {
    warn(
      `lines of a read counter among the genes: ${summaries.map((name) => visible(name, 40)).join(", ")}`,
      "leave them out of the file: they are no genes",
    );
  }
  return found;
}

function labelFindings(
  report: InspectReport,
  candidates: readonly LabelCandidate[],
  folds: number,
): Finding[] {
  const found: Finding[] = [];
  if (report.labels.length === 0) {
    found.push({
      level: "error",
      what:
        candidates.length === 0 ? "obs has no columns, so no label" : "no obs column can serve as a label",
      remedy: [
        "give a table of labels, a line a sample: --labels FILE",
        "or add one to obs, e.g. in Python: adata.obs['label'] = …",
      ],
    });
  }
  for (const c of candidates) {
    if (!c.usable) continue;
    const column = visible(c.column, 60);
    if (c.maxFolds < folds) {
      const small = c.classes.filter((k) => k.count < folds);
      const names = small.slice(0, 3).map((k) => `'${visible(k.name, 60)}' (${k.count})`);
      found.push({
        level: "warning",
        what: `${column}: fewer samples than ${folds} folds in ${names.join(", ")}${small.length > 3 ? ", …" : ""}`,
        remedy: [`--folds ${c.maxFolds}`],
      });
    }
    if (c.missing > 0) {
      found.push({
        level: "warning",
        what: `${column}: ${c.missing} of ${report.samples} samples have no label`,
        remedy: ["--drop-unlabelled"],
      });
    }
    const alike = firstAlike(c.classes.map((k) => k.name));
    if (alike !== null) {
      found.push({
        level: "warning",
        what: `${column}: '${visible(alike[0], 60)}' and '${visible(alike[1], 60)}' are two classes`,
        remedy: ["correct the spelling in the file if they are meant to be one"],
      });
    }
  }
  return found;
}

/** Two names that differ only by case or by spaces at their ends. */
function firstAlike(names: readonly string[]): [string, string] | null {
  const seen = new Map<string, string>();
  for (const name of names) {
    const key = name.trim().toLowerCase();
    const other = seen.get(key);
    if (other !== undefined) return [other, name];
    seen.set(key, name);
  }
  return null;
}

const geneKinds: Record<GeneNameReport["kind"], string> = {
  symbols: "symbols",
  ensembl: "Ensembl identifiers",
  entrez: "numbers, as of Entrez",
  probes: "probes",
  "row numbers": "numbered",
  other: "of no kind that is known",
};

/** The report as text for a terminal; whatever comes out of the file has its control characters made visible. */
export function formatInspect(report: InspectReport): string {
  const { x, state } = report;
  const many = (n: number) => n.toLocaleString("en-US");
  const lines = [
    visible(report.path, 500),
    `  format: ${report.format}`,
    `  ${many(report.samples)} samples × ${many(report.genes)} genes`,
  ];
  if (state === null) lines.push(`  ${x.source}: none`);
  else {
    const entries = report.samples * report.genes;
    const stored =
      x.nonzero === null
        ? ""
        : `, ${many(x.nonzero)} stored entries${entries > 0 ? ` (${+((100 * x.nonzero) / entries).toPrecision(2)} %)` : ""}`;
    const bytes =
      report.decodedBytes === null ? "" : `, ${+(report.decodedBytes / 1e6).toPrecision(3)} MB in memory`;
    lines.push(
      `  ${visible(x.source, 80)}: ${x.storage === "dense" ? "dense" : x.storage.toUpperCase()} ${x.dtype}${stored}${bytes}`,
    );
    lines.push(`  state: ${state.state} – ${state.evidence}`);
  }
  const layers =
    report.layers.length === 0 ? "none" : report.layers.map((name) => visible(name, 60)).join(", ");
  lines.push(`  layers: ${layers}; raw: ${report.hasRaw ? "yes" : "no"}`);
  const names = (summary: NameSummary) =>
    summary.first
      .slice(0, 3)
      .map((name) => visible(name, 40))
      .join(", ");
  if (report.samples > 0) lines.push(`  samples: ${names(report.sampleNames)}, …`);
  if (report.genes > 0)
    lines.push(`  genes: ${names(report.geneNames)}, … (${geneKinds[report.geneReport.kind]})`);

  const usable = report.labels.flatMap((name) => report.obs.filter((c) => c.column === name));
  if (usable.length > 0) {
    lines.push("", "obs columns that can serve as a label:");
    for (const c of usable) {
      const missing = c.missing > 0 ? `; ${many(c.missing)} without` : "";
      lines.push(`  ${visible(c.column, 60)} – ${c.classCount} classes: ${classList(c)}${missing}`);
    }
  }
  const others = report.obs.filter((c) => !c.usable);
  if (others.length > 0) {
    lines.push("", "other obs columns:");
    for (const c of others) lines.push(`  ${visible(c.column, 60)} – ${c.kind}: ${c.why ?? ""}`);
  }
  if (report.findings.length > 0) {
    lines.push("", "what to know:");
    for (const f of report.findings) {
      lines.push(`  ${f.level}: ${f.what}`, ...f.remedy.map((way) => `    try: ${way}`));
    }
  }
  const [best] = usable;
  if (best !== undefined && !report.findings.some((f) => f.level === "error")) {
    lines.push("", `next: ${nextCommand(report, best)}`);
  }
  return lines.join("\n");
}

/** The command that runs this matrix with the likeliest label, complete. */
function nextCommand(report: InspectReport, label: ObsColumn): string {
  const { source } = report.x;
  const parts = ["cellhue run", shellWord(report.path), "--label", shellWord(label.column)];
  if (source === "raw/X") parts.push("--use-raw");
  if (report.labelTable !== null) parts.push("--labels", shellWord(report.labelTable));
  if (report.orientation !== "auto") parts.push("--orientation", report.orientation);
  if (source.startsWith("layers/")) parts.push("--layer", shellWord(source.slice("layers/".length)));
  if (label.maxFolds < report.folds) parts.push("--folds", String(label.maxFolds));
  if (label.missing > 0) parts.push("--drop-unlabelled");
  return parts.join(" ");
}

function classList(c: ObsColumn): string {
  const shown = c.classes.slice(0, 12).map((k) => `${visible(k.name, 40)} ${k.count}`);
  return shown.join(", ") + (c.classCount > 12 ? `, … and ${c.classCount - 12} more` : "");
}
