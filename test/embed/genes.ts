/** Reads test/fixtures/genes.json, the oracle of the choice of genes and of scaling. */
import { readFileSync } from "node:fs";
import { openExpression } from "../../src/io/reader.js";
import type { CsrMatrix, DenseMatrix, HeldMatrix } from "../../src/matrix.js";

interface Choices {
  choices: { count: number; variance: number[]; seurat: number[] | null }[];
}
interface RealSet extends Choices {
  name: string;
  path: string;
  raw: boolean;
  log: boolean;
  genes: number[];
  mean: number[];
  sd: number[];
  spots: number[];
  scaled: number[];
}
interface MadeCase extends Choices {
  name: string;
  rows: number;
  cols: number;
  x: string;
  maxValue: number | null;
  scaled: string;
}
export const oracle: { sets: RealSet[]; cases: MadeCase[] } = JSON.parse(
  readFileSync("test/fixtures/genes.json", "utf8"),
);

export const floats = (base64: string) =>
  new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);

export const madeMatrix = ({ rows, cols, x }: MadeCase): DenseMatrix => ({
  kind: "dense",
  rows,
  cols,
  data: floats(x),
});

export async function readSet({ path, raw, log }: RealSet): Promise<HeldMatrix> {
  const reader = await openExpression(path, { useRaw: raw });
  try {
    const x = reader.readMatrix();
    const values = x.kind === "csr" ? x.values : x.data;
    if (log) for (let p = 0; p < values.length; p++) values[p] = Math.log1p(values[p]);
    return x;
  } finally {
    reader.close();
  }
}

/** Every third row left out. */
export const trainRows = (n: number) =>
  Int32Array.from({ length: n }, (_, i) => i).filter((i) => i % 3 !== 2);

export function toCsr({ rows, cols, data }: DenseMatrix): CsrMatrix {
  const at = Array.from(data.keys()).filter((p) => data[p] !== 0);
  const indptr = new Float64Array(rows + 1);
  for (const p of at) indptr[Math.floor(p / cols) + 1]++;
  for (let i = 0; i < rows; i++) indptr[i + 1] += indptr[i];
  return {
    kind: "csr",
    rows,
    cols,
    indptr,
    indices: Int32Array.from(at, (p) => p % cols),
    values: Float32Array.from(at, (p) => data[p]),
  };
}

/** Some rows of a matrix as a dense one. */
export function denseRows(x: HeldMatrix, rows: Int32Array): DenseMatrix {
  const data = new Float32Array(rows.length * x.cols);
  rows.forEach((i, r) => {
    if (x.kind === "dense") data.set(x.data.subarray(i * x.cols, (i + 1) * x.cols), r * x.cols);
    else for (let p = x.indptr[i]; p < x.indptr[i + 1]; p++) data[r * x.cols + x.indices[p]] = x.values[p];
  });
  return { kind: "dense", rows: rows.length, cols: x.cols, data };
}
