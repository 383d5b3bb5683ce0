/**
 * Role: a training's standing as bytes and back, bit for bit (safetensors: float32 tensors and metadata; nothing that
 * could run). Contract: `unpack(pack(x))` continues exactly as x would.
 */

import type { Tensors } from "../net/tensors.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import type { Standing } from "./loop.js";

const schema = "cellhue.checkpoint/1";

export function packStanding(standing: Standing): Uint8Array {
  const { state, ...where } = standing;
  const tensors: Tensors = new Map([...state.parameters, ...state.moments]);
  return writeSafetensors(tensors, { schema, standing: JSON.stringify({ ...where, steps: state.steps }) });
}

/** @returns undefined where the bytes are not a whole checkpoint (e.g. of another version) */
export function unpackStanding(bytes: Uint8Array, where: string): Standing | undefined {
  const { tensors, metadata } = readSafetensors(bytes, where);
  if (metadata.schema !== schema || metadata.standing === undefined) return undefined;
  const { steps, ...rest } = JSON.parse(metadata.standing) as Omit<Standing, "state"> & { steps: number };
  const parameters: Tensors = new Map();
  const moments: Tensors = new Map();
  for (const [name, tensor] of tensors) (/^[mv]:/.test(name) ? moments : parameters).set(name, tensor);
  return { ...rest, state: { parameters, moments, steps } };
}
