import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { diskError, replaceFile, sweepTemporary, writeFileAtomic } from "../../src/io/atomic.js";
import { canMount, mountTiny, unmount } from "../tiny-disk.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cellhue-atomic-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("writeFileAtomic", () => {
  it("writes text and bytes whole and leaves nothing else", async () => {
    await writeFileAtomic(join(folder, "a.txt"), "Zürich");
    await writeFileAtomic(join(folder, "b.bin"), new Uint8Array([0, 255, 7]), { flush: false });
    await writeFileAtomic(join(folder, "empty"), "");
    expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe("Zürich");
    expect([...readFileSync(join(folder, "b.bin"))]).toEqual([0, 255, 7]);
    expect(readFileSync(join(folder, "empty")).length).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(["a.txt", "b.bin", "empty"]);
  });

  it("replaces a file, also many at once", async () => {
    const path = join(folder, "same");
    const texts = Array.from({ length: 30 }, (_, i) => `${i}`.repeat(1000));
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
    expect(texts).toContain(readFileSync(path, "utf8"));
    expect(readdirSync(folder)).toEqual(["same"]);
  });

  it("takes a name as long as the file system allows", async () => {
    const name = "n".repeat(255);
    await writeFileAtomic(join(folder, name), "x");
    expect(readdirSync(folder)).toEqual([name]);
    await expect(writeFileAtomic(join(folder, `${name}n`), "x")).rejects.toBeInstanceOf(CellhueError);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it("says where a folder is gone, or a folder stands in the way, and leaves no temporary file", async () => {
    await expect(writeFileAtomic(join(folder, "gone", "a"), "x")).rejects.toThrow(/folder is gone/);
    mkdirSync(join(folder, "dir", "inside"), { recursive: true });
    await expect(writeFileAtomic(join(folder, "dir"), "x")).rejects.toThrow(/cannot write dir/);
    expect(readdirSync(folder)).toEqual(["dir"]);
  });

  it.skipIf(!canMount)(
    "on a full disk keeps the old file, removes the new one and says how much",
    async () => {
      mountTiny(folder, 64);
      try {
        const path = join(folder, "file");
        await writeFileAtomic(path, "old");
        const error = await writeFileAtomic(path, new Uint8Array(1 << 20)).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(CellhueError);
        expect((error as CellhueError).describe()).toMatch(
          /disk is full[\s\S]*1,048,576 bytes to write, [\d,]+ bytes free/,
        );
        expect((error as CellhueError).exitCode).toBe(2);
        expect(readFileSync(path, "utf8")).toBe("old");
        expect(readdirSync(folder)).toEqual(["file"]);
      } finally {
        unmount(folder);
      }
    },
  );
});

describe("diskError", () => {
  it.each(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO"])("%s is the user's to know", (code) => {
    const error = diskError(Object.assign(new Error(code), { code }), "/x/file", 12);
    expect(error).toBeInstanceOf(CellhueError);
    expect((error as CellhueError).parts).toMatchObject({
      where: "/x/file",
      found: `${code} (12 bytes to write)`,
    });
  });
  it("names the option that gave the path", () => {
    const remedy = (option?: string) => {
      const error = diskError(Object.assign(new Error(), { code: "EACCES" }), "/x/file", 12, option);
      return (error as CellhueError).parts.remedy;
    };
    expect(remedy()).toMatch(/with --out,/);
    expect(remedy("--write")).toMatch(/with --write,/);
  });
  it("lets anything else pass, an error called like a property too", () => {
    for (const error of [new Error("x"), "text", Object.assign(new Error(), { code: "constructor" })]) {
      expect(diskError(error, "/x")).toBe(error);
    }
  });
});

it("sweepTemporary removes what a kill left, at any depth, and nothing else", async () => {
  mkdirSync(join(folder, "a", "b"), { recursive: true });
  writeFileSync(join(folder, "a", "b", ".9-1.cellhue-tmp"), "half");
  writeFileSync(join(folder, ".9-2.cellhue-tmp"), "half");
  writeFileSync(join(folder, "a", "keep.csv"), "whole");
  await sweepTemporary(folder);
  expect(readdirSync(folder, { recursive: true }).map(String).sort()).toEqual(["a", "a/b", "a/keep.csv"]);
});

describe("sweep: outside of a run folder", () => {
  /** The name that this process gives a temporary file. */
  async function ownName(): Promise<string> {
    let name = "";
    await replaceFile(join(folder, "a"), async (temporary) => {
      name = basename(temporary);
      writeFileSync(temporary, "");
    });
    return name;
  }

  it("removes what dead processes left, and nothing of the living, of other machines, or of anybody else", async () => {
    const own = await ownName();
    const [pid, machine, since, n] = own.slice(1, -".cellhue-tmp".length).split("-");
    const dead = spawnSync(process.execPath, ["--version"]).pid;
    const name = (...parts: (string | number)[]) => `.${parts.join("-")}.cellhue-tmp`;
    const kept = [
      name(pid, machine, since, Number(n) + 99),
      name(dead, "00000000", 0, 0), // of another machine
      name(dead, "lock"),
      "x.cellhue-tmp",
      `${name(dead, machine, 0, 0)}.csv`,
    ];
    for (const file of [
      ...kept,
      name(dead, machine, 0, 0),
      name(dead, machine, 7, 3),
      name(pid, machine, 7, 0),
    ])
      writeFileSync(join(folder, file), "half");
    await writeFileAtomic(join(folder, "b"), "whole");
    expect(readdirSync(folder)).toHaveLength(kept.length + 5); // without the option nothing is looked at
    await writeFileAtomic(join(folder, "b"), "whole", { sweep: true });
    const started = since === "0" ? [name(pid, machine, 7, 0)] : []; // where start times are not known
    expect(readdirSync(folder).sort()).toEqual(["a", "b", ...kept, ...started].sort());
  });
});
