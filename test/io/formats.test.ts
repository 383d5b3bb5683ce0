import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/errors.js";
import { openExpression } from "../../src/io/reader.js";
import { expectFile, type Frozen, refusal, using } from "./frozen.js";

const frozen = JSON.parse(readFileSync("test/fixtures/formats.json", "utf8")) as {
  files: Record<string, Frozen>;
};
const fixture = (name: string) => `test/fixtures/formats/${name}`;

describe("10x, Matrix Market, loom and text equal what scanpy, loompy and pandas read", () => {
  for (const [path, expected] of Object.entries(frozen.files)) {
    it.skipIf(!existsSync(path))(path, () => expectFile(path, expected));
  }
});

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cellhue-formats-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const put = (name: string, data: string | Uint8Array) => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  return path;
};

describe("10x .h5", () => {
  it("says which features are left out", async () => {
    await using(fixture("tenx_v3.h5"), {}, (reader) => {
      expect(reader.notes).toEqual([
        "1 features that are not gene expression are left out (Antibody Capture)",
      ]);
      expect(reader.format).toBe("10x h5 (CellRanger 3 or later)");
    });
  });
  it("asks for the genome where there are several", async () => {
    const e = await refusal(() => openExpression(fixture("tenx_v2_two.h5")));
    expect(e.parts.remedy).toEqual(["--layer hg19", "--layer mm10"]);
    await using(fixture("tenx_v2_two.h5"), { layer: "mm10" }, (reader) => {
      expect(reader.x.source).toBe("layers/mm10");
      const m = reader.readMatrix();
      expect(m.kind === "csr" && m.values.every((v) => v % 2 === 0 && v > 0)).toBe(true);
    });
  });
  it("has no raw, and no other layers", async () => {
    expect((await refusal(() => openExpression(fixture("tenx_v3.h5"), { useRaw: true }))).message).toContain(
      "no raw",
    );
    expect((await refusal(() => openExpression(fixture("tenx_v3.h5"), { layer: "x" }))).message).toContain(
      "no layer",
    );
  });
  it("without its parts is refused", async () => {
    const e = await refusal(() => openExpression(fixture("tenx_broken.h5")));
    expect(e.message).toBe("matrix/indices is not as CellRanger writes it");
  });
});

describe("loom", () => {
  it("names cells and genes by what there is, and says so", async () => {
    await using(fixture("unnamed.loom"), {}, (reader) => {
      expect(reader.obs().index[8]).toBe("c8");
      expect(reader.var().index).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
      expect(reader.skippedColumns).toEqual(["obs/pca"]);
      expect(reader.notes).toHaveLength(2);
      expect(reader.readMatrix()).toMatchObject({ kind: "dense", rows: 9, cols: 7 });
    });
  });
});

describe("Matrix Market", () => {
  const barcodes = "c1\nc2\n";
  const genes = "TP53\nEGFR\nACTB\n";
  const banner = "%%MatrixMarket matrix coordinate integer general\n";
  const made = (
    matrix: string,
    files: Record<string, string> = { "barcodes.tsv": barcodes, "genes.tsv": genes },
  ) => {
    rmSync(join(folder, "mtx"), { recursive: true, force: true });
    for (const [name, data] of Object.entries(files)) put(`mtx/${name}`, data);
    return put("mtx/matrix.mtx", matrix);
  };
  it("may be given by its matrix, hold cells × genes, patterns, entries twice", async () => {
    await using(made(`${banner}% x\n2 3 3\n1 1 5\n2 3 1\n2 3 2\n`), {}, (reader) => {
      expect([...(reader.readMatrix() as { values: Float32Array }).values]).toEqual([5, 3]);
      expect(reader.notes).toEqual(["the matrix holds cells × genes, not genes × cells as 10x writes it"]);
    });
    await using(made("%%MatrixMarket matrix coordinate pattern general\n3 2 1\n3 2\n"), {}, (reader) => {
      const m = reader.readMatrix();
      expect(m).toMatchObject({ kind: "csr", rows: 2, cols: 3 });
      expect(reader.var().index).toEqual(["TP53", "EGFR", "ACTB"]);
    });
  });
  it.each([
    ["cut short", `${banner}3 2 3\n1 1 5\n`, "1 entries"],
    ["too long", `${banner}3 2 1\n1 1 5\n1 2 5\n`, "more than 1 entries"],
    ["outside", `${banner}3 2 1\n4 1 5\n`, "entry 1: 4 1 5"],
    ["from 0", `${banner}3 2 1\n0 1 5\n`, "entry 1: 0 1 5"],
    ["no number", `${banner}3 2 1\n1 1 x\n`, "entry 1 without a number"],
    ["a value too few", `${banner}3 2 1\n1 1\n`, "entry 1: 1 1"],
    ["no size", banner, "no size"],
    ["2^60 entries", `${banner}3 2 1152921504606846976\n1 1 5\n`, "3 2 11529"],
    ["4 billion entries, but one", `${banner}3 2 4000000000\n1 1 5\n`, "1 entries"],
    ["dense", "%%MatrixMarket matrix array real general\n1 1\n1\n", "%%matrixmarket matrix array"],
    ["symmetric", "%%MatrixMarket matrix coordinate real symmetric\n1 1 1\n1 1 1\n", "symmetric"],
  ])("%s is refused", async (_, matrix, found) => {
    const before = process.memoryUsage.rss();
    const e = await refusal(() => openExpression(made(matrix)));
    expect(e.parts.found?.toLowerCase()).toContain(found.toLowerCase());
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 27);
  });
  it("that does not fit, or lacks its names, is refused", async () => {
    expect((await refusal(() => openExpression(made(`${banner}4 2 1\n1 1 5\n`)))).parts.found).toBe("4 × 2");
    const e = await refusal(() => openExpression(made(`${banner}3 2 0\n`, { "barcodes.tsv": barcodes })));
    expect(e.message).toBe("the matrix lies without its features");
    put("two/a_matrix.mtx", banner);
    put("two/b_matrix.mtx.gz", "");
    expect((await refusal(() => openExpression(join(folder, "two")))).message).toContain("several matrices");
  });
});

describe("text", () => {
  const shape = (path: string, options = {}) =>
    using(path, options, (r) => ({ samples: [...r.obs().index], genes: [...r.var().index], notes: r.notes }));

  it.each([
    [
      "the corner",
      "gene_id,a,b,c\nx,1,2,3\ny,4,5,6\n",
      "genes in rows: the first column is called 'gene_id'",
    ],
    [
      "the corner, samples",
      "sample,a,b\nx,1,2\ny,4,5\nz,1,1\n",
      "samples in rows: the first column is called 'sample'",
    ],
    [
      "names of genes",
      ",TP53,EGFR\nx,1,2\ny,4,5\nz,7,8\n",
      "samples in rows: the columns have names of genes",
    ],
    [
      "names of samples",
      ",GSM1,GSM2,GSM3,GSM4\nx,1,2,3,4\ny,4,5,5,6\n",
      "genes in rows: the columns have names of samples",
    ],
    [
      "the shape",
      ",a,b\nx,1,2\ny,4,5\nz,7,8\n",
      "genes in rows: a guess, as there are more rows than columns; if wrong: --orientation samples-in-rows",
    ],
  ])("the orientation is told by %s", async (_, data, note) => {
    expect((await shape(put("t.csv", data))).notes).toEqual([note]);
  });
  it("the orientation is refused where nothing tells, and may be set", async () => {
    const path = put("t.csv", ",a,b\nx,1,2\ny,4,5\n");
    expect((await refusal(() => openExpression(path))).message).toContain("cannot be told apart");
    expect((await shape(path, { orientation: "samples-in-rows" })).samples).toEqual(["x", "y"]);
    expect((await shape(path, { orientation: "genes-in-rows" })).samples).toEqual(["a", "b"]);
    const e = await refusal(() => openExpression(fixture("small.loom"), { orientation: "genes-in-rows" }));
    expect(e.message).toBe("--orientation is for tables of text");
  });
  it("labels tell the orientation, and are joined by name", async () => {
    const labels = put("labels.csv", "y,one\nx,two\nq,one\n");
    const path = put("t.csv", ",a,b,c\nx,1,2,3\ny,4,5,6\nz,7,8,9\nw,1,1,1\n");
    await using(path, { labels }, (reader) => {
      expect(reader.notes).toEqual([
        "samples in rows: the labels name 2 of the rows",
        "labels of 2 of 4 samples: label",
        "1 lines of the labels name no sample of the file",
      ]);
      expect(reader.obs().columns.get("label")).toEqual({
        kind: "string",
        values: ["two", "one", null, null],
      });
      expect([reader.readMatrix().rows, reader.var().index.length, reader.genes]).toEqual([4, 3, 3]);
    });
  });
  it("labels with a header, numbers and missing ones", async () => {
    await using(fixture("genes_rows.csv"), { labels: fixture("labels.tsv") }, (reader) => {
      const obs = reader.obs();
      expect(obs.columns.get("subtype")).toMatchObject({ values: ["x", "y", "x", "y", "x"] });
      expect(obs.columns.get("age")).toEqual({
        kind: "number",
        values: Float64Array.of(Number.NaN, 60, 50, 40, 30),
        integer: true,
      });
    });
  });
  it("labels as R would name the samples, and in place of a column", async () => {
    const path = put("t.csv", "sample,TP53,EGFR,type\nTCGA-02-1,1,2,old\n9-b,3,4,old\n");
    const labels = put("labels.csv", "id,type\nTCGA.02.1,new\nX9.b,newer\n");
    await using(path, { labels }, (reader) => {
      expect(reader.obs().columns.get("type")).toMatchObject({ values: ["new", "newer"] });
      expect(reader.notes?.join("; ")).toMatch(/punctuation.*take the place of those of obs: type/);
    });
  });
  it("labels that name no sample, or one twice, are refused", async () => {
    const path = fixture("genes_rows.csv");
    const none = await refusal(() => openExpression(path, { labels: put("l.csv", "a,b\nc,d\n") }));
    expect(none.message).toBe("the labels name no sample of the file");
    const twice = await refusal(() => openExpression(path, { labels: put("l.csv", "GSM100,x\nGSM100,y\n") }));
    expect(twice.parts.found).toBe("'GSM100'");
    const same = await openExpression(path, { labels: put("l.csv", "GSM100,x\nGSM100,x\n") });
    same.close();
    expect((await refusal(() => openExpression(path, { labels: fixture("small.loom") }))).message).toContain(
      "table",
    );
    expect((await refusal(() => openExpression(path, { labels: put("l.csv", "a\nb\n") }))).message).toContain(
      "not a table",
    );
  });
  it("keeps names that a number could be read from, and odd ones", async () => {
    const path = put("t.csv", 'sample,TP53,EGFR,code\n007,1,2,007\n"a,""b",3,4,1e3\n__proto__,3,4,x\n');
    await using(path, {}, (reader) => {
      expect(reader.obs().index).toEqual(["007", 'a,"b', "__proto__"]);
      expect(reader.obs().columns.get("code")).toMatchObject({ kind: "string", values: ["007", "1e3", "x"] });
    });
  });
  it("missing values are NaN", async () => {
    await using(put("t.csv", "gene,a,b,c\nTP53,NA,,1\nEGFR,nan,#N/A,-inf\n"), {}, (reader) => {
      expect([...(reader.readMatrix() as { data: Float32Array }).data]).toEqual([
        Number.NaN,
        Number.NaN,
        Number.NaN,
        Number.NaN,
        1,
        Number.NEGATIVE_INFINITY,
      ]);
    });
  });
  it("reads numbers as JavaScript does", async () => {
    const texts = [
      "0.1",
      "123456789012345",
      "1234567890123456789",
      ".5",
      "5.",
      "+3",
      "-0.0000001",
      "1e-40",
      "3.4e38",
      "0.30000000000000004",
      "16777217",
    ];
    const path = put(
      "t.txt",
      `gene\t${texts.map((_, i) => `s${i}`).join("\t")}\nTP53\t${texts.join("\t")}\nB\t${texts.join(" \t")}\n`,
    );
    await using(path, {}, (reader) => {
      const m = reader.readMatrix() as { data: Float32Array };
      expect([...m.data]).toEqual(texts.flatMap((t) => [Math.fround(Number(t)), Math.fround(Number(t))]));
    });
  });
  it("with CR alone, an empty last column, blank lines, and a long file", async () => {
    expect((await shape(put("t.csv", "gene,a,b\rTP53,1,2\rEGFR,3,4\r"))).genes).toEqual(["TP53", "EGFR"]);
    expect((await shape(put("t.csv", "gene,a,b,\nTP53,1,2,\n\nEGFR,3,4,\n"))).samples).toEqual(["a", "b"]);
    const lines = Array.from({ length: 60_000 }, (_, i) => `g${i}\t${i}\t${i / 4}\t-${i}`);
    const path = put("t.txt.gz", gzipSync(`gene\ta\tb\tc\n${lines.join("\n")}`));
    await using(path, {}, (reader) => {
      const m = reader.readMatrix() as { data: Float32Array };
      expect(m.data.every((v, k) => v === [1, 0.25, -1][Math.floor(k / 60_000)] * (k % 60_000))).toBe(true);
    });
  });
  it.each([
    ["no table", "hello\n", "no table"],
    ["one line", "a,b\n", "no table"],
    ["text alone", "a,b\nc,d\n", "no column of numbers"],
    ["other numbers of cells", "g,a,b\nx,1,2\ny,1\n", "different numbers of cells"],
    ["no names", "1.5,2.5,3.5\n1.5,2.5,3.25\n", "no line of names"],
    ["commas that may be thousands", "g;a;b\nx;1,234;5\n", "could mean two things"],
    ["points and commas", "g;a;b\nx;1,5;5.5\n", "could mean two things"],
  ])("%s is refused", async (_, data, message) => {
    expect((await refusal(() => openExpression(put("t.csv", data)))).message).toContain(message);
  });
  it("what goes wrong far down is named by its line", async () => {
    const good = Array.from({ length: 100 }, (_, i) => `g${i},1,2`).join("\n");
    const word = await refusal(() => openExpression(put("t.csv", `gene,a,b\n${good}\nx,1,oops\n`)));
    expect(word.parts.found).toBe("'oops' in line 102, column 'b'");
    const short = await refusal(() => openExpression(put("t.csv", `gene,a,b\n${good}\nx,1\n`)));
    expect(short.parts.found).toBe("line 102 has 2 cells");
  });
  it("damaged gzip is refused, and an interrupt stops the reading", async () => {
    const whole = gzipSync(Buffer.from(`gene,a,b\n${"TP53,1,2\n".repeat(50_000)}`));
    const cut = await refusal(() => openExpression(put("t.csv.gz", whole.subarray(0, whole.length - 9))));
    expect(cut.message).toBe("the gzip-compressed file is damaged");
    const path = put("t.csv.gz", whole);
    await expect(openExpression(path, { signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
  });
  it("a bomb without line ends is refused before it fills the memory", async () => {
    const piece = gzipSync(Buffer.alloc(2 ** 24, "a"));
    const path = put("bomb.csv.gz", Buffer.concat(Array(40).fill(piece)));
    const before = process.memoryUsage.rss();
    expect((await refusal(() => openExpression(path))).message).toBe("a line is too long");
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 29);
  });
});

describe("files of other tools are refused with the way to convert them", () => {
  it.each([
    ["x.RData", gzipSync(Buffer.from("RDX3\nX\n")), "a file of R", "saveRDS"],
    ["x.rds", Buffer.from("BZh91AY&SY"), "a file of R", "saveRDS"],
    ["x.xls", Buffer.from("d0cf11e0a1b11ae1", "hex"), "Excel", "CSV"],
    ["x.h5ad.gz", gzipSync(Buffer.from("\x89HDF\r\n\x1a\n", "latin1")), "HDF5, compressed by gzip", "gunzip"],
    [
      "x.tar.gz",
      gzipSync(Buffer.concat([Buffer.alloc(257), Buffer.from("ustar"), Buffer.alloc(250)])),
      "tar",
      "tar xf",
    ],
    ["x.parquet", Buffer.from("PAR1\0\0"), "Parquet", "read_parquet"],
    ["x.json", Buffer.from('{\n  "a": 1}'), "JSON", "table"],
    ["x.csv.bz2", Buffer.from("BZh91AY&SY\0"), "bzip2", "unpack"],
  ])("%s", async (name, data, found, remedy) => {
    const e = await refusal(() => openExpression(put(name, data)));
    expect(e.parts.found).toContain(found);
    expect([e.parts.remedy].flat().join()).toContain(remedy);
  });
});
