/**
 * report.html: one file that holds everything, opens from disk without a network, and runs no script (a content
 * security policy forbids it). What is missing from the data is left out, so a half-done run has a report too.
 */
import { METRIC_NAMES } from "../evaluate/metrics.js";
import type { Figure } from "./figure.js";
import { meanSd } from "./figures/fold-scores.js";
import { type Child, el, join, Markup, readable } from "./markup.js";
import { categoryColour, markerPath } from "./palette.js";
import { type Comparison, METRIC_LABELS, type ModelScores } from "./scores.js";
import { STYLE } from "./style.js";
import { comparisonWords, headline, LEAK, largestShare } from "./words.js";

/** Plain data, JSON-able; `figures` are strings too. */
export interface ReportData {
  /** Name of the run. */
  name: string;
  /** When the report was made, ISO 8601; given, so that the same data give the same file. */
  created: string;
  data: {
    file: string;
    bytes?: number;
    sha256?: string;
    samples: number;
    genes: number;
    /** Column of obs. */
    label: string;
    /** In the order of the codes. */
    classes: readonly { name: string; count: number }[];
    /** How X is stored, e.g. "CSR float32". */
    storage?: string;
    /** What X holds, with the evidence, e.g. "counts (integers, up to 812)". */
    state?: string;
    /** What was done to X, e.g. "none" or "log1p-cp10k". */
    normalization: string;
    /** Anything else worth a line, e.g. ["layer", "counts"], ["dropped", "3 samples without a label"]. */
    more?: readonly (readonly [string, string])[];
  };
  /** Sentences that a reader must know. */
  warnings: readonly string[];
  encoder: string;
  protocol: string;
  /** Whether the embedding was fitted on the test samples too (the published protocol). */
  embeddingSawAllSamples: boolean;
  /** metrics.json's; empty before training. */
  models: readonly ModelScores[];
  comparisons: readonly Comparison[];
  /** Net of model_final.onnx and of the saliency. */
  finalNet?: string;
  /** Resolved options, in the order to show. */
  settings: readonly (readonly [string, string])[];
  /** Names and versions of what computed this, and the machine's kind. */
  versions: readonly (readonly [string, string])[];
  seeds: readonly (readonly [string, string])[];
  /** Files of the run, relative to the report with "/". */
  files: readonly { path: string; what: string; bytes?: number }[];
  /** Known names go to their sections, others to "More figures". */
  figures: readonly Figure[];
  /** Folder of the figures' files relative to the report, for links; none where left out. */
  figuresFolder?: string;
}

const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const EMBEDDINGS = ["Figure_1", "Figure_combined_tumor", "Figure_genes_pixel"];

export function reportHtml(data: ReportData): string {
  const figures = new Map(data.figures.map((f) => [f.name, f]));
  const taken = new Set<string>();
  const take = (wanted: (name: string) => boolean): Figure[] => {
    const found = [...figures.values()].filter((f) => wanted(f.name) && !taken.has(f.name));
    for (const { name } of found) taken.add(name);
    return found;
  };
  const show = (list: readonly Figure[]): Child => list.map((f) => figureBlock(f, data.figuresFolder));
  const named = (...names: string[]): Figure[] => names.flatMap((name) => take((n) => n === name));

  const sections: { id: string; title: string; body: Child; class?: string }[] = [];
  const add = (id: string, title: string, body: Child, cssClass?: string): void => {
    sections.push({ id, title, body, class: cssClass });
  };

  const warnings = [...(data.embeddingSawAllSamples ? [LEAK] : []), ...data.warnings];
  if (warnings.length > 0)
    add(
      "know",
      "Know this first",
      el(
        "ul",
        {},
        warnings.map((w) => el("li", {}, w)),
      ),
      "warn",
    );
  add("input", "What went in", inputBody(data));

  const images = named("images_by_class");
  if (images.length > 0) add("images", "Images by class", show(images));

  const embeddings = [...take((n) => n.startsWith("embedding_")), ...named(...EMBEDDINGS)];
  if (embeddings.length > 0)
    add("embeddings", "Embeddings and pixels", [
      el(
        "p",
        {},
        "Each sample once, coloured, shaped and numbered by its label. The embeddings know nothing of the labels.",
      ),
      show(embeddings),
    ]);

  if (data.models.length > 0) {
    add("scores", "Scores", [
      scoreTable(data.models),
      show(named("fold_scores")),
      data.models.map(foldTable),
    ]);
    const curves = named("training_history");
    if (curves.length > 0) add("training", "Training", show(curves));
    const confusion = named("confusion_matrix_avg");
    if (confusion.length > 0) add("confusion", "Confusion", show(confusion));
  }
  if (data.comparisons.length > 0)
    add(
      "comparison",
      "Which net is better?",
      data.comparisons.map((c) => comparisonBody(c, data.models)),
    );

  const saliency = take((n) => n.startsWith("Figure_Saliency_")).sort(
    (a, b) => saliencyNumber(a) - saliencyNumber(b),
  );
  if (saliency.length > 0)
    add("saliency", "Saliency", [
      el(
        "p",
        {},
        "Where a small change of a pixel would change the score of the predicted class most, for held-out samples that were classified rightly",
        data.finalNet === undefined ? "." : [" by ", bdi(data.finalNet), "."],
        " Each map has its own scale; brightness is not comparable between samples.",
      ),
      show(saliency),
    ]);
  const rest = take(() => true);
  if (rest.length > 0) add("more", "More figures", show(rest));

  add("settings", "Settings, seeds and versions", [
    pairs("Settings", data.settings),
    pairs("Seeds", data.seeds),
    pairs("Versions", data.versions),
  ]);
  if (data.files.length > 0) add("files", "Files of this run", fileTable(data.files));

  const page = el(
    "html",
    { lang: "en" },
    el(
      "head",
      {},
      el("meta", { charset: "utf-8" }),
      el("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
      el("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      el("meta", { name: "color-scheme", content: "light dark" }),
      el("meta", { name: "generator", content: "cellhue" }),
      el("link", { rel: "icon", href: "data:," }),
      el("title", {}, `${data.name} – cellhue report`),
      el("style", {}, new Markup(STYLE)),
    ),
    el(
      "body",
      {},
      el(
        "header",
        {},
        el("h1", {}, bdi(data.name)),
        el("p", { class: "soft" }, `cellhue report, ${data.created}`),
        el(
          "p",
          { class: "lead" },
          `${whole(data.data.samples)} samples × ${whole(data.data.genes)} genes, ${data.data.classes.length} classes of `,
          bdi(data.data.label),
          `. ${headline(data.models, data.data.classes)}`,
        ),
        el(
          "nav",
          {},
          el(
            "ul",
            {},
            sections.map((s) => el("li", {}, el("a", { href: `#${s.id}` }, s.title))),
          ),
        ),
      ),
      el(
        "main",
        {},
        sections.map((s) => el("section", { id: s.id, class: s.class }, el("h2", {}, s.title), s.body)),
      ),
      el("footer", {}, el("p", {}, "Made by cellhue. This file needs no network and runs no script.")),
    ),
  );
  return `<!doctype html>\n${page.source}\n`;
}

/** Data within a sentence, kept from turning the order of the words around it. */
function bdi(text: string): Markup {
  return el("bdi", {}, text);
}

const whole = (n: number): string => n.toLocaleString("en-US");
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < 3; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Number after "Figure_Saliency_". */
const saliencyNumber = (f: Figure): number => Number(f.name.slice("Figure_Saliency_".length));

function figureBlock({ name, title, svg }: Figure, folder: string | undefined): Markup {
  const width = Number(/ width="(\d+)"/.exec(svg)?.[1] ?? 0);
  // A wide figure shrinks to three quarters at most, so that its text stays readable; then its box scrolls.
  const least = Math.round(Math.min(width, Math.max(560, 0.75 * width)));
  const links = ["svg", "png"].map((kind) => link(`${folder}/${name}.${kind}`, kind.toUpperCase()));
  const drawing = svg.replace("<svg ", `<svg style="min-width:${least}px" `);
  return el(
    "figure",
    {},
    el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, new Markup(drawing)),
    el("figcaption", {}, title, ".", folder === undefined ? undefined : [" ", links[0], " · ", links[1]]),
  );
}

/** A link to a file beside the report; text where the path would lead elsewhere. */
function link(path: string, text: string): Markup {
  const parts = path.split("/");
  if (path === "" || parts.some((p) => p === "" || p === "." || p === "..")) return bdi(text);
  // A name may hold half a surrogate pair, which no URL can.
  return el("a", { href: parts.map((p) => encodeURIComponent(readable(p))).join("/") }, bdi(text));
}

function inputBody({ data, encoder, protocol }: ReportData): Child {
  const rows: (readonly [string, string] | undefined)[] = [
    ["file", data.file],
    data.bytes === undefined ? undefined : ["size", size(data.bytes)],
    data.sha256 === undefined ? undefined : ["SHA-256", data.sha256],
    ["shape", `${whole(data.samples)} samples × ${whole(data.genes)} genes`],
    data.storage === undefined ? undefined : ["X stored as", data.storage],
    data.state === undefined ? undefined : ["X holds", data.state],
    ["normalisation", data.normalization],
    ["label column", data.label],
    ["encoder", encoder],
    ["protocol", protocol],
    ...(data.more ?? []),
  ];
  const total = data.classes.reduce((sum, c) => sum + c.count, 0);
  const most = largestShare(data.classes);
  const bars = data.classes.map(({ name, count }, i) => {
    const share = total === 0 ? 0 : count / total;
    const width = most === 0 ? 0 : (90 * share) / most;
    return el(
      "tr",
      {},
      el("td", {}, key(i), bdi(name)),
      el("td", { class: "number" }, whole(count)),
      el("td", { class: "number" }, percent(share)),
      el("td", {}, el("span", { class: "bar", style: `width:${width.toFixed(1)}px` })),
    );
  });
  return [
    table(rows.filter((r) => r !== undefined)),
    el("h3", {}, `Classes (${data.classes.length})`),
    el(
      "div",
      { class: data.classes.length > 40 ? "scroll tall" : "scroll" },
      el("table", {}, head(["class", "samples", "share", ""]), el("tbody", {}, bars)),
    ),
  ];
}

/** Colour and shape of a class, as in the figures. */
function key(i: number): Markup {
  const path = el("path", { d: markerPath(i, 7, 7, 60), fill: categoryColour(i) });
  return el(
    "svg",
    { class: "key", width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" },
    path,
  );
}

function head(names: readonly string[]): Markup {
  return el(
    "thead",
    {},
    el(
      "tr",
      {},
      names.map((n) => el("th", { scope: "col" }, n === "" ? undefined : bdi(n))),
    ),
  );
}

function table(rows: readonly (readonly [string, string])[]): Markup {
  const body = rows.map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, bdi(name)), el("td", {}, bdi(value))),
  );
  return el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, body)));
}

function pairs(title: string, rows: readonly (readonly [string, string])[]): Child {
  return rows.length === 0 ? undefined : [el("h3", {}, title), table(rows)];
}

const score = (v: number | null | undefined): string => (v === null || v === undefined ? "–" : v.toFixed(3));

function scoreTable(models: readonly ModelScores[]): Child {
  const rows = METRIC_NAMES.map((name) => {
    const cells = models.map(({ mean, sd }) => {
      const value = mean[name];
      return el("td", {}, value === null ? "–" : meanSd(value, sd[name]));
    });
    return el("tr", {}, el("th", { scope: "row" }, METRIC_LABELS[name]), cells);
  });
  const weights = models.map((m) => el("td", {}, bdi(m.weights)));
  return [
    el(
      "p",
      {},
      "Mean ± standard deviation over the folds, on the samples that a fold held out. “–”: not defined.",
    ),
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        { class: "numbers" },
        head(["", ...models.map((m) => m.net)]),
        el("tbody", {}, rows, el("tr", {}, el("th", { scope: "row" }, "weights at the start"), weights)),
      ),
    ),
  ];
}

/** Metrics down, folds across: five folds fit a printed page. */
function foldTable({ net, folds, mean, sd }: ModelScores): Child {
  const row = (name: string, cells: readonly string[]): Markup =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, name),
      cells.map((c) => el("td", {}, c)),
    );
  const scored = METRIC_NAMES.filter((name) => folds.some((f) => f[name] !== undefined));
  const rows = [
    ...scored.map((name) =>
      row(METRIC_LABELS[name], [...folds.map((f) => f[name]), mean[name], sd[name]].map(score)),
    ),
    row("trained on", [...folds.map((f) => whole(f.nTrain)), "", ""]),
    row("tested on", [...folds.map((f) => whole(f.nTest)), "", ""]),
    row("seconds", [...folds.map((f) => f.seconds.toFixed(f.seconds < 100 ? 1 : 0)), "", ""]),
  ];
  const names = ["", ...folds.map((f) => `fold ${f.fold}`), "mean", "sd"];
  return [
    el("h3", {}, bdi(net), " by fold"),
    el("div", { class: "scroll" }, el("table", { class: "numbers" }, head(names), el("tbody", {}, rows))),
  ];
}

function comparisonBody(c: Comparison, models: readonly ModelScores[]): Child {
  const { verdict, sentences } = comparisonWords(c, models);
  return [
    el("h3", {}, bdi(c.a), " against ", bdi(c.b), ": ", el("span", { class: "verdict" }, verdict)),
    el("p", {}, sentences.join(" ")),
  ];
}

function fileTable(files: ReportData["files"]): Markup {
  const rows = files.map(({ path, what, bytes }) =>
    el(
      "tr",
      {},
      el("td", {}, link(path, path)),
      el("td", {}, bdi(what)),
      el("td", {}, bytes === undefined ? "" : size(bytes)),
    ),
  );
  return el(
    "div",
    { class: files.length > 40 ? "scroll tall" : "scroll" },
    el("table", {}, head(["file", "what it is", "size"]), el("tbody", {}, join(rows))),
  );
}
