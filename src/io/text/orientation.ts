/**
 * Which way a table lies: genes in rows or samples in rows. In this order, the first that tells:
 * 1. the table of labels names the samples of one side, or a model the genes;
 * 2. the corner cell says what the names below it are ("gene_id", "ID_REF", "sample" …);
 * 3. one side holds names like genes (Ensembl, Affymetrix, genes that every data set has);
 * 4. one side holds names like samples (GSM…, TCGA-…, cell barcodes);
 * 5. there are more genes than samples: the longer side. Said to be a guess.
 */
import { CellhueError } from "../../errors.js";
import type { Orientation } from "../reader.js";
import { visible } from "../visible.js";

export type Told = { orientation: Exclude<Orientation, "auto">; why: string };

const GENE_WORD =
  /^(genes?|gene[ _.-]?(ids?|names?|symbols?)|symbols?|id_ref|probes?|probe(set)?[ _.-]?(ids?|names?)|ensembl.*|hgnc.*|hugo.*|entrez.*|features?|feature[ _.-]?(id|name)s?|transcripts?|transcript[ _.-]?(id|name)s?|name)$/i;
const SAMPLE_WORD =
  /^(samples?|sample[ _.-]?(ids?|names?)|cells?|cell[ _.-]?(ids?|names?)|barcodes?|patients?|patient[ _.-]?(ids?|names?)|cases?|subjects?|tumou?rs?|geo_accession)$/i;
const GENE_NAME =
  /^(ENS[A-Z]*[GT]\d{6,}(\.\d+)?|\d+(_[a-z])?_at|AFFX-.*|ILMN_\d+|LOC\d+|LINC\d+|MIR\d+\w*|(RP[LS]|ZNF|KRT|MRP[LS]|TMEM|CCDC|FAM|SLC)\d+\w*|MT-\w+|HLA-\w+)$/i;
/** Genes that arrays and sequencing of man and mouse alike measure. */
const COMMON = new Set(
  "ACTB GAPDH B2M TP53 MYC EGFR PTEN KRAS BRCA1 VEGFA CD4 CD8A CD44 GFAP OLIG2 SOX2 PDGFRA NES VIM A1BG A2M AKT1 APOE BRAF CCND1 CDK4 CDKN2A EEF1A1 ERBB2 ESR1 FN1 FTL HPRT1 HSP90AA1 IDH1 IL6 JUN LDHA MKI67 NF1 NOTCH1 PCNA PGK1 PTPRC RB1 STAT3 TBP TGFB1 TNF TUBB UBC YWHAZ".split(
    " ",
  ),
);
const SAMPLE_NAME = /^(GSM\d+.*|TCGA[-.]\w\w[-.].*|[SED]RR\d+.*|([\w-]*[_:])?[ACGT]{10,}([-_.]\d+)?)$/;

/**
 * @param corner the cell above the names of the rows
 * @param samples names of samples that are known, from a table of labels
 * @param genes names of genes that are known, from a model
 * @throws CellhueError where nothing tells
 */
export function orient(
  { corner, rows, columns }: { corner: string; rows: readonly string[]; columns: readonly string[] },
  samples: ReadonlySet<string> | null,
  where: string,
  genes: ReadonlySet<string> | undefined,
): Told {
  const told = (genesInRows: boolean, why: string): Told => ({
    orientation: genesInRows ? "genes-in-rows" : "samples-in-rows",
    why,
  });
  if (samples !== null) {
    const [inRows, inColumns] = [rows, columns].map((names) => names.filter((n) => samples.has(n)).length);
    if (inRows !== inColumns) {
      return told(
        inColumns > inRows,
        `the labels name ${Math.max(inRows, inColumns)} of the ${inColumns > inRows ? "columns" : "rows"}`,
      );
    }
  }
  if (genes !== undefined) {
    const [inRows, inColumns] = [rows, columns].map((names) => names.filter((n) => genes.has(n)).length);
    if (inRows !== inColumns)
      return told(
        inRows > inColumns,
        `${Math.max(inRows, inColumns)} of the ${inRows > inColumns ? "rows" : "columns"} are genes of the model`,
      );
  }
  if (GENE_WORD.test(corner)) return told(true, `the first column is called '${visible(corner, 40)}'`);
  if (SAMPLE_WORD.test(corner)) return told(false, `the first column is called '${visible(corner, 40)}'`);
  const like = (test: (name: string) => boolean) =>
    [rows, columns].map((names) => ({ n: names.length, hits: names.filter(test).length }));
  const likeGenes = moreOf(like((name) => COMMON.has(name.toUpperCase()) || GENE_NAME.test(name)));
  if (likeGenes !== null)
    return told(likeGenes === 0, `the ${likeGenes === 0 ? "rows" : "columns"} have names of genes`);
  const cells = moreOf(like((name) => SAMPLE_NAME.test(name)));
  if (cells !== null)
    return told(cells === 1, `the ${cells === 0 ? "rows" : "columns"} have names of samples`);
  if (rows.length === columns.length) {
    throw new CellhueError("genes and samples cannot be told apart", {
      where,
      found: `${rows.length} rows and as many columns, with names that tell nothing`,
      remedy: ["--orientation genes-in-rows", "--orientation samples-in-rows"],
    });
  }
  const genesInRows = rows.length > columns.length;
  return told(
    genesInRows,
    `a guess, as there are more ${genesInRows ? "rows than columns" : "columns than rows"}; if wrong: --orientation ${genesInRows ? "samples-in-rows" : "genes-in-rows"}`,
  );
}

/** 0 or 1: the side with clearly more hits; null where neither has. */
function moreOf([a, b]: { n: number; hits: number }[]): 0 | 1 | null {
  const share = ({ n, hits }: { n: number; hits: number }) => (n === 0 ? 0 : hits / n);
  const enough = ({ n, hits }: { n: number; hits: number }) => hits >= 2 && hits >= 0.001 * n;
  if (enough(a) && share(a) > 2 * share(b)) return 0;
  if (enough(b) && share(b) > 2 * share(a)) return 1;
  return null;
}
