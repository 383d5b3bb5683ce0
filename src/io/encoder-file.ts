/**
 * A fitted encoder as bytes and back (safetensors: arrays and metadata, nothing that could run): the files
 * encoders/<k>/encoder.safetensors of a run, one for each fold.
 */
import { z } from "zod";
import type { Projection } from "../embed/projection.js";
import type { SpectralFit } from "../encode/spectral-fit.js";
import { CellhueError } from "../errors.js";
import type { Tensors } from "../net/tensors.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";

export const encoderSchema = "cellhue.encoder/1";

const about = z.object({
  genes: z.number().int().min(1),
  chosen: z.array(z.number().int().min(0)).nullable(),
  neighbours: z.number().int().min(1),
  height: z.number().int().min(1),
  width: z.number().int().min(1),
  pointSize: z.number().int().min(0),
});

function projectionTensors({ components, scale, mean, loadings }: Projection): Tensors {
  const d = mean.length;
  const tensors: Tensors = new Map([
    ["loadings", { dims: [components, d], data: loadings }],
    ["gene_mean", { dims: [d], data: mean }],
  ]);
  if (scale !== null) tensors.set("gene_scale", { dims: [d], data: scale });
  return tensors;
}

export function packEncoder({ projection, map, painter }: SpectralFit): Uint8Array {
  const n = map.reference.length / map.components;
  const tensors = projectionTensors(projection);
  tensors.set("reference_scores", { dims: [n, map.components], data: map.reference });
  tensors.set("reference_places", { dims: [n, map.axes], data: map.places });
  tensors.set("low", { dims: [painter.low.length], data: painter.low });
  tensors.set("high", { dims: [painter.high.length], data: painter.high });
  const plain: z.infer<typeof about> = {
    genes: projection.genes,
    chosen: projection.chosen === null ? null : [...projection.chosen],
    neighbours: map.neighbours,
    ...painter.size,
    pointSize: painter.pointSize,
  };
  return writeSafetensors(tensors, {
    schema: encoderSchema,
    encoder: "spectral",
    about: JSON.stringify(plain),
  });
}

/**
 * @param where names the file in errors
 * @throws CellhueError where the bytes are not a whole encoder
 */
export function unpackEncoder(bytes: Uint8Array, where: string): SpectralFit {
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
    painter: {
      size: { height: plain.height, width: plain.width },
      pointSize: plain.pointSize,
      low: get("low").data,
      high: get("high").data,
    },
  };
}
