/**
 * Size factors as a file (safetensors): the factors of all samples of a run, and what places new ones. One lies beside
 * the encoder of every fold, where the run is normalised by size factors.
 */
import { z } from "zod";
import { CellhueError } from "../errors.js";
import type { Tensor } from "../net/tensors.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import type { SizeFactors } from "../normalize/size-factors.js";

export const sizeFactorsFile = "size_factors.safetensors";
const schema = "cellhue.size_factors/1";
// As texts: float64 is to come back as it was.
const about = z.object({ total: z.number(), scale: z.number(), least: z.number() });

export function packSizeFactors({ rule, factors }: SizeFactors): Uint8Array {
  const { genes, reference, pools, total, scale, least } = rule;
  const width = genes.length;
  const tensors = new Map<string, Tensor>([
    ["factors", { dims: [factors.length], data: factors }],
    // Columns stay below 2^24, so that float32 holds them.
    ["genes", { dims: [width], data: Float32Array.from(genes) }],
    ["reference", { dims: [width], data: reference }],
    ["pools", { dims: [width === 0 ? 0 : pools.length / width, width], data: pools }],
  ]);
  return writeSafetensors(tensors, { schema, about: JSON.stringify({ total, scale, least }) });
}

/**
 * @param where names the file in errors
 * @throws CellhueError where the bytes are not whole
 */
export function unpackSizeFactors(bytes: Uint8Array, where: string): SizeFactors {
  const { tensors, metadata } = readSafetensors(bytes, where);
  const damaged = (found: string, cause?: unknown) =>
    new CellhueError("the size factors of the run cannot be read", {
      where,
      found,
      expected: schema,
      remedy: "remove the file, then: cellhue preprocess RUN, and cellhue folds RUN",
      cause,
    });
  if (metadata.schema !== schema) throw damaged(metadata.schema ?? "no schema");
  const get = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw damaged(`no '${name}'`);
    return tensor.data;
  };
  let plain: z.infer<typeof about>;
  try {
    plain = about.parse(JSON.parse(metadata.about));
  } catch (cause) {
    throw damaged("metadata that do not fit", cause);
  }
  const rule = {
    genes: Int32Array.from(get("genes")),
    reference: get("reference"),
    pools: get("pools"),
    ...plain,
  };
  const width = rule.genes.length;
  if (rule.reference.length !== width || rule.pools.length % Math.max(1, width) !== 0)
    throw damaged("arrays that do not fit each other");
  return { rule, factors: get("factors") };
}
