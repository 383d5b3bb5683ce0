/** What a peer reads in a file, frozen as hashes by `test/oracles/h5ad.py` and others, and the comparison with it. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { columnAsLabels, columnAsText } from "../../src/io/labels.js";
import { type ExpressionReader, type OpenOptions, openExpression } from "../../src/io/reader.js";
import type { HeldMatrix } from "../../src/matrix.js";
import type { Column, Table } from "../../src/table.js";

export interface FrozenMatrix {
  storage: string;
  dtype: string;
  stored: number | null;
  shape: [number, number];
  sum: number;
  nan: number;
  sha: string;
}
export interface FrozenColumn {
  kind: Column["kind"];
  missing: number;
  sha: string;
  categories?: string[] | number;
  ordered?: boolean;
  integer?: boolean;
  counts?: Record<string, number>;
}
export interface FrozenTable {
  length: number;
  index: string;
  columns: Record<string, FrozenColumn>;
}
export interface Frozen {
  obs: FrozenTable;
  var: FrozenTable;
  X: FrozenMatrix | null;
  layers: Record<string, FrozenMatrix>;
  raw: { X: FrozenMatrix; var: FrozenTable } | null;
}

const sha = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex").slice(0, 32);

/** Entry for entry, as the oracle does it: dense rows, -0 as 0, NaN as 0. */
export function freezeMatrix(m: HeldMatrix): { sum: number; nan: number; sha: string } {
  const hash = createHash("sha256");
  const row = new Float32Array(m.cols);
  let sum = 0;
  let nan = 0;
  for (let i = 0; i < m.rows; i++) {
    if (m.kind === "dense") row.set(m.data.subarray(i * m.cols, (i + 1) * m.cols));
    else {
      row.fill(0);
      for (let k = m.indptr[i]; k < m.indptr[i + 1]; k++) row[m.indices[k]] = m.values[k];
    }
    for (let j = 0; j < row.length; j++) {
      if (Number.isNaN(row[j])) nan++;
      row[j] = Number.isNaN(row[j]) ? 0 : row[j] + 0;
      if (Number.isFinite(row[j])) sum += row[j];
    }
    hash.update(new Uint8Array(row.buffer));
  }
  return { sum, nan, sha: hash.digest("hex").slice(0, 32) };
}

function freezeColumn(column: Column): FrozenColumn {
  const texts = columnAsText(column);
  const out: FrozenColumn = {
    kind: column.kind,
    missing: texts.filter((t) => t === null).length,
    sha:
      column.kind === "number"
        ? sha(new Uint8Array(column.values.map((v) => (Number.isNaN(v) ? 0 : v)).buffer))
        : sha(texts.map((t) => t ?? "\0").join("\x1f")),
  };
  if (column.kind === "categorical") {
    out.categories = column.categories.length > 60 ? column.categories.length : [...column.categories];
    out.ordered = column.ordered;
  }
  if (column.kind === "number") out.integer = column.integer;
  const counts = new Map<string, number>();
  for (const label of columnAsLabels(column))
    if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (counts.size > 0 && counts.size <= 40) out.counts = Object.fromEntries(counts);
  return out;
}

export function expectTable(table: Table, expected: FrozenTable): void {
  expect(table.length).toBe(expected.length);
  expect(sha(table.index.join("\x1f"))).toBe(expected.index);
  expect([...table.columns.keys()]).toEqual(Object.keys(expected.columns));
  for (const [name, column] of table.columns) {
    const { counts, ...rest } = expected.columns[name];
    const { counts: read, ...found } = freezeColumn(column);
    expect(found, name).toEqual(rest);
    if (counts !== undefined) expect(read, name).toEqual(counts);
  }
}

export function expectMatrix(reader: ExpressionReader, expected: FrozenMatrix): void {
  expect([reader.samples, reader.genes]).toEqual(expected.shape);
  expect(reader.x).toMatchObject({
    storage: expected.storage,
    dtype: expected.dtype,
    nonzero: expected.stored,
  });
  const m = reader.readMatrix();
  expect([m.rows, m.cols]).toEqual(expected.shape);
  expect(m.kind).toBe(expected.storage === "dense" ? "dense" : "csr");
  if (m.kind === "csr") {
    let rising = m.indptr[0] === 0 && m.indptr[m.rows] === m.indices.length;
    for (let i = 0; i < m.rows; i++)
      for (let k = m.indptr[i] + 1; k < m.indptr[i + 1]; k++) rising &&= m.indices[k] > m.indices[k - 1];
    expect(rising).toBe(true);
  }
  const read = freezeMatrix(m);
  expect(read.sha).toBe(expected.sha);
  expect(read.nan).toBe(expected.nan);
  expect(Math.abs(read.sum - expected.sum)).toBeLessThanOrEqual(1e-9 * Math.abs(expected.sum) + 1e-6);
}

export async function using<T>(
  path: string,
  options: OpenOptions,
  work: (reader: ExpressionReader) => T,
): Promise<T> {
  const reader = await openExpression(path, options);
  try {
    return work(reader);
  } finally {
    reader.close();
  }
}

export async function refusal(work: () => unknown): Promise<CellhueError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(CellhueError);
    return error as CellhueError;
  }
  throw new Error("nothing was thrown");
}
/** The whole file: obs, var, X, every layer and raw. */
export async function expectFile(path: string, expected: Frozen): Promise<void> {
  await using(path, { requireX: false }, (reader) => {
    expectTable(reader.obs(), expected.obs);
    expectTable(reader.var(), expected.var);
    expect(reader.skippedColumns).toEqual([]);
    expect(reader.layers).toEqual(Object.keys(expected.layers));
    expect(reader.hasRaw).toBe(expected.raw !== null);
    if (expected.X === null) expect(reader.x.storage).toBe("none");
    else expectMatrix(reader, expected.X);
  });
  for (const [layer, matrix] of Object.entries(expected.layers)) {
    await using(path, { layer }, (reader) => {
      expect(reader.x.source).toBe(`layers/${layer}`);
      expectMatrix(reader, matrix);
    });
  }
  const { raw } = expected;
  if (raw !== null) {
    await using(path, { useRaw: true }, (reader) => {
      expect(reader.x.source).toBe("raw/X");
      expectMatrix(reader, raw.X);
      expectTable(reader.var(), raw.var);
    });
  }
}
