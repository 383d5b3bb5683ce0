/**
 * Role: a training's standing as bytes and back, bit for bit (safetensors: float32 tensors and metadata; nothing that
 * could run). Contract: `unpack(pack(x))` continues exactly as x would. Tensors: parameters under their names, moments
 * under `m:` and `v:`, the best epoch's parameters under `best:`.
 */
import { z } from "zod";
import type { ParamSpec, Tensors } from "../net/tensors.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import type { Standing } from "./loop.js";

const schema = "cellhue.checkpoint/3";
const count = z.number().int().min(0);
/** Where it stood. Sums may have become infinite; what JSON makes null then is no number any more. */
const standingSchema = z.looseObject({
  history: z.array(
    z.looseObject({
      epoch: count,
      loss: z.number(),
      validationLoss: z.number().optional(),
      validationAccuracy: z.number().optional(),
      seconds: z.number(),
    }),
  ),
  step: count,
  lossSum: z.number(),
  seen: count,
  seconds: z.number(),
  steps: count,
});

export function packStanding(standing: Standing): Uint8Array {
  const { state, best, ...where } = standing;
  const kept = [...(best ?? [])].map(([name, tensor]) => [`best:${name}`, tensor] as const);
  const tensors: Tensors = new Map([...state.parameters, ...state.moments, ...kept]);
  return writeSafetensors(tensors, { schema, standing: JSON.stringify({ ...where, steps: state.steps }) });
}

/**
 * @param specs the parameters of the network that is trained
 * @returns undefined where the bytes are not a whole checkpoint of it (damaged, of another version or network)
 */
export function unpackStanding(bytes: Uint8Array, specs: readonly ParamSpec[]): Standing | undefined {
  let standing: Omit<Standing, "state" | "best"> & { steps: number };
  let tensors: Tensors;
  try {
    const file = readSafetensors(bytes, "checkpoint");
    if (file.metadata.schema !== schema) return undefined;
    standing = standingSchema.parse(JSON.parse(file.metadata.standing));
    tensors = file.tensors;
  } catch {
    return undefined; // neither of the two formats: nothing to go on from
  }
  const { steps, ...rest } = standing;
  const parameters: Tensors = new Map();
  const moments: Tensors = new Map();
  const best: Tensors = new Map();
  for (const [name, tensor] of tensors)
    if (name.startsWith("best:")) best.set(name.slice("best:".length), tensor);
    else (/^[mv]:/.test(name) ? moments : parameters).set(name, tensor);
  /** The tensors of a parameter: frozen ones and running statistics have no moments. */
  const keysOf = (name: string) => [
    name,
    ...(moments.has(`m:${name}`) || moments.has(`v:${name}`) ? [`m:${name}`, `v:${name}`] : []),
    ...(best.size > 0 ? [`best:${name}`] : []),
  ];
  const whole =
    moments.size > 0 &&
    specs.every(({ name, dims }) =>
      keysOf(name).every((key) => tensors.get(key)?.dims.join() === dims.join()),
    );
  if (!whole) return undefined;
  const state = { parameters, moments, steps };
  return best.size > 0 ? { ...rest, state, best } : { ...rest, state };
}
