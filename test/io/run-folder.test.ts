import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callSource, resolveSettings, type Settings } from "../../src/config.js";
import { CellhueError } from "../../src/errors.js";
import { square } from "../../src/image-size.js";
import { jsonText, RunFolder, type RunRecord, type RunStart } from "../../src/io/run-folder.js";
import { canMount, mountTiny, unmount } from "../tiny-disk.js";

let parent = "";
let root = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "cellhue-run-"));
  root = join(parent, "deep", "run");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const settings = (more: Partial<Settings> = {}): Settings =>
  resolveSettings([callSource({ file: "data.h5ad", label: "type", ...more })]);

const start = (more: Partial<Settings> = {}, sha256 = "a".repeat(64)): RunStart => ({
  input: {
    path: "/data/data.h5ad",
    sha256,
    bytes: 10,
    samples: 6,
    genes: 4,
    dropped: 0,
    x: { source: "X", storage: "dense", dtype: "float32", nonzero: null },
    state: null,
  },
  settings: settings(more),
  classes: [
    { name: "a/b", folder: "a_b-1", count: 3 },
    { name: "c", folder: "c", count: 3 },
  ],
  versions: { cellhue: "0.0.0" },
});

const errorOf = async (work: Promise<unknown>): Promise<CellhueError> => {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(CellhueError);
  return error as CellhueError;
};

/** Does all stages as if each had written its file. */
async function complete(run: RunFolder, now: Settings): Promise<string[]> {
  const begun: string[] = [];
  for (const [stage, file] of [
    ["preprocess", "embedding.csv"],
    ["folds", "splits.csv"],
    ["baselines", "oof_baseline_knn.csv"],
    ["train", "oof_resnet18.csv"],
    ["compare", "metrics.json"],
    ["saliency", "model_final.onnx"],
    ["explain", "genes.json"],
    ["report", "report.html"],
  ] as const) {
    const step = await run.begin(stage, now);
    if (step === "done") continue;
    begun.push(`${stage} ${step}`);
    await run.write(file, stage);
    await run.finish(stage, [file]);
  }
  return begun;
}

describe("create", () => {
  it("makes run.json with the contract's fields, also in an empty folder", async () => {
    mkdirSync(root, { recursive: true });
    const run = await RunFolder.create(root, start());
    run.close();
    const record = JSON.parse(readFileSync(join(root, "run.json"), "utf8"));
    expect(record).toMatchObject({
      schema: "cellhue.run/1",
      settings: { label: "type", seed: 42 },
      stages: {},
    });
    expect(record.classes[0]).toEqual({ name: "a/b", folder: "a_b-1", count: 3 });
    expect(readdirSync(root)).toEqual(["run.json"]);
  });

  it("refuses a folder that holds something else, and a file", async () => {
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, "thesis.doc"), "");
    expect((await errorOf(RunFolder.create(root, start()))).describe()).toMatch(/thesis\.doc[\s\S]*--out/);
    expect((await errorOf(RunFolder.create(join(root, "thesis.doc"), start()))).exitCode).toBe(2);
    expect(readdirSync(root)).toEqual(["thesis.doc"]);
  });

  it.each([
    ["another file", start({}, "b".repeat(64)), /b{12}/],
    ["another label", start({ label: "patient" }), /patient/],
    ["another layer", start({ layer: "counts" }), /counts/],
    ["raw", start({ useRaw: true }), /raw/],
  ])("refuses the folder of another run: %s; both are named", async (_, other, name) => {
    (await RunFolder.create(root, start())).close();
    const before = readFileSync(join(root, "run.json"), "utf8");
    const error = await errorOf(RunFolder.create(root, other));
    expect(error.message).toMatch(/another run/);
    expect(error.parts.found).toMatch(/'type'.*a{12}/);
    expect(error.parts.expected).toMatch(name);
    expect(readFileSync(join(root, "run.json"), "utf8")).toBe(before);
  });

  it("opens the same run again with what it has done", async () => {
    const first = await RunFolder.create(root, start());
    await first.begin("preprocess", settings());
    await first.write("embedding.csv", "x");
    await first.finish("preprocess", ["embedding.csv"]);
    first.close();
    const again = await RunFolder.create(root, start({ epochs: 9 }));
    expect(await again.begin("preprocess", settings({ epochs: 9 }))).toBe("done");
    expect(again.record.settings.epochs).toBe(9);
    again.close();
  });

  it("leaves no folder behind where run.json cannot be written", async () => {
    writeFileSync(join(parent, "deep"), "a file in the way");
    await errorOf(RunFolder.create(root, start()));
    expect(readdirSync(parent)).toEqual(["deep"]);
  });

  it.skipIf(!canMount)("leaves nothing behind on a full disk", async () => {
    mountTiny(parent, 16);
    try {
      expect(() => {
        for (let i = 0; i < 100; i++) writeFileSync(join(parent, `ballast${i}`), new Uint8Array(4096));
      }).toThrow(/ENOSPC/);
      const before = readdirSync(parent).sort();
      const error = await errorOf(RunFolder.create(root, start()));
      expect(error.message).toMatch(/disk is full/);
      expect(readdirSync(parent).sort()).toEqual(before);
    } finally {
      unmount(parent);
    }
  });

  it("takes over the traces of a run that was killed before it had a run.json", async () => {
    mkdirSync(root, { recursive: true });
    writeFileSync(
      join(root, "run.lock"),
      JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), began: null }),
    );
    writeFileSync(join(root, ".1-0.cellhue-tmp"), "half");
    (await RunFolder.create(root, start())).close();
    expect(readdirSync(root)).toEqual(["run.json"]);
  });
});

describe("open", () => {
  it("says what is there in place of a run", async () => {
    expect((await errorOf(RunFolder.open(root))).parts.found).toBe("nothing");
    mkdirSync(root, { recursive: true });
    expect((await errorOf(RunFolder.open(root))).parts.found).toMatch(/without run\.json/);
    writeFileSync(join(root, "run.json"), "{half");
    expect((await errorOf(RunFolder.open(root))).message).toMatch(/damaged/);
    writeFileSync(join(root, "run.json"), '{"schema":"cellhue.run/99"}');
    expect((await errorOf(RunFolder.open(root))).parts.found).toBe("cellhue.run/99");
    writeFileSync(join(root, "run.json"), "null");
    expect((await errorOf(RunFolder.open(root))).exitCode).toBe(2);
  });
});

it.skipIf(!canMount)(
  "a disk that has become read-only is told of, not taken for another process",
  async () => {
    mountTiny(parent, 64);
    try {
      (await RunFolder.create(root, start())).close();
      const dead = { pid: 2 ** 22 + 1, host: hostname(), began: null };
      writeFileSync(join(root, "run.lock"), JSON.stringify(dead));
      execFileSync("mount", ["-o", "remount,ro", parent]);
      for (const work of [() => RunFolder.open(root), () => RunFolder.create(root, start())])
        expect((await errorOf(work())).message).toMatch(/read-only/);
    } finally {
      unmount(parent);
    }
  },
);

describe("stages", () => {
  it("are done once; a later setting redoes only what depends on it", async () => {
    const run = await RunFolder.create(root, start());
    expect(await complete(run, settings())).toEqual([
      "preprocess fresh",
      "folds fresh",
      "baselines fresh",
      "train fresh",
      "compare fresh",
      "saliency fresh",
      "explain fresh",
      "report fresh",
    ]);
    expect(await complete(run, settings())).toEqual([]);
    expect(await complete(run, settings({ threads: 2, file: "moved.h5ad", out: "elsewhere" }))).toEqual([]);
    expect(await complete(run, settings({ epochs: 6 }))).toEqual([
      "train fresh",
      "compare fresh",
      "saliency fresh",
      "explain fresh",
      "report fresh",
    ]);
    expect(await complete(run, settings({ epochs: 6, coverage: 0.8 }))).toEqual([
      "compare fresh",
      "saliency fresh",
      "explain fresh",
      "report fresh",
    ]);
    expect(await complete(run, settings({ epochs: 6, coverage: 0.8, method: "gradient" }))).toEqual([
      "explain fresh",
      "report fresh",
    ]);
    expect(
      (await complete(run, settings({ epochs: 6, encoder: "triptych", protocol: "published" })))[0],
    ).toBe("folds fresh");
    expect((await complete(run, settings({ epochs: 6, size: square(64) })))[0]).toBe("preprocess fresh");
    run.close();
  });

  it("continue where they were cut off, and start anew under other settings", async () => {
    const run = await RunFolder.create(root, start());
    expect(await run.begin("preprocess", settings())).toBe("fresh");
    run.close();
    const again = await RunFolder.open(root);
    expect(await again.begin("preprocess", settings())).toBe("resume");
    expect(await again.begin("preprocess", settings({ seed: 1 }))).toBe("fresh");
    again.close();
  });

  it("are redone where a file of theirs is gone, or what else they depend on has changed", async () => {
    const run = await RunFolder.create(root, start());
    await complete(run, settings());
    rmSync(join(root, "report.html"));
    expect(await complete(run, settings())).toEqual(["report resume"]);
    expect(await run.isDone("preprocess", settings())).toBe(true);
    expect(await run.isDone("preprocess", settings(), "another weights file")).toBe(false);
    run.close();
  });

  it("remove what was built on their old output, and nothing of anybody else", async () => {
    const run = await RunFolder.create(root, start());
    await complete(run, settings());
    await run.write("notes.txt", "mine");
    await run.write("figures/Figure_Saliency_1.svg", "");
    await run.write("figures/Figure_Genes_1.svg", "");
    await run.write("genes/genes_a.csv", "");
    await run.write("figures/Figure_1.svg", "");
    await run.begin("train", settings({ epochs: 6 }));
    expect(readdirSync(root).sort()).toEqual([
      "embedding.csv",
      "figures",
      "notes.txt",
      "oof_baseline_knn.csv",
      "run.json",
      "run.lock",
      "splits.csv",
    ]);
    expect(readdirSync(join(root, "figures"))).toEqual(["Figure_1.svg"]);
    run.close();
  });

  it("killed while they remove old files, they find out and remove the rest", async () => {
    const run = await RunFolder.create(root, start());
    await complete(run, settings());
    run.clear = () => Promise.reject(new Error("killed"));
    await expect(run.begin("train", settings({ epochs: 6 }))).rejects.toThrow("killed");
    run.close();
    expect(readdirSync(root)).toContain("oof_resnet18.csv");
    const again = await RunFolder.open(root);
    expect(await again.begin("train", settings({ epochs: 6 }))).toBe("fresh");
    expect(readdirSync(root).sort()).toEqual([
      "embedding.csv",
      "oof_baseline_knn.csv",
      "run.json",
      "run.lock",
      "splits.csv",
    ]);
    again.close();
  });

  it("need the stages before them, and name the command", async () => {
    const run = await RunFolder.create(root, start());
    const error = await errorOf(run.begin("report", settings()));
    expect(error.message).toBe("train needs the stage preprocess, which is not done");
    expect(error.parts.remedy).toBe(`cellhue preprocess ${root}`);
    run.close();
  });

  it("a folder that was removed meanwhile is an error and is not made again", async () => {
    const run = await RunFolder.create(root, start());
    rmSync(root, { recursive: true });
    expect((await errorOf(run.write("figures/a.svg", "x"))).message).toMatch(/gone/);
    expect((await errorOf(run.write("a.csv", "x"))).message).toMatch(/gone/);
    expect(readdirSync(join(parent, "deep"))).toEqual([]);
    run.close();
  });
});

describe("lock", () => {
  it("keeps a second process out while the first lives, and is taken over when it is dead", async () => {
    (await RunFolder.create(root, start())).close();
    const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    const dead = new Promise((resolve) => other.on("close", resolve));
    writeFileSync(join(root, "run.lock"), JSON.stringify({ pid: other.pid, host: hostname(), began: null }));
    for (const work of [
      () => RunFolder.open(root),
      () => RunFolder.create(root, start()),
      () => RunFolder.look(root),
    ]) {
      expect((await errorOf(work())).parts.found).toBe(`process ${other.pid}`);
    }
    other.kill("SIGKILL");
    await dead;
    (await RunFolder.open(root)).close();
    expect(readdirSync(root)).toEqual(["run.json"]);
  });

  it("is not held by a later process of the same number, nor by half a lock of long ago", async () => {
    (await RunFolder.create(root, start())).close();
    if (process.platform === "linux") {
      writeFileSync(
        join(root, "run.lock"),
        JSON.stringify({ pid: process.ppid, host: hostname(), began: "1" }),
      );
      (await RunFolder.open(root)).close();
    }
    // Right after a kill nobody is told that a run goes on: half a lock is looked at until it is old.
    writeFileSync(join(root, "run.lock"), "");
    (await RunFolder.open(root)).close();
  });

  it("that is being written is waited for", async () => {
    (await RunFolder.create(root, start())).close();
    writeFileSync(join(root, "run.lock"), '{"pid":');
    const opened = errorOf(RunFolder.open(root));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const own = { pid: process.pid, host: hostname(), began: null };
    writeFileSync(join(root, "run.lock"), JSON.stringify(own));
    expect((await opened).parts.found).toBe(`process ${process.pid}`);
  });

  it("tells a run whose folder was removed that another one is in its place; neither harms it", async () => {
    const run = await RunFolder.create(root, start());
    rmSync(root, { recursive: true });
    mkdirSync(root);
    const other = JSON.stringify({ pid: process.ppid, host: hostname(), began: null });
    writeFileSync(join(root, "run.lock"), other);
    for (const work of [
      () => run.write("a/b.csv", "x"),
      () => run.remove("a"),
      () => run.setSettings(settings()),
    ])
      expect((await errorOf(work())).message).toMatch(/another cellhue works on a new one/);
    expect(run.causeOf(new Error("some file is missing"))).toHaveProperty(
      "message",
      expect.stringMatching(/another cellhue works/),
    );
    run.close();
    expect(readdirSync(root)).toEqual(["run.lock"]);
    expect(readFileSync(join(root, "run.lock"), "utf8")).toBe(other);
  });

  it("of a dead process tells the stage that it was in, to the next one only", async () => {
    const run = await RunFolder.create(root, start());
    await run.begin("preprocess", settings());
    const bug = new Error("a bug");
    expect(run.causeOf(bug)).toBe(bug);
    run.close();
    const dead = { pid: 2 ** 22 + 1, host: hostname(), began: null };
    writeFileSync(join(root, "run.lock"), JSON.stringify(dead));
    const next = await RunFolder.open(root);
    expect(next.cutOff).toBe("preprocess");
    next.close();
    const after = await RunFolder.open(root);
    expect(after.cutOff).toBeUndefined();
    after.close();
  });

  it("of another machine is left alone; the message names the file to remove", async () => {
    (await RunFolder.create(root, start())).close();
    writeFileSync(join(root, "run.lock"), JSON.stringify({ pid: 1, host: "elsewhere", began: null }));
    expect((await errorOf(RunFolder.open(root))).parts.remedy).toContain(join(root, "run.lock"));
  });

  it("of one folder is given to one of many at once", async () => {
    (await RunFolder.create(root, start())).close();
    const got = await Promise.allSettled(Array.from({ length: 8 }, () => RunFolder.open(root)));
    const held = got.filter((g) => g.status === "fulfilled");
    expect(held.length).toBe(1);
    held[0].value.close();
  });
});

describe("a run folder from somebody else", () => {
  it("a table that was saved again by something else is refused, and made anew once it is removed", async () => {
    const run = await RunFolder.create(root, start());
    await complete(run, settings());
    expect(await run.readText("embedding.csv")).toBe("preprocess");
    writeFileSync(run.path("embedding.csv"), "preprocess ");
    const error = await errorOf(run.readText("embedding.csv"));
    expect(error.describe()).toMatch(/has been changed[\s\S]*remove the file, then: cellhue preprocess/);
    expect(await run.isDone("preprocess", settings())).toBe(true);
    rmSync(run.path("embedding.csv"));
    expect(await run.isDone("preprocess", settings())).toBe(false);
    run.close();
  });

  it("no path leads out of it", async () => {
    const run = await RunFolder.create(root, start());
    for (const path of ["../x", "genes/../../x", "..", "figures/../../run-x/y"]) {
      expect(() => run.path(path)).toThrow(/leads out of its folder/);
      await errorOf(run.write(path, "x"));
      await errorOf(run.readText(path));
    }
    expect(run.path("a", "..", "b")).toBe(join(root, "b"));
    expect(readdirSync(join(parent, "deep"))).toEqual(["run"]);
    run.close();
  });

  it.skipIf(process.platform === "win32")("nor does a link in it; one within it may stay", async () => {
    (await RunFolder.create(root, start())).close();
    const outside = join(parent, "outside");
    mkdirSync(outside);
    mkdirSync(join(root, "figures"));
    symlinkSync(join(root, "figures"), join(root, "pictures"));
    (await RunFolder.open(root)).close();
    for (const target of [outside, join(parent, "nothing"), "/etc/passwd"]) {
      symlinkSync(target, join(root, "figures", "more"));
      expect((await errorOf(RunFolder.open(root))).message).toMatch(/link in the run folder leads out/);
      expect((await errorOf(RunFolder.create(root, start()))).message).toMatch(/link in the run folder/);
      rmSync(join(root, "figures", "more"));
    }
    expect(existsSync(outside)).toBe(true);
    (await RunFolder.open(root)).close();
  });

  it.each<[string, (record: RunRecord) => object, RegExp]>([
    [
      "a class's folder elsewhere",
      () => ({ classes: [{ name: "a", folder: "../x", count: 1 }] }),
      /classes\.0\.folder/,
    ],
    [
      "the parent as a class's folder",
      () => ({ classes: [{ name: "a", folder: "..", count: 1 }] }),
      /folder/,
    ],
    ["no input", () => ({ input: undefined }), /input/],
    ["stages of no kind", () => ({ stages: { evil: {} } }), /stages/],
    ["a setting out of its range", (r) => ({ settings: { ...r.settings, batch: -1 } }), /--batch/],
    ["settings that are a list", () => ({ settings: [] }), /settings/],
  ])("run.json with %s is damaged", async (_, change, found) => {
    (await RunFolder.create(root, start())).close();
    const record = JSON.parse(readFileSync(join(root, "run.json"), "utf8"));
    writeFileSync(join(root, "run.json"), JSON.stringify({ ...record, ...change(record) }));
    const error = await errorOf(RunFolder.open(root));
    expect(error.message).toBe("run.json is damaged");
    expect(error.parts.found).toMatch(found);
  });
});

describe("jsonText", () => {
  it("is the JSON of the value, with lists of numbers on a line", () => {
    const value = {
      a: [[1, 2.5, null], [3]],
      b: [],
      c: ["1", 2],
      d: { "x:0": "y" },
      e: undefined,
      f: [Number.NaN, -0],
    };
    const text = jsonText(value);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    expect(text).toContain('"a": [\n    [1,2.5,null],\n    [3]\n  ]');
    expect(jsonText(null)).toBe("null");
  });

  it("holds the matrices of 2,000 classes", () => {
    const matrix = Array.from({ length: 2000 }, () => new Array<number>(2000).fill(0));
    // 42 such matrices in indented JSON are longer than a string can be; as many as a run of one net has are not
    expect(jsonText(Array(7).fill(matrix)).length).toBeLessThan(7 * 9e6);
  });
});
