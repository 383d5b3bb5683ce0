/**
 * Gene sets from a .gmt file (MSigDB, Enrichr and others): a line a set, fields separated by tabs: name, description,
 * genes. Names stay as they are. What is forgiven: CRLF, blank lines and lines of comment (#), blanks around names, empty
 * fields, a gene named twice, a line that is there twice, a set without genes, and Enrichr's weights behind names
 * (`TP53,1.0`); what of this leaves something out is told in `notes`. Plain or gzip.
 * Reference: the Broad Institute's data formats of GSEA, "GMT: Gene Matrix Transposed".
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { CellhueError } from "../errors.js";
import { noSuchFile, unreadable } from "./content.js";
import { SMALL } from "./limits.js";
import { eachLine } from "./lines.js";
import { visible } from "./visible.js";

export interface GeneSet {
  name: string;
  description: string;
  /** Each once, in the file's order; at least one. */
  genes: string[];
}

export interface GeneSets {
  /** In the file's order, no name twice. */
  sets: GeneSet[];
  /** What was left out, a sentence each. */
  notes: string[];
}

const WEIGHT = /,-?\d+(\.\d*)?(e[-+]?\d+)?$/i;

/** @throws CellhueError no such file, unreadable, no .gmt (with the number of the line), over 256 MiB of text */
export async function readGmt(path: string): Promise<GeneSets> {
  const found = new Map<string, { set: GeneSet; line: number }>();
  let repeatedGenes = 0;
  let repeatedLines = 0;
  const empty: string[] = [];
  let size = 0;
  await eachLine(path, isGzip(path), (text, line) => {
    size += text.length + 1;
    if (size > SMALL)
      throw new CellhueError("the .gmt file is too large", {
        where: path,
        found: `more than ${SMALL} characters`,
        expected: "at most that; all of MSigDB has a tenth",
        remedy: "keep the collections that are asked about",
      });
    if (text.trim() === "" || (text.startsWith("#") && !text.includes("\t"))) return;
    const [name, description, ...fields] = text.split("\t").map((field) => field.trim());
    if (description === undefined || name === "") throw notGmt(path, line, text);
    const given = fields.map((field) => field.replace(WEIGHT, "")).filter((gene) => gene !== "");
    const genes = [...new Set(given)];
    if (genes.length === 0) {
      empty.push(name);
      return;
    }
    const known = found.get(name);
    if (known === undefined) {
      repeatedGenes += given.length - genes.length;
      found.set(name, { set: { name, description, genes }, line });
    } else if (sameGenes(known.set.genes, genes)) repeatedLines++;
    else throw twoSets(path, name, known.line, line);
  });
  if (found.size === 0)
    throw new CellhueError("the .gmt file has no gene set", {
      where: path,
      found: empty.length === 0 ? "no line with text" : `${counted(empty.length, "set")} without genes`,
      expected: "a line a set: name, description and genes, separated by tabs",
      remedy: "download the file again",
    });
  const notes: string[] = [];
  if (empty.length > 0)
    notes.push(
      `${counted(empty.length, "set")} without genes left out: ${visible(empty[0], 60)}${empty.length > 1 ? ", …" : ""}`,
    );
  if (repeatedLines > 0)
    notes.push(
      `${counted(repeatedLines, "line")} that ${repeatedLines === 1 ? "repeats" : "repeat"} a set left out`,
    );
  if (repeatedGenes > 0) notes.push(`${counted(repeatedGenes, "gene")} that a set names again left out`);
  return { sets: [...found.values()].map(({ set }) => set), notes };
}

function sameGenes(a: readonly string[], b: readonly string[]): boolean {
  const known = new Set(a);
  return a.length === b.length && b.every((gene) => known.has(gene));
}

function isGzip(path: string): boolean {
  try {
    if (statSync(path).isDirectory())
      throw new CellhueError("this is a folder, not a file", {
        where: path,
        expected: "a .gmt file of gene sets",
      });
    const head = Buffer.alloc(2);
    const fd = openSync(path, "r");
    try {
      readSync(fd, head, 0, 2, 0);
    } finally {
      closeSync(fd);
    }
    return head[0] === 0x1f && head[1] === 0x8b;
  } catch (cause) {
    if (cause instanceof CellhueError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw code === "ENOENT" || code === "ENOTDIR" ? noSuchFile(path, cause) : unreadable(path, cause);
  }
}

function notGmt(path: string, line: number, text: string): CellhueError {
  return new CellhueError("this is not a .gmt file of gene sets", {
    where: `${path}, line ${line}`,
    found: text.includes("\t") ? "a set without a name" : `no tab in '${visible(text, 60)}'`,
    expected: "a line a set: name, description and genes, separated by tabs",
    remedy: /^\s*[{<]/.test(text)
      ? "download the sets as .gmt, not as JSON, XML or a web page"
      : "write each set as NAME<tab>DESCRIPTION<tab>GENE<tab>GENE …",
  });
}

function twoSets(path: string, name: string, first: number, second: number): CellhueError {
  return new CellhueError("two different gene sets have the same name", {
    where: `${path}, lines ${first} and ${second}`,
    found: `'${visible(name, 80)}' with different genes`,
    expected: "a name for each set",
    remedy: "rename one of them, or put their genes into one line",
  });
}

const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
