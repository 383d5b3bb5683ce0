import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CellhueError } from "../../src/errors.js";
import { readGmt } from "../../src/io/gmt.js";

describe("readGmt", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cellhue-gmt-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const read = (content: string | Uint8Array) => {
    const path = join(folder, "sets.gmt");
    writeFileSync(path, content);
    return readGmt(path);
  };
  const refusal = async (content: string | Uint8Array) => {
    const error = await read(content).then(
      () => null,
      (error: CellhueError) => error,
    );
    return error!.describe();
  };
  const plain = "A\thttp://x\tTP53\tEGFR\nB\t\tCD4\n";
  const sets = [
    { name: "A", description: "http://x", genes: ["TP53", "EGFR"] },
    { name: "B", description: "", genes: ["CD4"] },
  ];

  it("reads sets, plain, gzipped, with CRLF, a byte order mark or without a last line end", async () => {
    for (const content of [
      plain,
      gzipSync(plain),
      plain.replaceAll("\n", "\r\n"),
      `\ufeff${plain}`,
      plain.trimEnd(),
      `# a comment\n\n${plain}\n   \n`,
      plain.replaceAll("\t", " \t "),
    ])
      expect(await read(content)).toEqual({ sets, notes: [] });
  });

  it("leaves out what is there twice or empty, and says so", async () => {
    expect(await read(`${plain}A\tx\tEGFR\tTP53\nC\td\nD\t\t\t\nE\t\tX\tX\tY\t\tX\n`)).toEqual({
      sets: [...sets, { name: "E", description: "", genes: ["X", "Y"] }],
      notes: [
        "2 sets without genes left out: C, …",
        "1 line that repeats a set left out",
        "2 genes that a set names again left out",
      ],
    });
  });

  it("takes Enrichr's weights off, and leaves names alone otherwise", async () => {
    const { sets } = await read(
      "__proto__\tconstructor\tTP53,1.0\tHLA-DRB1,0.25\ttoString\t1-Mar,x\tENSG00000141510.12\n",
    );
    expect(sets).toEqual([
      {
        name: "__proto__",
        description: "constructor",
        genes: ["TP53", "HLA-DRB1", "toString", "1-Mar,x", "ENSG00000141510.12"],
      },
    ]);
  });

  it("names the line that is no set", async () => {
    const csv = await refusal("A\tx\tTP53\ngene,score\u001b[31m\n");
    expect(csv).toContain("this is not a .gmt file of gene sets");
    expect(csv).toContain("sets.gmt, line 2");
    expect(csv).toContain("no tab in 'gene,score\\u{1b}[31m'");
    expect(await refusal("\tx\tTP53\n")).toContain("a set without a name");
    expect(await refusal('{"A":["TP53"]}\n')).toContain("not as JSON");
  });

  it("refuses two sets of one name", async () => {
    const text = await refusal(`${plain}A\tx\tTP53\n`);
    expect(text).toContain("two different gene sets have the same name");
    expect(text).toContain("lines 1 and 3");
  });

  it("refuses a file without sets, a folder, a missing and a damaged file", async () => {
    expect(await refusal("")).toContain("no line with text");
    expect(await refusal("A\tx\n")).toContain("1 set without genes");
    expect(await refusal(gzipSync(plain.repeat(100)).subarray(0, 60))).toContain(
      "gzip-compressed file is damaged",
    );
    await expect(readGmt(folder)).rejects.toThrow("this is a folder");
    await expect(readGmt(join(folder, "no.gmt"))).rejects.toThrow("no such file");
  });

  it("refuses what unpacks to more than memory should hold", async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 28 + 2 ** 20, `A\tx\t${"G".repeat(2 ** 20)}\n`));
    expect(await refusal(bomb)).toContain("the .gmt file is too large");
  });
});
