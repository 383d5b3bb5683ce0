/**
 * What is fuzzed: for every reader some real files, which of them are changed, and how they are read. A reader opens and
 * reads all that cellhue would read of the file; it returns or throws what cellhue's function throws.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { unzipSync } from "fflate";
import { callSource, readConfig, resolveSettings } from "../../dist/config.js";
import { openExpression } from "../../dist/io/reader.js";

const fixtures = new URL("../fixtures/", import.meta.url).pathname;
const one = (path, name = basename(path)) => ({ [name]: readFileSync(join(fixtures, path)) });
/** All files of a folder by their paths in it. */
const tree = (folder) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true })
      .filter((path) => statSync(join(folder, path)).isFile())
      .map((path) => [path, readFileSync(join(folder, path))]),
  );
const seed = (name, files, more = {}) => ({ name, files, targets: Object.keys(files), ...more });

function require(condition, what) {
  if (!condition) throw new Error(`read, but ${what}`);
}

/** Opens an expression file and reads obs, var and the matrix. */
async function readAll(path, options = {}) {
  const reader = await openExpression(path, { ...options, requireX: false });
  try {
    const [obs, genes] = [reader.obs(), reader.var()];
    require(obs.index.length === obs.length &&
      genes.index.length === genes.length, "a table has another length");
    if (reader.x.storage === "none") return;
    const m = reader.readMatrix();
    require(m.rows === reader.samples && m.cols === reader.genes, "the matrix has another shape");
    if (m.kind === "csr") require(m.indptr[m.rows] === m.indices.length, "the offsets do not fit");
    for await (const piece of reader.pieces?.() ?? [])
      if (piece.kind === "entries")
        require(piece.rows.every((row) => row >= 0 && row < m.rows) &&
          piece.cols.every((col) => col >= 0 && col < m.cols), "a piece lies outside");
  } finally {
    reader.close();
  }
}

const expression = (path, options) => {
  const name = basename(path);
  return seed(path, one(path), { read: (dir) => readAll(join(dir, name), options) });
};
/** The same file, another layer with every case. */
const layered = (path, layers) => {
  const name = basename(path);
  return seed(path, one(path), {
    read: (dir, k) => readAll(join(dir, name), k % 2 === 0 ? {} : { layer: layers[k % layers.length] }),
  });
};
const folder = (path, files, target = "") => seed(path, files, { read: (dir) => readAll(join(dir, target)) });

const weights = (path) => {
  const name = basename(path);
  return seed(path, one(path), {
    async read(dir) {
      const { readStateDict } = await import("../../dist/net/weights/read.js");
      const tensors = readStateDict(new Uint8Array(readFileSync(join(dir, name))), name);
      for (const { dims, data } of tensors.values())
        require(data.length === dims.reduce((n, d) => n * d, 1), "a tensor has another shape");
    },
  });
};

const config = (name, text) =>
  seed(
    name,
    { [name]: Buffer.from(text) },
    {
      async read(dir) {
        resolveSettings([callSource({ file: "x.h5ad", label: "a" }), await readConfig(join(dir, name))]);
      },
    },
  );

const yaml = `# settings
label: cell_type
net: [resnet18, compact]
epochs: 20
lr: 1e-4
size: 64x32
weights: {resnet18: random}
tune:
  lr: [1e-4, 1e-3]
out: "runs/a b"
`;
const gmt = `# sets\nA_SET\thttp://x\tTP53\tEGFR\tMYC\nB_SET\tb\tTP53,1.0\tKRAS\n\nC\t\tA\tB\tC\n`;

const layersOf = async (path) => {
  const reader = await openExpression(join(fixtures, path), { withoutMatrix: true, requireX: false });
  reader.close();
  return reader.layers;
};

/** Readers that need no run. @returns name → its seeds */
export async function fileReaders() {
  const made = {
    h5ad: [
      ...["columns", "records", "small", "sparse"].map((name) => expression(`h5ad/${name}.h5ad`)),
      layered("h5ad/chunks.h5ad", await layersOf("h5ad/chunks.h5ad")),
      layered("hdf5/filters.h5ad", await layersOf("hdf5/filters.h5ad")),
      expression("hdf5/earliest.h5ad"),
      expression("hdf5/v114.h5ad"),
    ],
    "10x h5": [expression("formats/tenx_v2.h5"), expression("formats/tenx_v3.h5")],
    loom: [expression("formats/small.loom")],
    "zarr zip": ["whole_v2", "whole_v3", "chunks_v2", "chunks_v3"].map((name) =>
      expression(`zarr/${name}.zarr.zip`),
    ),
    "zarr folder": ["whole_v2", "whole_v3"].map((name) => {
      const entries = unzipSync(readFileSync(join(fixtures, `zarr/${name}.zarr.zip`)));
      const files = Object.fromEntries(
        Object.entries(entries)
          .filter(([path]) => !path.endsWith("/"))
          .map(([path, data]) => [`${name}.zarr/${path}`, Buffer.from(data)]),
      );
      return folder(`zarr/${name}.zarr`, files, `${name}.zarr`);
    }),
    mtx: ["mtx_v2", "mtx_v3"].map((name) => folder(`formats/${name}`, tree(join(fixtures, "formats", name)))),
    text: [
      ...[
        "annotated.csv",
        "blanks_r.txt",
        "series_matrix.txt",
        "utf16.txt.gz",
        "samples_rows.tsv",
        "genes.gct",
      ].map((name) => expression(`formats/${name}`)),
      seed("labels.tsv", one("formats/labels.tsv"), {
        read: (dir) => readAll(join(fixtures, "formats/genes_rows.csv"), { labels: join(dir, "labels.tsv") }),
      }),
    ],
    rds: ["matrix_with_dim_names", "lists_df_rownames", "sumexpt"].map((name) =>
      expression(`rds/${name}.rds`),
    ),
    gmt: [
      seed(
        "sets.gmt",
        { "sets.gmt": Buffer.from(gmt) },
        {
          read: async (dir) => (await import("../../dist/io/gmt.js")).readGmt(join(dir, "sets.gmt")),
        },
      ),
    ],
    pth: [
      "module.zip.pth",
      "strided.zip.pth",
      "wrapped.zip.pth",
      "dtypes.zip.pth",
      "module.legacy.pth",
      "wrapped.legacy.pth",
      "strided.legacy.pth",
      "module.protocol5.pth",
    ].map((name) => weights(`weights/${name}`)),
    safetensors: ["dtypes.safetensors", "written.safetensors"].map((name) => weights(`weights/${name}`)),
    config: [
      config("config.yaml", yaml),
      config("config.json", '{"label":"a","epochs":3,"size":"32x64","tune":{"lr":[0.1]}}'),
    ],
  };
  return made;
}

/** Readers of a run folder and its model file. @param root a finished run of the command line */
export async function runReaders(root) {
  const [
    { RunFolder },
    { reportData },
    { finalModel },
    { readSamples },
    { readFoldImages },
    { predictFile },
    { silent },
  ] = await Promise.all([
    import("../../dist/io/run-folder.js"),
    import("../../dist/stages/report.js"),
    import("../../dist/stages/model.js"),
    import("../../dist/io/images.js"),
    import("../../dist/io/encoded.js"),
    import("../../dist/stages/predict.js"),
    import("../../dist/progress.js"),
  ]);
  const { paramSpecs } = await import("../../dist/net/nets.js");
  const { atStart } = await import("../../dist/train/loop.js");
  const { packStanding, unpackStanding } = await import("../../dist/train/checkpoint.js");
  const { readSafetensors } = await import("../../dist/net/weights/safetensors.js");
  const { unpackEncoder } = await import("../../dist/io/encoder-file.js");
  const all = tree(root);
  const files = Object.fromEntries(
    Object.entries(all).filter(([path]) => !/\.png$/.test(path) || path.startsWith("benchmarking")),
  );
  const ctx = { progress: silent };
  const open = async (dir, work) => {
    const run = await RunFolder.open(dir, { shared: true });
    const settings = { ...resolveSettings([], run.record.settings), out: dir };
    return work(run, settings);
  };
  const ways = {
    report: (dir) => open(dir, (run, settings) => reportData(run, settings, ctx)),
    model: (dir) => open(dir, async (run, settings) => finalModel(run, settings, await readSamples(run))),
    images: (dir) =>
      open(dir, async (run, settings) => readFoldImages(run, await readSamples(run), settings, 0, ctx)),
  };
  const through = (name, targets, ...read) =>
    seed(name, files, { targets, read: (dir, k) => ways[read[k % read.length]](dir) });
  const input = readFileSync(join(fixtures, "cli.h5ad"));
  const model = seed(
    "model_final.onnx",
    { "model.onnx": all["model_final.onnx"], "new.h5ad": input },
    {
      targets: ["model.onnx"],
      read: (dir) =>
        predictFile(join(dir, "model.onnx"), join(dir, "new.h5ad"), {
          out: join(dir, "out.csv"),
          threads: 1,
        }),
    },
  );
  const encoder = all["encoders/0/encoder.safetensors"];
  const specs = paramSpecs("compact", 6, { height: 32, width: 32 });
  const { tensors } = readSafetensors(all["folds/compact/0/weights.safetensors"], "weights");
  const moments = new Map(
    [...tensors].flatMap(([name, t]) => [
      [`m:${name}`, t],
      [`v:${name}`, t],
    ]),
  );
  const standing = Buffer.from(
    packStanding({ ...atStart({ parameters: tensors, moments, steps: 3 }), step: 1, seen: 18 }),
  );
  return {
    onnx: [model],
    "encoder, checkpoint": [
      seed(
        "encoder.safetensors",
        { "encoder.safetensors": encoder },
        {
          read: (dir) => unpackEncoder(readFileSync(join(dir, "encoder.safetensors")), "encoder.safetensors"),
        },
      ),
      seed(
        "checkpoint.safetensors",
        { "checkpoint.safetensors": standing },
        {
          // a checkpoint that is not whole is left aside, without a word: training begins anew
          read: (dir) => unpackStanding(readFileSync(join(dir, "checkpoint.safetensors")), specs),
        },
      ),
    ],
    "run folder": [
      through("run.json", ["run.json"], "report", "model", "images"),
      through("metrics.json", ["metrics.json"], "report", "model"),
      through("genes.json", ["genes.json"], "report"),
      through("embedding.csv", ["embedding.csv"], "report", "model"),
      through(
        "what the stages wrote",
        [
          "splits.csv",
          "genes.csv",
          "final/history.json",
          "final/validation.csv",
          "final/weights.safetensors",
          "folds/compact/0/predictions.csv",
          "folds/compact/1/validation.csv",
          "encoders/0/samples.safetensors",
          "encoders/final/encoder.safetensors",
        ],
        "model",
      ),
      through(
        "images",
        ["encoders/0/images.rgb.gz", "encoders/0/images.rgb.gz", "figures/Figure_1.svg"],
        "images",
        "images",
        "report",
      ),
    ],
  };
}
