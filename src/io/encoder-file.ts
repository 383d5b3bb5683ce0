/**
 * A fitted encoder as bytes and back (safetensors: arrays and metadata, nothing that could run): the files
 * encoders/<k>/encoder.safetensors of a run, one for each fold.
 */
import { z } from "zod";
import type { Projection } from "../embed/projection.js";
import type { EncoderFit, Painter } from "../encode/encoder.js";
import { CellhueError } from "../errors.js";
import type { Tensor, Tensors } from "../net/tensors.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";

export const encoderSchema = "cellhue.encoder/2";

const count = z.number().int().min(0);
const size = { height: count.min(1), width: count.min(1) };
const about = z.object({
  genes: count.min(1),
  chosen: z.array(count).nullable(),
  neighbours: count.min(1),
  painter: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("spectral"), ...size, pointSize: count }),
    z.object({
      kind: z.literal("genes"),
      ...size,
      zoom: count.min(1),
      chosen: z.array(count),
      log: z.boolean(),
    }),
  ]),
});
type About = z.infer<typeof about>;

function projectionTensors({ components, scale, mean, loadings }: Projection): Tensors {
  const d = mean.length;
  const tensors: Tensors = new Map([
    ["loadings", { dims: [components, d], data: loadings }],
    ["gene_mean", { dims: [d], data: mean }],
  ]);
  if (scale !== null) tensors.set("gene_scale", { dims: [d], data: scale });
  return tensors;
}

export function packEncoder({ projection, map, painter }: EncoderFit): Uint8Array {
  const n = map.reference.length / map.components;
  const tensors = projectionTensors(projection);
  tensors.set("reference_scores", { dims: [n, map.components], data: map.reference });
  tensors.set("reference_places", { dims: [n, map.axes], data: map.places });
  const plain: About = {
    genes: projection.genes,
    chosen: projection.chosen === null ? null : [...projection.chosen],
    neighbours: map.neighbours,
    painter: packPainter(painter, tensors),
  };
  return writeSafetensors(tensors, { schema: encoderSchema, about: JSON.stringify(plain) });
}

/** Arrays go to `tensors`. */
function packPainter(painter: Painter, tensors: Tensors): About["painter"] {
  const put = (name: string, data: Float32Array) => tensors.set(name, { dims: [data.length], data });
  if (painter.kind === "spectral") {
    put("low", painter.low);
    put("high", painter.high);
    return { kind: "spectral", ...painter.size, pointSize: painter.pointSize };
  }
  const { size, zoom, chosen, scaling, placings } = painter;
  for (const name of scalingArrays) put(`value_${name}`, scaling[name]);
  if (scaling.minimum !== null) put("value_minimum", scaling.minimum);
  // Pixels stay below 2^24, so that float32 holds them.
  placings.forEach((pixels, i) => {
    put(`pixel_${i}`, Float32Array.from(pixels));
  });
  return { kind: "genes", ...size, zoom, chosen: [...chosen], log: scaling.log };
}

/**
 * @param where names the file in errors
 * @throws CellhueError where the bytes are not a whole encoder
 */
export function unpackEncoder(bytes: Uint8Array, where: string): EncoderFit {
  const { tensors, metadata } = readSafetensors(bytes, where);
  const damaged = (found: string, cause?: unknown) =>
    new CellhueError("an encoder of the run cannot be read", {
      where,
      found,
      expected: encoderSchema,
      remedy: "remove the file, then start the same command again",
      cause,
    });
  if (metadata.schema !== encoderSchema) throw damaged(metadata.schema ?? "no schema");
  let plain: z.infer<typeof about>;
  try {
    plain = about.parse(JSON.parse(metadata.about));
  } catch (cause) {
    throw damaged("metadata that do not fit", cause);
  }
  const get = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw damaged(`no '${name}'`);
    return tensor;
  };
  const loadings = get("loadings");
  const [components] = loadings.dims;
  const places = get("reference_places");
  return {
    projection: {
      genes: plain.genes,
      chosen: plain.chosen === null ? null : Int32Array.from(plain.chosen),
      scale: tensors.get("gene_scale")?.data ?? null,
      mean: get("gene_mean").data,
      loadings: loadings.data,
      components,
    },
    map: {
      neighbours: plain.neighbours,
      components,
      reference: get("reference_scores").data,
      places: places.data,
      axes: places.dims[1],
    },
    painter: unpackPainter(plain.painter, tensors, get),
  };
}

function unpackPainter(plain: About["painter"], tensors: Tensors, get: (name: string) => Tensor): Painter {
  const { height, width } = plain;
  const size = { height, width };
  if (plain.kind === "spectral")
    return {
      kind: "spectral",
      size,
      pointSize: plain.pointSize,
      low: get("low").data,
      high: get("high").data,
    };
  const array = (name: (typeof scalingArrays)[number]) => get(`value_${name}`).data;
  const pixels = (channel: number) => Int32Array.from(get(`pixel_${channel}`).data);
  return {
    kind: "genes",
    size,
    zoom: plain.zoom,
    chosen: Int32Array.from(plain.chosen),
    scaling: {
      log: plain.log,
      minimum: tensors.get("value_minimum")?.data ?? null,
      offset: array("offset"),
      slope: array("slope"),
      intercept: array("intercept"),
      mean: array("mean"),
    },
    placings: tensors.has("pixel_1") ? [pixels(0), pixels(1), pixels(2)] : [pixels(0)],
  };
}

/** Of a scaling, one value a gene. */
const scalingArrays = ["offset", "slope", "intercept", "mean"] as const;
