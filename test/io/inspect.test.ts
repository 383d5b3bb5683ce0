import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatInspect, inspectFile } from "../../src/stages/inspect.js";

const fixture = (name: string) => `test/fixtures/h5ad/${name}.h5ad`;
const whats = (report: { findings: { level: string; what: string }[] }) =>
  report.findings.map((f) => `${f.level}: ${f.what}`);

describe("inspect", () => {
  it("tells all of the demo file", async () => {
    const path = "assets/demo/infercnvpy_oligodendroglioma.h5ad";
    const report = await inspectFile(path);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report).toMatchObject({
      samples: 184,
      genes: 9450,
      labels: ["cell_type"],
      layers: [],
      hasRaw: false,
    });
    expect(report.x).toEqual({ source: "X", storage: "csr", dtype: "float32", nonzero: 770139 });
    expect(report.decodedBytes).toBe(8 * 770139 + 8 * 185);
    expect(report.obs[0].classes.map((c) => c.count)).toEqual([19, 23, 40, 35, 33, 34]);
    const text = formatInspect(report);
    expect(text).toContain("184 samples × 9,450 genes");
    expect(text).toContain("malignant_93 40");
    expect(text).toContain("try: --normalize log1p-cp10k");
    expect(text).toContain(`next: cellhue run ${path} --label cell_type`);
  });

  it("says what would go wrong, and the whole command that would not", async () => {
    const report = await inspectFile(fixture("small"));
    expect(report.labels).toEqual(["patient", "partial", "type"]);
    expect(whats(report)).toEqual([
      "note: X seems to hold counts; they are used as they are unless you ask",
      "note: at most 29 principal components instead of 50",
      "note: genes are numbered, not named: what the result says of a gene cannot be looked up",
      "warning: type: fewer samples than 5 folds in 'rare' (4)",
      "warning: partial: 5 of 40 samples have no label",
    ]);
    expect(formatInspect(report)).toContain("--label patient");
    const log = await inspectFile(fixture("small"), { layer: "log", folds: 9 });
    expect(log.state?.state).toBe("log");
    expect(formatInspect(log)).toContain(
      "next: cellhue run test/fixtures/h5ad/small.h5ad --label partial --layer log",
    );
    expect(formatInspect(log)).toContain("--drop-unlabelled");
  });

  it("looks at stretches of a large matrix, and says so", async () => {
    const path = "assets/demo/infercnvpy_oligodendroglioma.h5ad";
    const whole = await inspectFile(path);
    const part = await inspectFile(path, { lookBytes: 2_000_000 });
    expect(whole.looked).toBe(whole.samples);
    expect(part.looked).toBeGreaterThan(8);
    expect(part.looked).toBeLessThan(whole.samples / 2);
    expect(part.state?.state).toBe(whole.state?.state);
    expect(part.decodedBytes).toBe(whole.decodedBytes);
    const said = `what X is was told from ${part.looked} of ${whole.samples} samples; a run looks at all of them`;
    expect(part.findings.map(({ what }) => what)).toContain(said);
    expect(whole.findings.map(({ what }) => what)).not.toContain(said);
  });

  it("judges a label that is asked for", async () => {
    const { findings } = await inspectFile(fixture("small"), { label: "typ" });
    expect(findings[0].level).toBe("error");
    expect(findings[0].remedy).toContain("--label type");
    const fine = await inspectFile(fixture("small"), { label: "partial", dropUnlabelled: true });
    expect(fine.findings.every((f) => f.level !== "error")).toBe(true);
  });

  it("looks into a file without X", async () => {
    const report = await inspectFile(fixture("no_x"));
    expect(report.state).toBeNull();
    expect(report.findings[0]).toMatchObject({
      level: "error",
      remedy: ["--layer counts", "--layer 'log norm'", "--use-raw"],
    });
    expect(formatInspect(report)).not.toContain("next:");
    expect((await inspectFile(fixture("no_x"), { useRaw: true })).genes).toBe(6);
  });

  it("a table of text with labels: how it was read, and the whole command", async () => {
    const [path, labels] = ["test/fixtures/formats/genes_rows.csv", "test/fixtures/formats/labels.tsv"];
    const report = await inspectFile(path, { labels, orientation: "genes-in-rows", folds: 2 });
    expect(report.format).toBe("text (commas)");
    expect(whats(report)).toEqual(
      expect.arrayContaining([
        "note: genes in rows: as asked",
        "note: labels of 5 of 5 samples: subtype, age",
        "note: X seems to hold numbers on a linear scale; they are used as they are unless you ask",
      ]),
    );
    const text = formatInspect(report);
    expect(text).toContain("  format: text (commas)\n");
    expect(text).toContain("  genes: TP53, EGFR, ACTB, … (symbols)");
    expect(text).toContain(
      `next: cellhue run ${path} --label subtype --labels ${labels} --orientation genes-in-rows`,
    );
  });
  it("names of genes that something happened to", async () => {
    const genes = ["1-Mar", "2-Sep", "TP53", "TP53", "", "ENSG00000141510.18", " EGFR", "__no_feature"];
    const path = join(mkdtempSync(join(tmpdir(), "cellhue-genes-")), "t.csv");
    writeFileSync(path, `gene,a,b,c\n${genes.map((g, i) => `${g},${i}.5,1,2`).join("\n")}\n`);
    const report = await inspectFile(path);
    rmSync(dirname(path), { recursive: true });
    expect(whats(report).filter((what) => /gene names|Ensembl|read counter/.test(what))).toEqual([
      "warning: gene names that occur more than once: 1, e.g. 'TP53'; the first keeps its name, the next are NAME-1, NAME-2 … in file order (anndata's var_names_make_unique)",
      "warning: empty gene names: 1",
      "warning: gene names that a spreadsheet turned into dates: 2 ('1-Mar', once MARCHF1 (MARCH1) or MTARC1 (MARC1); '2-Sep', once SEPTIN2 (SEPT2))",
      "note: Ensembl identifiers with a version: 1 of 1 (the part behind the point; other sources may lack it)",
      "warning: gene names with white space at an end: 1, e.g. ' EGFR'",
      "warning: lines of a read counter among the genes: __no_feature",
    ]);
  });
  it("names the first entry that is not finite", async () => {
    const report = await inspectFile(fixture("not_finite"));
    expect(whats(report)[0]).toBe(
      "error: X holds 1 NaN and 2 infinite entries, the first at sample 's2', gene 'g3'",
    );
    expect(report.findings[0].remedy).toEqual(["--layer csr"]);
  });

  it.each(["dense_0x0", "dense_0x4", "csr_3x0", "csr_1x4", "dense_4x1"])("gets through %s", async (name) => {
    const report = await inspectFile(fixture(name));
    expect(whats(report)[0]).toContain("at least 3 of each");
    expect(formatInspect(report)).toContain("samples ×");
  });

  it("never sends control characters of the file to the terminal", async () => {
    const report = await inspectFile(fixture("columns"));
    const text = formatInspect(report);
    expect(report.obs.map((c) => c.column)).toContain("__proto__");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them but the line feed
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("warns of classes that differ by case only", async () => {
    const report = await inspectFile(fixture("columns"));
    expect(whats(report)).toContain("warning: text: 'B' and 'b' are two classes");
  });
});
