/**
 * Role: leaves out nodes that only cost time: reshapes of reshapes, reshapes to the dims that a value has, and what
 * nothing depends on.
 * Contract: the same outputs, bit for bit. Each node costs onnxruntime some microseconds a run, and reshapes were a third.
 */
import type { NodeRecord } from "./onnx.js";

/**
 * @param outputs names that must stay
 * @param shapes the values of constants, by name
 * @param sizes dims of values, by name, where they are known
 */
export function simplified(
  nodes: readonly NodeRecord[],
  outputs: readonly string[],
  shapes: ReadonlyMap<string, readonly number[]>,
  sizes: ReadonlyMap<string, string>,
): NodeRecord[] {
  const kept = new Set(outputs);
  const same = new Map<string, string>(); // names of values that are another's
  const reshaped = new Map<string, { source: string; dims: string }>();
  const rewired: NodeRecord[] = [];
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => same.get(name) ?? name);
    const dims = node.opType === "Reshape" && node.domain === "" ? shapes.get(inputs[1]) : undefined;
    if (!dims?.every((d) => d > 0)) {
      rewired.push({ ...node, inputs });
      continue;
    }
    const [out] = node.outputs;
    const before = reshaped.get(inputs[0]);
    const source = before?.source ?? inputs[0];
    const shape = dims.join();
    const alike = sizes.get(source) === shape ? source : before?.dims === shape ? inputs[0] : undefined;
    if (alike !== undefined && !kept.has(out)) {
      same.set(out, alike);
      continue;
    }
    reshaped.set(out, { source, dims: shape });
    rewired.push({ ...node, inputs: [source, inputs[1]] });
  }
  const needed = new Set(outputs);
  return rewired
    .reverse()
    .filter(({ inputs, outputs: made }) => {
      if (!made.some((name) => needed.has(name))) return false;
      for (const name of inputs) needed.add(name);
      return true;
    })
    .reverse();
}
