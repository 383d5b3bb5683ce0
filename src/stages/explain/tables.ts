/** The tables of the stage explain: genes/genes_<class>.csv and genes/deletion.csv. */
import { descending } from "../../evaluate/ranks.js";
import { welchT } from "../../evaluate/welch-t.js";
import { type ClassGenes, geneRows } from "../../explain/aggregate.js";
import { compareWithNull } from "../../explain/null-attribution.js";
import { csvText } from "../../io/csv.js";
import type { CurveCheck, ExplainedClass, GenesReport } from "../../report/genes-report.js";
import type { GeneNames } from "../prepare.js";
import type { Work } from "./fold.js";

/** Genes of each class in the report. */
export const SHOWN = 20;

/**
 * @param nulls scores of the class's genes by nets on shuffled labels
 * @returns one entry a class, in the order of `byClass`
 */
export async function writeClasses(
  work: Work,
  names: GeneNames,
  byClass: ReadonlyMap<number, ClassGenes>,
  nulls: (code: number) => readonly Float64Array[],
): Promise<ExplainedClass[]> {
  const { samples, x, ctx } = work;
  const { t } = await welchT(x, samples.codes, samples.classes.length, byClass.keys(), {
    ...ctx,
    what: "tests of every gene",
  });
  const classes: ExplainedClass[] = [];
  for (const [code, genes] of byClass) {
    const tRanks = ranksOf(t.subarray(code * x.cols, (code + 1) * x.cols));
    const chance = nulls(code);
    const q = chance.length > 0 ? compareWithNull(genes.score, chance, true).q : null;
    classes.push(await writeClass(work, names, code, genes, q, tRanks));
  }
  return classes;
}

/** Rank of every gene by size, from 1. */
function ranksOf(scores: Float64Array): Int32Array {
  const ranks = new Int32Array(scores.length);
  descending(scores.map(Math.abs)).forEach((gene, at) => {
    ranks[gene] = at + 1;
  });
  return ranks;
}

async function writeClass(
  { run }: Work,
  { names, ids }: GeneNames,
  code: number,
  genes: ClassGenes,
  q: Float64Array | null,
  tRanks: Int32Array,
): Promise<ExplainedClass> {
  const { name: label, folder } = run.record.classes[code];
  const file = `genes/genes_${folder}.csv`;
  const rows = geneRows(genes, names).map((row, at) => {
    const column = genes.order[at];
    return { ...row, id: ids?.[column] ?? "", q: q?.[column] ?? null, tRank: tRanks[column] };
  });
  await run.write(
    file,
    csvText(
      ["gene", "id", "score", "sign", "rank", "stability", "q", "t_rank"],
      rows.map((row) => [row.gene, row.id, row.score, row.sign, row.rank, row.stability, row.q, row.tRank]),
    ),
  );
  return {
    label,
    file,
    samples: genes.samples,
    empty: genes.empty,
    significant: q === null ? null : q.reduce((n, v) => n + (v <= 0.05 ? 1 : 0), 0),
    top: rows
      .slice(0, SHOWN)
      .filter(({ rank }) => rank !== null)
      .map(({ gene, score, stability, q, tRank }) => ({ gene, score, stability, q, tRank })),
  };
}

/** Every point of the deletion and insertion curves, of both trainings where there are two. @returns the file */
export async function writeCurves({ run, settings }: Work, report: GenesReport): Promise<string> {
  const { checks, trainings } = report;
  const curves: [string, string, CurveCheck][] = [];
  for (const direction of ["deletion", "insertion"] as const) {
    curves.push([settings.train, direction, trainings?.guided[direction] ?? checks[direction]]);
    if (trainings !== null) curves.push(["standard", direction, trainings.standard[direction]]);
  }
  const file = "genes/deletion.csv";
  await run.write(
    file,
    csvText(
      ["training", "direction", "order", "share", "probability"],
      curves.flatMap(([training, direction, { curves }]) =>
        (["method", "random", "expression"] as const).flatMap((order) =>
          curves[order].map((value, i): (string | number)[] => [
            training,
            direction,
            order,
            curves.fractions[i],
            value,
          ]),
        ),
      ),
    ),
  );
  return file;
}
