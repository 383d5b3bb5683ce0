/**
 * Enrich: gene sets of a .gmt file among the genes that decided, class by class: over-representation among the strongest, and
 * rank enrichment over all. The background is the genes that have a score, since no other could have been found. Writes
 * gene_sets_<class>.csv beside the tables of the genes, or into `out`.
 */
import { join } from "node:path";
import { CellhueError } from "../errors.js";
import { overRepresentation } from "../evaluate/over-representation.js";
import { rankEnrichment } from "../evaluate/rank-enrichment.js";
import { csvText, parseCsv } from "../io/csv.js";
import { readGmt } from "../io/gmt.js";
import { placeGeneSets } from "../io/place-gene-sets.js";
import { RunFolder } from "../io/run-folder.js";
import { shellWord } from "../io/visible.js";
import type { GenesReport } from "../report/genes-report.js";
import type { StageContext } from "./context.js";

export interface EnrichOptions {
  /** The .gmt file. */
  geneSets: string;
  /** Strongest genes of a class that over-representation looks at; default: 50. */
  top?: number;
}

export interface Enrichment {
  schema: "cellhue.enrichment/1";
  run: string;
  sets: number;
  classes: {
    label: string;
    file: string;
    /** Genes that have a score. */
    genes: number;
    /** The best by over-representation. */
    best: { set: string; found: number; size: number; q: number; rankQ: number }[];
  }[];
  notes: string[];
}

const SHOWN = 5;

/** @throws CellhueError where genes are not explained yet, the file is no .gmt, or no set has a gene of the run */
export async function enrichRun(
  folder: string,
  { geneSets, top = 50 }: EnrichOptions,
  ctx: StageContext,
): Promise<Enrichment> {
  if (!(Number.isInteger(top) && top > 0))
    throw new CellhueError("--top is not a number of genes", { found: String(top), expected: "1 or more" });
  const run = await RunFolder.open(folder);
  try {
    if (run.record.stages.explain?.state !== "done")
      throw new CellhueError("the genes of this run are not explained yet", {
        where: run.root,
        remedy: `cellhue explain ${shellWord(run.root)}`,
      });
    const { sets, notes } = await readGmt(geneSets);
    for (const note of notes) ctx.progress.note(note);
    const report = await run.readJson<GenesReport>("genes.json");
    const classes: Enrichment["classes"] = [];
    for (const { label, file } of report.classes) {
      const [header, ...rows] = parseCsv(await run.readText(file));
      const at = (name: string) => header.indexOf(name);
      const scored = rows.filter((cells) => Number(cells[at("score")]) !== 0); // rank by rank
      const index = scored.map((cells) => cells[at("gene")]);
      const others = new Map([["id", scored.map((cells) => cells[at("id")] || null)]]);
      const placed = placeGeneSets(sets, { index, others }, geneSets);
      const scores = scored.map((cells) => Number(cells[at("score")]));
      const usable = placed.sets.filter(({ genes }) => genes.length < scored.length);
      const picked = Int32Array.from({ length: Math.min(top, scored.length) }, (_, i) => i);
      const over = overRepresentation(usable, picked, scored.length);
      const ranks = rankEnrichment(usable, scores);
      const order = [...over.keys()].sort((a, b) => over[a].p - over[b].p || ranks[a].p - ranks[b].p);
      const out = join("genes", file.replace(/^genes\/genes_/, "gene_sets_"));
      await run.write(
        out,
        csvText(
          [
            "set",
            "genes",
            "found",
            "expected",
            "p",
            "q",
            "genes_found",
            "rank_auc",
            "rank_z",
            "rank_p",
            "rank_q",
          ],
          order.map((i) => [
            over[i].name,
            over[i].size,
            over[i].found.length,
            over[i].expected,
            over[i].p,
            over[i].q,
            Array.from(over[i].found, (gene) => index[gene]).join(" "),
            ranks[i].auc,
            ranks[i].z,
            ranks[i].p,
            ranks[i].q,
          ]),
        ),
      );
      classes.push({
        label,
        file: out,
        genes: scored.length,
        best: order.slice(0, SHOWN).map((i) => ({
          set: over[i].name,
          found: over[i].found.length,
          size: over[i].size,
          q: over[i].q,
          rankQ: ranks[i].q,
        })),
      });
    }
    return { schema: "cellhue.enrichment/1", run: run.root, sets: sets.length, classes, notes };
  } finally {
    run.close();
  }
}

export function formatEnrichment({ classes, sets }: Enrichment): string {
  const lines = [`${sets} gene sets among the genes that decided (q: false-discovery rate):`];
  for (const { label, file, best } of classes) {
    lines.push(`${label} (${file})`);
    for (const { set, found, size, q, rankQ } of best)
      lines.push(
        `  ${set}: ${found} of ${size} genes among the strongest, q ${q.toPrecision(2)}; by ranks q ${rankQ.toPrecision(2)}`,
      );
  }
  return lines.join("\n");
}
