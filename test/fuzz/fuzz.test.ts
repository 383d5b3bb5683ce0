/** `npm run fuzz` with few cases: every reader, in processes of their own. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root, temporary } from "../cli/cellhue.js";

interface Figures {
  reader: string;
  cases: number;
  refused: number;
  read: number;
  hangs: number;
  crashes: number;
  peakMB: number;
}

it("2,000 mutated files are read or refused: no crash, no hang, no stray file, memory within the bound", {
  timeout: 900_000,
}, async () => {
  const { path, remove } = temporary();
  try {
    const out = join(path, "figures.json");
    const script = join(root, "test", "fuzz", "run.mjs");
    const args = [
      "--cases",
      process.env.FUZZ_CASES ?? "2000",
      "--seed",
      process.env.FUZZ_SEED ?? "1",
      "--out",
      out,
    ];
    // exits by 1, with what failed and the command that repeats it on stderr, which the error then shows
    await promisify(execFile)(process.execPath, [script, ...args], { cwd: root });
    const { readers: figures }: { readers: Figures[] } = JSON.parse(readFileSync(out, "utf8"));
    expect(figures.reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThanOrEqual(2000);
    for (const { reader, cases, refused, read, hangs, crashes, peakMB } of figures) {
      expect([reader, hangs, crashes]).toEqual([reader, 0, 0]);
      expect(peakMB).toBeLessThan(1024);
      expect(read + refused).toBe(cases);
      // neither untouched files nor rubbish
      expect(refused).toBeGreaterThan(cases / 20);
      expect(read).toBeGreaterThan(0);
    }
  } finally {
    remove();
  }
});
