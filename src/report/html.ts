/**
 * report.html: one file that holds everything, opens from disk without a network, and runs no script (a content
 * security policy forbids it). What is missing from the data is left out, so a half-done run has a report too.
 * Here: the data, and which section stands where; a section is a file of sections/.
 */
import { MANY_CLASSES } from "../evaluate/many-classes.js";
import type { AuditReport } from "./audit-report.js";
import { bdi, figureBlock, head, link, scrolling, table } from "./elements.js";
import type { Figure } from "./figure.js";
import type { GenesReport } from "./genes-report.js";
import { type Child, el, Markup } from "./markup.js";
import { whole } from "./numbers.js";
import type { Results } from "./scores.js";
import { auditBody } from "./sections/audit.js";
import { calibrationBody } from "./sections/calibration.js";
import { comparisonBody } from "./sections/comparison.js";
import { genesBody } from "./sections/genes.js";
import { type Input, inputBody, size } from "./sections/input.js";
import { knowBody } from "./sections/know.js";
import { perClassBody } from "./sections/per-class.js";
import { protocolBody } from "./sections/protocol.js";
import { accuracyByFold, foldTable, scoreTable, spreadTable } from "./sections/scores.js";
import { STYLE } from "./style.js";
import { type Design, largestShare } from "./words.js";

/** Plain data, JSON-able; `figures` are strings too. */
export interface ReportData {
  /** Name of the run. */
  name: string;
  /** When the report was made, ISO 8601; given, so that the same data give the same file. */
  created: string;
  data: Input;
  /** Sentences that a reader must know. */
  warnings: readonly string[];
  design: Design;
  /** metrics.json's; absent before training. */
  results?: Results;
  /** audit.json; absent where there was no audit. */
  audit?: AuditReport;
  /** genes.json; absent before the stage explain. */
  genes?: GenesReport;
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

  const sections: { id: string; title: string; body: Child }[] = [];
  const add = (id: string, title: string, body: Child): void => {
    if (body !== undefined) sections.push({ id, title, body });
  };

  const { results, design, audit } = data;
  const classes = data.data.classes.map(({ name }) => name);
  add("know", "Know this first", knowBody({ ...data, majority: largestShare(data.data.classes) }));

  if (results !== undefined) {
    add("scores", "Scores", [
      show(named("scores")),
      scoreTable(results),
      spreadTable(results),
      show(named("fold_scores")),
      accuracyByFold(results),
      results.models.map((model) => foldTable(model, results.splits)),
    ]);
    add("comparison", "Which is better?", comparisonBody(results));
    add("classes", "By class", [perClassBody(results, classes), show(named("confusion_matrix_avg"))]);
    add(
      "calibration",
      "Can the probabilities be believed?",
      calibrationBody(results, design, classes.length, show(named("reliability", "risk_coverage"))),
    );
  }
  if (data.genes !== undefined)
    add(
      "genes",
      "Which genes decided?",
      genesBody(
        data.genes,
        show([...numbered(take, "Figure_Genes_"), ...named("genes_heatmap")]),
        show(named("genes_deletion")),
      ),
    );
  if (audit !== undefined) add("audit", "Audit", auditBody(audit, show(named("audit_inflation"))));

  add("input", "What went in", inputBody(data.data));
  add("protocol", "Protocol", protocolBody({ ...data, ...data.data }));

  const images = named("images_by_class");
  if (images.length > 0)
    add("images", "Images by class", [
      design.protocol === "inductive"
        ? el(
            "p",
            {},
            "By an encoder that was fitted on all samples, to look at. The nets saw other images: those of each fold's own encoder.",
          )
        : undefined,
      show(images),
    ]);

  const embeddings = [...take((n) => n.startsWith("embedding_")), ...named(...EMBEDDINGS)];
  if (embeddings.length > 0)
    add("embeddings", "Embeddings and pixels", [
      el(
        "p",
        {},
        "Each sample once, coloured, shaped and numbered by its label. The embeddings know nothing of the labels. They are fitted on all samples",
        design.protocol === "inductive"
          ? ", to look at: the nets saw others, fitted in each fold on its training samples."
          : ".",
      ),
      show(embeddings),
    ]);

  const curves = named("training_history");
  if (curves.length > 0) add("training", "Training", show(curves));

  const saliency = numbered(take, "Figure_Saliency_");
  if (saliency.length > 0)
    add("saliency", "Saliency", [
      el(
        "p",
        {},
        "Where a small change of a pixel would change the score of the predicted class most, for held-out samples that were classified rightly",
        data.finalNet === undefined ? "." : [" by ", bdi(data.finalNet), "."],
        " Each map has its own scale; brightness is not comparable between samples.",
        classes.length > MANY_CLASSES
          ? ` Of the ${whole(classes.length)} classes the largest ${MANY_CLASSES} have one.`
          : undefined,
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
          `${whole(data.data.samples)} samples × ${whole(data.data.genes)} genes, ${classes.length} ${classes.length === 1 ? "class" : "classes"} of `,
          bdi(data.data.label),
          results === undefined ? ". No net has been trained yet." : ".",
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
        sections.map((s) => el("section", { id: s.id }, el("h2", {}, s.title), s.body)),
      ),
      el("footer", {}, el("p", {}, "Made by cellhue. This file needs no network and runs no script.")),
    ),
  );
  return `<!doctype html>\n${page.source}\n`;
}

/** The figures <prefix>1, <prefix>2, … in their order. */
function numbered(take: (wanted: (name: string) => boolean) => Figure[], prefix: string): Figure[] {
  const at = ({ name }: Figure) => Number(name.slice(prefix.length));
  return take((name) => name.startsWith(prefix)).sort((a, b) => at(a) - at(b));
}

function pairs(title: string, rows: readonly (readonly [string, string])[]): Child {
  return rows.length === 0 ? undefined : [el("h3", {}, title), table(rows)];
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
  return scrolling("Files of this run", undefined, head(["file", "what it is", "size"]), rows, 40);
}
