/**
 * docs/formats.md, made from what is really read: every file of ../shared/data and its formats/, the fixtures of every
 * format, and what is refused. `npm run formats` writes it; as a test it must be the same.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { describeGenes } from "../../src/io/gene-names.js";
import { describeMatrix } from "../../src/io/matrix-state.js";
import { openExpression } from "../../src/io/reader.js";
import { expectFile, type Frozen } from "./frozen.js";

const shared = "../shared/data";
const oracle = (name: string) =>
  (JSON.parse(readFileSync(`test/fixtures/${name}.json`, "utf8")) as { files: Record<string, Frozen> }).files;
const frozen = {
  ...oracle("h5ad"),
  ...oracle("hdf5"),
  ...oracle("zarr"),
  ...oracle("formats"),
  ...oracle("rds"),
};

/** Who wrote a file, where its name does not say it. */
const writers: Record<string, string> = {
  "10x_pbmc68k_reduced.h5ad": "scanpy, anndata 0.5",
  "infercnvpy_oligodendroglioma.h5ad": "infercnvpy, anndata 0.7",
  "oligodendroglioma_expression_downsampled.counts.matrix.gz": "R (infercnv)",
  "anndata-rs_sample.h5ad": "anndata-rs (Rust)",
  "anndata_v0.5.0.h5ad": "anndata 0.5.0",
  "anndata_v0.7.0.h5ad": "anndata 0.7.0",
  "anndata_v0.7.8.h5ad": "anndata 0.7.8",
  "anndata_v0.7.8.zarr.zip": "anndata 0.7.8",
  "anndata_v0.11.4.h5ad": "anndata 0.11.4",
  "anndata_v0.11.4.zarr.zip": "anndata 0.11.4",
  "czi_example_valid.h5ad": "CZI single-cell curation",
  "gbm_dense_lzf.h5ad": "anndata, lzf",
  "gbm_dense_zstd.h5ad": "anndata, zstd (hdf5plugin)",
  "gbm_f64_nullable_missing.h5ad": "anndata, nullable columns",
  "gbm_v2.zarr": "anndata, zarr 2",
  "oligo_csc_gzip.h5ad": "anndata, gzip",
  "scanpy_pbmc68k_reduced.zarr.zip": "scanpy, zarr 3 with shards",
  "scp_valid.h5ad": "Single Cell Portal",
  "squidpy_test_data.h5ad": "squidpy",
  "tiledbsoma_multiome_subset_100_100.h5ad": "TileDB-SOMA",
  "zellkonverter_example_anndata.h5ad": "zellkonverter (R)",
  "zellkonverter_krumsiek11.h5ad": "zellkonverter (R)",
  "zellkonverter_krumsiek11_augmented_v0-8.h5ad": "zellkonverter (R), anndata 0.8",
};
const many = (n: number) => n.toLocaleString("en-US");
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

async function isEqual(path: string): Promise<string> {
  if (frozen[path] === undefined) return "not compared";
  await expectFile(path, frozen[path]);
  const { X, layers, raw, obs, var: genes } = frozen[path];
  const parts = [
    X === null ? "no X" : "X",
    ...(Object.keys(layers).length > 0 ? [`${Object.keys(layers).length} layers`] : []),
    ...(raw === null ? [] : ["raw"]),
    `${Object.keys(obs.columns).length} + ${Object.keys(genes.columns).length} columns`,
    "names",
  ];
  return `yes: ${parts.join(", ")}`;
}

async function line(path: string): Promise<string> {
  const reader = await openExpression(path, { requireX: false });
  try {
    const { x } = reader;
    const state = x.storage === "none" ? null : await describeMatrix(reader.readMatrix());
    const cells = [
      `\`${path.slice(shared.length + 1)}\``,
      writers[basename(path)] ?? "anndata",
      reader.format,
      `${many(reader.samples)} × ${many(reader.genes)}`,
      x.storage === "none"
        ? "none"
        : `${x.storage === "dense" ? "dense" : x.storage.toUpperCase()} ${x.dtype}`,
      state === null ? "says so, and offers what there is instead" : `${state.state}: ${state.evidence}`,
      describeGenes(reader.var().index).kind,
      await isEqual(path),
    ];
    return `| ${cells.map(cell).join(" | ")} |`;
  } finally {
    reader.close();
  }
}

/** What is refused: a name, the bytes. */
const refused: [string, Uint8Array | string][] = [
  ["session.RData", gzipSync(Buffer.from("RDX3\nX\n"))],
  ["sheet.xls", Buffer.from("d0cf11e0a1b11ae1", "hex")],
  ["data.h5ad.gz", gzipSync(Buffer.from("\x89HDF\r\n\x1a\n", "latin1"))],
  ["data.tar.gz", gzipSync(Buffer.concat([Buffer.alloc(257), Buffer.from("ustar"), Buffer.alloc(250)]))],
  ["data.csv.bz2", Buffer.from("BZh91AY&SY\0")],
  ["data.parquet", Buffer.from("PAR1\0\0")],
  ["page.h5ad", "<!DOCTYPE html>"],
  ["pointer.h5ad", "version https://git-lfs.github.com/spec/v1\n"],
  ["empty.h5ad", ""],
  ["commas.csv", "g;a;b\nx;1,234;5\n"],
  ["symmetric.csv", ",a,b\nx,1,2\ny,4,5\n"],
];

async function refusalLine(name: string, path: string): Promise<string> {
  try {
    const reader = await openExpression(path);
    try {
      reader.readMatrix();
    } finally {
      reader.close();
    }
  } catch (error) {
    if (!(error instanceof CellhueError)) throw error;
    const { found, remedy = [] } = error.parts;
    return `| ${[`\`${name}\``, error.message, found ?? "", [remedy].flat().join("; ")].map(cell).join(" | ")} |`;
  }
  throw new Error(`${name} was read`);
}

it.skipIf(!existsSync(`${shared}/formats`))(
  "docs/formats.md is what is really read",
  { timeout: 60_000 },
  async () => {
    const isData = (name: string) => /\.(h5ad|zarr|zip|gz)$/.test(name);
    const files = ["", "formats/"].flatMap((folder) =>
      readdirSync(`${shared}/${folder}`)
        .filter(isData)
        .sort()
        .map((name) => `${shared}/${folder}${name}`),
    );
    const lines: string[] = [];
    for (const path of files) lines.push(await line(path));

    const filters = Object.keys(frozen["test/fixtures/hdf5/filters.h5ad"].layers).length;
    const fixtures: string[] = [];
    for (const [title, oracleName, peer] of [
      ["`.h5ad`: columns, dtypes, chunks, CSR, CSC, empty ones", "h5ad", "anndata"],
      [`HDF5: superblocks 0 to 3, user block, ${filters} filters`, "hdf5", "anndata, h5py, hdf5plugin"],
      ["zarr 2 and 3: dtypes, codecs, shards, order, fill values", "zarr", "anndata, zarr-python"],
      ["10x `.h5`, Matrix Market, `.loom`, text", "formats", "scanpy, loompy, pandas"],
      [
        "`.rds`: matrix, dgCMatrix, data frame, (Ranged)SummarizedExperiment, SingleCellExperiment",
        "rds",
        "rdata",
      ],
    ]) {
      const own = Object.keys(oracle(oracleName)).filter((path) => path.startsWith("test/fixtures"));
      let matrices = 0;
      for (const path of own) {
        await expectFile(path, frozen[path]);
        const { X, layers, raw } = frozen[path];
        matrices += (X === null ? 0 : 1) + Object.keys(layers).length + (raw === null ? 0 : 1);
      }
      fixtures.push(`| ${title} | ${own.length} | ${matrices} | ${peer} | all |`);
    }

    const folder = mkdtempSync(join(tmpdir(), "cellhue-doc-"));
    const refusals: string[] = [];
    for (const [name, data] of refused) {
      const path = join(folder, name);
      writeFileSync(path, data);
      refusals.push(await refusalLine(name, path));
    }
    rmSync(folder, { recursive: true });
    for (const path of [
      "test/fixtures/hdf5/refused_blosc.h5",
      "test/fixtures/hdf5/refused_claims.h5",
      "test/fixtures/formats/tenx_v2_two.h5",
      "test/fixtures/h5ad/empty.h5",
      "test/fixtures/rds/s4_matrix_dgt.rds",
    ]) {
      refusals.push(await refusalLine(basename(path), path));
    }

    const text = `# Formats
Made by \`npm run formats\` from what is really read; a test holds it to that. \`npm run formats:peers\` first freezes anew how
the Python peers (anndata, scanpy, pandas, loompy, rdata; \`$PEER_PYTHON\`) read the same files.

The format is found by content, not by name. Every entry of X, of each layer and of raw, every column of obs and var with
its categories and missing values, and all names are compared, entry for entry (by SHA-256), with what anndata reads.

## Files of other people's tools
| file | written by | format | samples × genes | X | what X seems to hold | gene names | equal to anndata's (or pandas') |
|---|---|---|---|---|---|---|---|
${lines.join("\n")}

## Files made for the tests
| what | files | matrices | compared with | equal |
|---|---|---|---|---|
${fixtures.join("\n")}

## Refused, and why
| file | said | found | remedy offered |
|---|---|---|---|
${refusals.join("\n")}

## Tables of text: which way they lie
\`--orientation genes-in-rows\` or \`samples-in-rows\` sets it. Else the first of these that tells, and it is said which:
1. the table of labels (\`--labels\`) names the samples of one side;
2. the corner cell: \`gene\`, \`gene_id\`, \`ID_REF\`, \`symbol\` … or \`sample\`, \`cell\`, \`barcode\`, \`patient\` …;
3. one side has names of genes: Ensembl, Affymetrix, Illumina, or genes that every data set has;
4. one side has names of samples: GSM…, TCGA-…, SRR…, cell barcodes;
5. the longer side holds the genes, which is said to be a guess; as many of both is refused.

Delimiter: tab, semicolon, comma or blanks, whichever splits all lines alike and gives the most numbers. A header may have
one cell fewer (R). Decimal commas are read where they cannot be separators of thousands. Columns (and leading rows) of text
become columns of obs or var. Missing: nothing, NA, NaN, N/A, #N/A; anything else that is no number is an error with its line.

## Bounds
What is unpacked at once may have 256 MiB, or else 2,000 times the bytes of the file; a line of text 256 MiB; a table of text
2^30 numbers; a chunk of HDF5 256 MiB, or else twice its dataset. Claims (shapes, sizes of chunks and of zip entries) are
compared with this before memory is taken. Nothing is unpacked to disk but X, where it
is larger than --memory and does not lie by rows: by rows, into a temporary file without a name (\`TMPDIR\` says where). HDF5 is read in a thread of its own: a call that
stands still for 10 seconds (the library goes round for ever in some damaged files) is given up with an error.
\`npm run fuzz\` reads 20,000 mutated files of every kind, in processes of their own, each within 20 s and 1 GiB; the tests
2,000 of them. HDF5 1.14 reads what \`libver='latest'\` of HDF5 up to 1.14 writes (superblocks 2 and 3, new groups); layouts
that only HDF5 2 knows are refused, and so are blosc and blosc2 with zlib or snappy within HDF5 (zarr: all that blosc has).
`;
    await expect(text).toMatchFileSnapshot("../../docs/formats.md");
  },
);
