/**
 * Reads a model file (see model-file.ts for what is in one): checks that it is one of ours, whole, and of a schema that
 * this cellhue knows, and gives the metadata that a prediction needs. Nothing in the file runs here.
 */
import { readdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import protobuf from "protobufjs/minimal.js";
import { z } from "zod";
import { CellhueError } from "../errors.js";
import { foreignPart, readMetadata } from "../graph/onnx.js";
import { normalizations } from "../normalize/normalize.js";
import { nearNames } from "./near.js";
import { visible } from "./visible.js";

const known = 2;
const share = z.number().min(0).max(1);
const distinct = (list: readonly string[]) => new Set(list).size === list.length;

/** What a prediction needs of "cellhue.model/2"; all else that stands there is kept. */
const schema = z
  .looseObject({
    schema: z.literal(`cellhue.model/${known}`),
    net: z.string(),
    /** In the order of the outputs. */
    labels: z.array(z.string()).min(1).refine(distinct, "labels that occur twice"),
    /** In the order of the input. */
    genes: z.array(z.string()).min(1),
    /** A second name of each gene, "" where it has none. */
    geneIds: z.array(z.string()).nullable(),
    inputState: z.looseObject({
      state: z.string(),
      evidence: z.string(),
      normalize: z.enum(normalizations),
    }),
    /** Above the threshold a sample is flagged as far from training; null where none could be set. */
    distance: z.looseObject({ threshold: z.number().nullable(), quantile: z.number().optional() }),
    abstain: z.looseObject({ threshold: share.nullable(), meaning: z.string() }),
    /** A label set holds all labels whose probability is at least the threshold (null: all); null: there are no sets. */
    conformal: z.looseObject({ coverage: share, threshold: share.nullable() }).nullable(),
  })
  .refine(
    (m) => m.geneIds === null || m.geneIds.length === m.genes.length,
    "geneIds of another length than genes",
  );

export type StoredMetadata = z.infer<typeof schema>;

export interface ModelFile {
  path: string;
  /** All of the file, for onnxruntime. */
  bytes: Uint8Array;
  metadata: StoredMetadata;
}

/**
 * @throws CellhueError: no such file, not ONNX or cut short, no model of cellhue, one of an older or newer cellhue,
 *   metadata that are damaged
 */
export async function readModelMetadata(path: string): Promise<ModelFile> {
  const bytes = await readWhole(path);
  if (bytes.length === 0 || Buffer.from(bytes.subarray(0, 4)).equals(Buffer.from("\x89HDF", "latin1")))
    throw new CellhueError("this is no model file", {
      where: path,
      found: bytes.length === 0 ? "an empty file" : "HDF5, as an .h5ad file is",
      expected: "model_final.onnx of a run",
      remedy: "cellhue predict MODEL.onnx FILE.h5ad",
    });
  const strings = readMetadata(bytes, path);
  const text = strings.get("cellhue");
  if (text === undefined)
    throw new CellhueError("this ONNX file is no model of cellhue", {
      where: path,
      found: `metadata: ${[...strings.keys()].map((key) => visible(key, 40)).join(", ") || "none"}`,
      expected: "model_final.onnx of a run, with its metadata under 'cellhue'",
      remedy: "if it was one, it is cut short: copy it again",
    });
  const metadata = parseMetadata(text, path, bytes);
  const foreign = foreignIn(bytes);
  if (foreign !== null)
    throw new CellhueError("the model file holds what cellhue never writes", {
      where: path,
      found: visible(foreign, 80),
      expected: "one plain graph, all of it in the file",
      remedy: "do not use this file: it was changed by something else; ask for it anew",
    });
  return { path, bytes, metadata };
}

function foreignIn(bytes: Uint8Array): string | null {
  try {
    return foreignPart(bytes);
  } catch (cause) {
    return `a graph that is damaged: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

function parseMetadata(text: string, path: string, bytes: Uint8Array): StoredMetadata {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const named = z.looseObject({ schema: z.string() }).safeParse(value);
  const version = /^cellhue\.model\/(\d+)$/.exec(named.success ? named.data.schema : "")?.[1];
  if (version === undefined) throw damaged(path, "no schema");
  const from = producerVersion(bytes);
  const by = from === "" ? "" : `, written by cellhue ${visible(from, 40)}`;
  if (Number(version) > known)
    throw new CellhueError("the model file is of a newer cellhue", {
      where: path,
      found: `cellhue.model/${version}${by}`,
      expected: `cellhue.model/${known}`,
      remedy:
        from === "" ? "install a newer cellhue" : `npm install cellhue@${visible(from, 40)}, or a newer one`,
    });
  if (Number(version) < known)
    throw new CellhueError("the model file is of an older cellhue: it takes images, not expression", {
      where: path,
      found: `cellhue.model/${version}${by}`,
      expected: `cellhue.model/${known}`,
      remedy: "train it anew with this version: cellhue run FILE --label COLUMN",
    });
  const result = schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw damaged(path, `${issue.path.join(".") || "the whole"}: ${issue.message}`, result.error);
  }
  return result.data;
}

const damaged = (where: string, found: string, cause?: unknown) =>
  new CellhueError("the metadata of the model file are damaged", {
    where,
    found,
    expected: `JSON of the schema cellhue.model/${known}`,
    remedy: "copy the file again, or write it anew: cellhue export RUN --out NEW.onnx",
    cause,
  });

/** ModelProto.producer_version, which stays where it is whatever the schema; "" where there is none. */
function producerVersion(bytes: Uint8Array): string {
  const r = protobuf.Reader.create(bytes);
  while (r.pos < r.len) {
    const key = r.uint32();
    if (key === ((3 << 3) | 2)) return r.string();
    r.skipType(key & 7);
  }
  return "";
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).isDirectory()) throw folder(path);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof CellhueError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const missing = code === "ENOENT" || code === "ENOTDIR";
    const names = missing ? listModels(dirname(path)) : [];
    const near = nearNames(basename(path), names);
    throw new CellhueError(missing ? "no such model file" : "the model file cannot be read", {
      where: path,
      found: missing ? undefined : code,
      remedy: (near.length > 0 ? near : names.slice(0, 3)).map((name) => join(dirname(path), name)),
      cause,
    });
  }
}

function folder(path: string): CellhueError {
  return new CellhueError("this is a folder, not a model file", {
    where: path,
    expected: "model_final.onnx of a run",
    remedy: listModels(path).map((name) => join(path, name)),
  });
}

function listModels(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith(".onnx"))
      .sort();
  } catch {
    return [];
  }
}
