/**
 * Role: a training's standing as bytes and back, bit for bit (safetensors: float32 tensors and metadata; nothing that
 * could run). Contract: `unpack(pack(x))` continues exactly as x would.
 */

import type { ParamSpec, Tensors } from "../net/tensors.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import type { Standing } from "./loop.js";

const schema = "cellhue.checkpoint/1";

export function packStanding(standing: Standing): Uint8Array {
  const { state, ...where } = standing;
  const tensors: Tensors = new Map([...state.parameters, ...state.moments]);
  return writeSafetensors(tensors, { schema, standing: JSON.stringify({ ...where, steps: state.steps }) });
}

/**
 * @param specs the parameters of the network that is trained
 * @returns undefined where the bytes are not a whole checkpoint of it (damaged, of another version or network)
 */
export function unpackStanding(bytes: Uint8Array, specs: readonly ParamSpec[]): Standing | undefined {
  let standing: Omit<Standing, "state"> & { steps: number };
  let tensors: Tensors;
  try {
    const file = readSafetensors(bytes, "checkpoint");
    if (file.metadata.schema !== schema) return undefined;
    standing = JSON.parse(file.metadata.standing);
    tensors = file.tensors;
  } catch {
    return undefined; // neither of the two formats: nothing to go on from
  }
  const { steps, ...rest } = standing;
  const parameters: Tensors = new Map();
  const moments: Tensors = new Map();
  for (const [name, tensor] of tensors) (/^[mv]:/.test(name) ? moments : parameters).set(name, tensor);
  const whole = specs.every(({ name, dims, kind }) =>
    (kind === "bn_mean" || kind === "bn_var" ? [name] : [name, `m:${name}`, `v:${name}`]).every(
      (key) => tensors.get(key)?.dims.join() === dims.join(),
    ),
  );
  return whole ? { ...rest, state: { parameters, moments, steps } } : undefined;
}
