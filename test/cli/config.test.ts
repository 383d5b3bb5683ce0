import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callSource, flagOf, readConfig, resolveSettings, type SettingsInput } from "../../src/config.js";
import { CellhueError } from "../../src/errors.js";

const base = { file: "dir/data.v2.h5ad", label: "type" };
const resolve = (more: Record<string, unknown> = {}) =>
  resolveSettings([callSource({ ...base, ...more } as SettingsInput)]);
const errorOf = (more: Record<string, unknown>): CellhueError => {
  try {
    resolve(more);
  } catch (error) {
    expect(error).toBeInstanceOf(CellhueError);
    return error as CellhueError;
  }
  throw new Error(`${JSON.stringify(more)} was taken`);
};

describe("resolveSettings", () => {
  it("defaults to images of genes, a net for them and a training that suits them, under an honest protocol", () => {
    expect(resolve()).toEqual({
      file: "dir/data.v2.h5ad",
      label: "type",
      labels: null,
      orientation: "auto",
      out: join("runs", "data.v2"),
      layer: null,
      useRaw: false,
      normalize: "none",
      dropUnlabelled: false,
      net: ["compact"],
      encoder: "triptych",
      layout: "tsne",
      metric: "correlation",
      placing: "assignment",
      values: "zscore",
      zoom: 1,
      protocol: "inductive",
      genes: "variance",
      topGenes: 2000,
      scale: false,
      cv: "stratified",
      folds: 5,
      repeats: 1,
      group: null,
      split: null,
      validation: 0.15,
      epochs: 60,
      lr: 1e-3,
      batch: 16,
      schedule: "one-cycle",
      weightDecay: 0.01,
      labelSmoothing: 0.05,
      classWeights: "none",
      train: "standard",
      guide: "genes",
      maskShare: 0.5,
      guidance: 1,
      freeze: "none",
      patience: 0,
      tune: {},
      innerFolds: 3,
      size: { height: 48, width: 48 },
      seed: 42,
      components: 50,
      coverage: 0.9,
      permuteLabels: false,
      method: "integrated-gradients",
      class: [],
      nulls: 1,
      seeds: 1,
      weights: { compact: "random" },
      threads: 0,
      device: "cpu",
      memory: 0,
    });
  });

  it("the published protocol brings the published picture and training", () => {
    expect(resolve({ protocol: "published" })).toMatchObject({
      ...{ encoder: "spectral", net: ["resnet18", "efficientnet_b0"], epochs: 5, lr: 1e-4, batch: 32 },
      ...{ schedule: "constant", genes: "all", size: { height: 128, width: 128 }, validation: 0 },
      method: "expected-gradients",
    });
    expect(resolve({ protocol: "published", encoder: "triptych" }).net).toEqual(["compact"]);
    expect(resolve({ encoder: "spectral" }).net).toEqual(["resnet18", "efficientnet_b0"]);
  });

  it("takes picture and training of images of genes together, unless they are given", () => {
    const settings = resolve({ encoder: "triptych", epochs: 7 });
    expect(settings).toMatchObject({ net: ["compact"], genes: "variance", lr: 1e-3, batch: 16, epochs: 7 });
    expect(settings).toMatchObject({ schedule: "one-cycle", size: { height: 48, width: 48 } });
    expect(settings.weights).toEqual({ compact: "random" });
    expect(resolve({ encoder: "fotomics" })).toMatchObject({ placing: "bins", values: "norm2" });
    // A layout is deepinsight's.
    expect(resolve({ layout: "umap" })).toMatchObject({ encoder: "deepinsight", layout: "umap" });
    expect(resolve({ layout: "umap", encoder: "igtd" }).encoder).toBe("igtd");
    expect(resolve({ layout: "umap", protocol: "published" }).encoder).toBe("spectral");
    // A run of places that is made anew with genes takes their recipe, but for what was asked for.
    const before = resolve({ encoder: "spectral", epochs: 9 });
    const after = resolveSettings([callSource({ encoder: "triptych" })], before);
    expect(after).toMatchObject({ epochs: 9, lr: 1e-3, net: ["compact"], size: { height: 48, width: 48 } });
    const { parts } = errorOf({ encoder: "deepinsight", size: 50, zoom: 4 });
    expect(parts.remedy).toEqual("--size 52x52");
  });

  it("lets the first source go before the later ones, and these before the base", () => {
    const flags = { values: { epochs: 7 }, name: flagOf };
    const config = {
      values: { epochs: 9, folds: 4, "drop-unlabelled": true },
      name: (s: string) => `c.yaml: ${s}`,
    };
    const settings = resolveSettings([flags, config, callSource(base)], { folds: 3, batch: 16 });
    expect(settings).toMatchObject({ epochs: 7, folds: 4, batch: 16, dropUnlabelled: true });
  });

  it.each([
    ["folds", [2, 100], [1, 101, 2.5, "5", Number.NaN]],
    ["epochs", [1, 10_000], [0, 10_001, -1]],
    ["lr", [1e-9, 1], [0, -1e-4, Number.POSITIVE_INFINITY, Number.NaN]],
    ["batch", [2, 1024], [1, 1025]],
    ["seed", [0, 4_294_967_295], [-1, 4_294_967_296, 0.5]],
    ["components", [2, 1000], [1, 1001]],
    ["threads", [0, 256], [-1]],
    ["repeats", [1, 100], [0, 101]],
    ["validation", [0, 0.5], [-0.1, 0.51]],
    ["topGenes", [2, 1_000_000], [1]],
    ["weightDecay", [0, 0.05], [-1]],
    ["labelSmoothing", [0, 0.1], [1]],
    ["patience", [0, 3], [-1, 1.5]],
    ["coverage", [0.5, 0.95], [0.4, 1]],
    ["innerFolds", [2, 20], [1, 21]],
    ["genes", ["all", "variance", "seurat"], ["hvg"]],
    ["schedule", ["constant", "cosine", "one-cycle"], ["linear"]],
    ["normalize", ["none", "log1p-cp10k"], ["log1p", true]],
    ["label", ["a b", "__proto__"], ["", 3]],
    ["useRaw", [true, false], ["yes", 1]],
  ])("%s has its range", (name, good, bad) => {
    for (const value of good) expect(resolve({ [name]: value })).toHaveProperty(name, value);
    for (const value of bad) {
      const { parts } = errorOf({ [name]: value });
      expect(parts.where).toBe(`settings.${name}`);
      expect(parts.expected?.length).toBeGreaterThan(3);
    }
  });

  it("takes a size as a side, as WIDTHxHEIGHT or as both", () => {
    expect(resolve({ size: 8 }).size).toEqual({ height: 8, width: 8 });
    expect(resolve({ size: "96" }).size).toEqual({ height: 96, width: 96 });
    expect(resolve({ size: "128x96" }).size).toEqual({ height: 96, width: 128 });
    expect(resolve({ size: { height: 1024, width: 9 } }).size).toEqual({ height: 1024, width: 9 });
    for (const value of [0, 1, 7, 1025, 8.5, "x", "8x", "-8x8", "8x7", "", null, { height: 8 }]) {
      const { parts } = errorOf({ size: value as never });
      expect(parts.where).toBe("settings.size");
      expect(parts.expected).toBe("a side of 8 to 1024 pixels, or WIDTHxHEIGHT");
    }
  });

  it("what follows from other settings follows, unless it is given", () => {
    expect(resolve({ group: "patient" }).cv).toBe("stratified-group");
    expect(resolve({ split: "part" }).cv).toBe("split");
    expect(resolve({ group: "patient", cv: "leave-one-group-out" }).cv).toBe("leave-one-group-out");
    expect(resolve({ protocol: "published" }).validation).toBe(0);
    expect(resolve({ protocol: "published", validation: 0.2 }).validation).toBe(0.2);
    // A run's settings are the base of those of a stage.
    const run = resolve();
    const later = (more: Record<string, unknown>, base = run) => resolveSettings([callSource(more)], base);
    expect(later({ group: "patient" }).cv).toBe("stratified-group");
    expect(later({ protocol: "published" }).validation).toBe(0);
    expect(later({ protocol: "published" }, { ...run, validation: 0.3 }).validation).toBe(0.3);
    expect(later({ epochs: 3 }, { ...run, cv: "group", group: "g" }).cv).toBe("group");
  });

  it("refuses folds that lack their column", () => {
    for (const cv of ["group", "stratified-group", "leave-one-group-out"])
      expect(errorOf({ cv }).parts.expected).toMatch(/--group COLUMN/);
    expect(errorOf({ cv: "split" }).parts.expected).toMatch(/--split COLUMN/);
    expect(errorOf({ cv: "leave-one-group-out", group: "g", repeats: 2 }).parts.remedy).toContain(
      "--repeats 1",
    );
    expect(errorOf({ patience: 3, validation: 0 }).parts.remedy).toBe("--validation 0.15");
    expect(resolve({ patience: 3 }).patience).toBe(3);
  });

  it("takes lists of settings to choose from", () => {
    const tune = { lr: [1e-4, 3e-4], epochs: [10, 20] };
    expect(resolve({ tune }).tune).toEqual(tune);
    expect(resolve({ tune: "lr=0.0001, 0.0003; epochs=10,20" }).tune).toEqual(tune);
    expect(resolve({ tune: "weight-decay=0,0.05" }).tune).toEqual({ weightDecay: [0, 0.05] });
    for (const bad of ["lr", "lr=", "lr=a", "batch=8", "__proto__=1", "lr=0", "epochs=1.5", { lr: [] }])
      expect(errorOf({ tune: bad }).parts.where, JSON.stringify(bad)).toBe("settings.tune");
  });

  it("names the near settings for an unknown one", () => {
    expect(errorOf({ epoch: 5 }).parts.remedy).toBe("perhaps epochs");
    expect(errorOf({ "drop-unlabeled": true }).parts.remedy).toMatch(/^perhaps dropUnlabelled/);
    expect(errorOf({ constructor: 5 }).message).toMatch(/no setting 'constructor'/);
    const hostile = JSON.parse('{"__proto__": {"file": "x"}}');
    expect(() => resolveSettings([{ values: hostile, name: flagOf }], base)).toThrow(
      /no setting '__proto__'/,
    );
  });

  it("takes nets as a list or by commas; unknown, empty and repeated ones are errors", () => {
    expect(resolve({ net: " resnet18 , efficientnet_lite0 " }).net).toEqual([
      "resnet18",
      "efficientnet_lite0",
    ]);
    expect(resolve({ net: ["efficientnet_b0"] }).weights).toEqual({ efficientnet_b0: "pretrained" });
    expect(errorOf({ net: "resnet-18" }).parts.remedy).toBe("perhaps resnet18");
    expect(errorOf({ net: "ResNet18,vgg" }).parts.remedy).toBe("perhaps resnet18");
    expect(errorOf({ net: "resnet18,resnet18" }).message).toMatch(/twice/);
    expect(errorOf({ net: "" }).parts.where).toBe("settings.net");
    expect(errorOf({ net: [] }).parts.where).toBe("settings.net");
    expect(errorOf({ net: 5 }).parts.where).toBe("settings.net");
  });

  it("takes weights for all nets or for each", () => {
    const net = "resnet18,efficientnet_lite0";
    const weights = (value: unknown) => resolve({ net, weights: value }).weights;
    expect(weights("random")).toEqual({ resnet18: "random", efficientnet_lite0: "random" });
    expect(weights("resnet18=random,efficientnet_lite0=pretrained")).toEqual({
      resnet18: "random",
      efficientnet_lite0: "pretrained",
    });
    expect(weights("resnet18=dir/w=1.pth")).toEqual({
      resnet18: "dir/w=1.pth",
      efficientnet_lite0: "pretrained",
    });
    expect(weights("dir/a,b=c.pth")).toEqual({
      resnet18: "dir/a,b=c.pth",
      efficientnet_lite0: "dir/a,b=c.pth",
    });
    expect(weights({ resnet18: "random" })).toEqual({ resnet18: "random", efficientnet_lite0: "pretrained" });
    expect(errorOf({ net, weights: "resnet81=random" }).parts.remedy).toBe("perhaps resnet18");
    expect(errorOf({ net, weights: "efficientnet_b0=random" }).parts.remedy).toMatch(/--net/);
    expect(errorOf({ net, weights: { resnet18: 3 } }).parts.where).toBe("settings.weights");
    expect(errorOf({ net, weights: 3 }).parts.where).toBe("settings.weights");
    expect(errorOf({ net, weights: "" }).parts.where).toBe("settings.weights");
    // A run folder's choice for a net that is not trained any more is no mistake.
    const before = resolve({ net, weights: "random" });
    expect(resolveSettings([callSource({ net: "efficientnet_lite0" })], before).weights).toEqual({
      efficientnet_lite0: "random",
    });
  });

  it("needs a file and a label, and one matrix", () => {
    expect(() => resolveSettings([])).toThrow(/no file/);
    expect(() => resolveSettings([callSource({ file: "x.h5ad" })])).toThrow(/label/);
    expect(errorOf({ useRaw: true, layer: "counts" }).message).toMatch(/cannot both/);
  });
});

describe("readConfig", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cellhue-config-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const read = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return readConfig(path);
  };

  it("reads JSON and YAML alike", async () => {
    const yaml = "label: type # the classes\nnet: [resnet18]\nweights:\n  resnet18: random\nlr: 3e-4\n";
    const json =
      '\ufeff{"label": "type", "net": ["resnet18"], "weights": {"resnet18": "random"}, "lr": 0.0003}';
    const file = callSource({ file: "x.h5ad" });
    const a = resolveSettings([await read("c.yaml", yaml), file]);
    expect(a).toMatchObject({ label: "type", net: ["resnet18"], weights: { resnet18: "random" }, lr: 3e-4 });
    expect(resolveSettings([await read("c.json", json), file])).toEqual(a);
  });

  it("names the file and the key in errors", async () => {
    const source = await read("bad.yml", "file: x\nlabel: y\nfolds: 1\n");
    expect(() => resolveSettings([source])).toThrow(/bad\.yml: folds/);
  });

  it.each([
    ["a.json", "{", /not JSON/],
    ["a.yaml", "a: [", /not YAML/],
    ["twice.yaml", "folds: 3\nfolds: 4", /not YAML/],
    ["list.yaml", "- 1", /no settings/],
    ["empty.yaml", "", /no settings/],
    ["null.json", "null", /no settings/],
    ["tag.yaml", "file: !!js/function 'x'", /no settings|no label|not YAML/],
    ["big.yaml", `label: ${"x".repeat(2 ** 20)}`, /too large/],
  ])("refuses %s", async (name, text, message) => {
    await expect(read(name, text).then((source) => resolveSettings([source]))).rejects.toThrow(message);
  });

  it("is not drowned by a bomb of aliases", async () => {
    const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(",")}]`,
      );
    await expect(read("bomb.yaml", lines.join("\n"))).rejects.toBeInstanceOf(CellhueError);
  });

  it("says where there is no file", async () => {
    await expect(readConfig(join(folder, "none.yaml"))).rejects.toThrow(/no such config file/);
    await expect(readConfig(folder)).rejects.toBeInstanceOf(CellhueError);
  });
});
