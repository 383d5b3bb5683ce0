/**
 * Role: differentiates a graph into the same graph (reverse mode).
 * Contract: walks the tape backwards from one value and appends the nodes of its gradients. Only what lies between
 * the value and `wrt` is differentiated: e.g. no gradient by the images is computed in training.
 * Reference: Griewank & Walther, Evaluating Derivatives (2008), ch. 3.
 */
import { type Graph, staticDims, type Value } from "./graph.js";

/**
 * @param of the value to differentiate (a loss, or scores)
 * @param wrt the values to differentiate by
 * @param seed gradient that arrives at `of`, of its dims; default: ones (so that a vector's entries are summed)
 * @returns one gradient per entry of `wrt`, with its dims; throws where `of` does not depend on it
 */
export function gradients(g: Graph, of: Value, wrt: readonly Value[], seed?: Value): Value[] {
  const active = new Set(wrt.map((v) => v.name));
  const path = g.tape.filter((entry) => {
    if (!entry.inputs.some((v) => active.has(v.name))) return false;
    for (const v of entry.outputs) active.add(v.name);
    return true;
  });
  const grads = new Map<string, Value>([[of.name, inLayoutOf(g, of, seed ?? ones(g, of))]]);
  for (const entry of path.reverse()) {
    const arriving = entry.outputs.map((v) => grads.get(v.name));
    if (arriving.every((v) => v === undefined)) continue;
    const needed = entry.inputs.map((v) => active.has(v.name));
    const leaving = entry.vjp(arriving, needed);
    entry.inputs.forEach((v, i) => {
      const grad = leaving[i];
      if (!needed[i] || grad === undefined) return;
      const sofar = grads.get(v.name);
      if (typeof grad === "function") grads.set(v.name, grad(sofar));
      else
        grads.set(
          v.name,
          sofar === undefined
            ? grad
            : g.op("Add", [sofar, grad], v.dims, {}, { blocked: v.blocked ?? false }),
        );
    });
  }
  return wrt.map((v) => {
    const grad = grads.get(v.name);
    if (grad === undefined) throw new Error(`gradients: '${of.name}' does not depend on '${v.name}'`);
    return grad;
  });
}

const inLayoutOf = (g: Graph, of: Value, v: Value): Value => (of.blocked ? g.toBlocked(v) : v);

function ones(g: Graph, like: Value): Value {
  if (like.dims.length === 0) return g.scalar(1);
  return g.op("Expand", [g.scalar(1), g.ints(staticDims(like))], like.dims);
}
