/**
 * Does a state dict belong to this network, and was it ever trained? The last layer is always new, so one of another
 * size (or none) is no fault; everything else must be there in the right shape.
 */
import { CellhueError } from "../../errors.js";
import type { ParamSpec, Tensors } from "../tensors.js";
import { headOf } from "./init.js";
import { looksLike, type NetName, toTorchvisionNames } from "./layouts.js";
import { quoted, shapeText } from "./text.js";

function firstFew(items: readonly string[]): string {
  const shown = items.slice(0, 4).join(", ");
  return items.length > 4 ? `${shown} and ${items.length - 4} more` : shown;
}

/**
 * Brings `found` to the network's names and compares it with what the network needs.
 * @returns the tensors in the order of `specs`, without the last layer where the file has none of that size; and notes
 *   on what was left out
 * @throws CellhueError naming the first missing, unknown and mis-shaped tensors, and the network that it looks like
 */
export function fitToNet(
  net: NetName,
  specs: readonly ParamSpec[],
  found: Tensors,
  where: string,
): { tensors: Tensors; notes: string[] } {
  const named = toTorchvisionNames(net, found, where);
  const head = headOf(specs);
  const headPrefix = `${head.weight.name.split(".")[0]}.`;
  const isHead = (name: string) => name.startsWith(headPrefix);
  const [classes, inputs] = head.weight.dims;

  const known = new Set(specs.map((spec) => spec.name));
  const missing: string[] = [];
  const misshaped: string[] = [];
  const extra = [...named.keys()].filter((name) => !known.has(name) && !isHead(name)).map(quoted);
  const tensors: Tensors = new Map();
  for (const { name, dims } of specs) {
    if (isHead(name)) continue;
    const tensor = named.get(name);
    if (tensor === undefined) missing.push(name);
    else if (shapeText(tensor.dims) !== shapeText(dims)) {
      misshaped.push(`${name} is ${shapeText(tensor.dims)}, not ${shapeText(dims)}`);
    } else tensors.set(name, tensor);
  }
  if (missing.length + extra.length + misshaped.length > 0) {
    const other = looksLike(found);
    const complaints = [
      missing.length > 0 ? `${missing.length} missing (${firstFew(missing)})` : "",
      extra.length > 0 ? `${extra.length} unknown (${firstFew(extra)})` : "",
      misshaped.length > 0 ? `${misshaped.length} of another shape (${firstFew(misshaped)})` : "",
    ];
    throw new CellhueError(`these weights do not fit ${net}`, {
      where,
      found: `${named.size} tensors: ${complaints.filter((c) => c !== "").join("; ")}`,
      expected: `the ${specs.length} parameters and buffers of ${net}`,
      remedy:
        other === undefined || other === net
          ? `save the state dict of ${net} whole: torch.save(model.state_dict(), file)`
          : `the file looks like ${other}; give the file of ${net}, or another --net`,
    });
  }
  const notes: string[] = [];
  const weight = named.get(head.weight.name);
  const bias = named.get(head.bias.name);
  if (
    weight !== undefined &&
    bias !== undefined &&
    shapeText(weight.dims) === shapeText(head.weight.dims) &&
    shapeText(bias.dims) === shapeText(head.bias.dims)
  ) {
    tensors.set(head.weight.name, weight);
    tensors.set(head.bias.name, bias);
  } else if (![...named.keys()].some(isHead)) {
    notes.push(`${where} has no last layer; it is always new, so nothing is lost`);
  } else {
    const shape = weight === undefined ? "another form" : shapeText(weight.dims);
    notes.push(
      `the last layer in ${where} (${shape}, not ${classes}×${inputs}) is left out; it is always new for your labels`,
    );
  }
  for (const { name, kind } of specs) {
    const data = tensors.get(name)?.data;
    const bad = data?.findIndex((v) => !Number.isFinite(v) || (kind === "bn_var" && v < 0)) ?? -1;
    if (data !== undefined && bad >= 0) {
      throw new CellhueError("these weights hold impossible values", {
        where,
        found: `${name} has ${data[bad]} at position ${bad}`,
        expected: "finite numbers, and no negative variance",
        remedy: "save or download the weights again",
      });
    }
  }

  return { tensors, notes };
}

/**
 * Evidence that weights were never trained, or undefined. Training moves the scales and shifts of batch norm at its
 * first step and the running statistics at its first batch, so a network where all of them stand at their initial
 * values has seen no data. A batch counter of 0 alone proves nothing: converted weights have it too. In a network without
 * batch norm (SqueezeNet) the biases of the convolutions tell, which begin at 0.
 * @param tensors by the names of `specs`
 * @param found the file's own tensors, for its batch counters
 */
export function signsOfNoTraining(
  specs: readonly ParamSpec[],
  tensors: Tensors,
  found: Tensors,
): string | undefined {
  const head = headOf(specs);
  const all = (kind: ParamSpec["kind"], test: (value: number) => boolean): boolean => {
    const ofKind = specs.filter((spec) => spec.kind === kind && spec.name !== head.bias.name);
    return ofKind.length > 0 && ofKind.every(({ name }) => tensors.get(name)?.data.every(test) ?? false);
  };
  // Some constructors set the last scale of each residual block to 0.
  const affine = all("bn_weight", (v) => v === 0 || v === 1) && all("bn_bias", (v) => v === 0);
  const statistics = all("bn_mean", (v) => v === 0) && all("bn_var", (v) => v === 1);
  const biases = !specs.some(({ kind }) => kind === "bn_weight") && all("bias", (v) => v === 0);
  if (!affine && !statistics && !biases) return undefined;
  const counters = [...found].filter(([name]) => name.endsWith("num_batches_tracked"));
  const signs = [
    affine ? "all batch-norm weights are 1 (or 0) and all biases 0" : "",
    biases ? "all biases are 0" : "",
    statistics ? "all running means are 0 and all variances 1" : "",
    counters.length > 0 && counters.every(([, t]) => t.data.every((v) => v === 0))
      ? "all batch counters are 0"
      : "",
  ];
  return signs.filter((sign) => sign !== "").join("; ");
}
