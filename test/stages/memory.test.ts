/** X read by blocks of rows gives the very files that X in memory gives. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cellhue, temporary } from "../cli/cellhue.js";

const { path: folder, remove } = temporary();
afterAll(remove);

const files = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "run.json") // which has times in it
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();

it("preprocess and folds: the same bytes with --memory 0.001", async () => {
  const outs = [];
  for (const memory of ["8", "0.001"]) {
    const out = join(folder, memory);
    const { code, stderr } = await cellhue([
      ...[
        "preprocess",
        "assets/demo/infercnvpy_oligodendroglioma.h5ad",
        "--label",
        "cell_type",
        "--out",
        out,
      ],
      ...["--normalize", "log1p-cp10k", "--genes", "variance", "--top-genes", "120", "--components", "5"],
      ...["--layout", "pca", "--placing", "bins", "--size", "32", "--folds", "2", "--memory", memory],
    ]);
    expect(stderr).not.toMatch(/unexpected/);
    expect(code).toBe(0);
    expect(/is read in blocks of \d+ samples/.test(stderr)).toBe(memory === "0.001");
    const folds = await cellhue(["folds", out, "--memory", memory]);
    expect(folds.code).toBe(0);
    outs.push(out);
  }
  const [held, stored] = outs;
  expect(files(stored)).toEqual(files(held));
  expect(files(held).length).toBeGreaterThan(190);
  const different = files(held).filter(
    (file) => !readFileSync(join(held, file)).equals(readFileSync(join(stored, file))),
  );
  expect(different).toEqual([]);
});
