/**
 * Role: the product a · bᵀ of two row-major matrices with a result that does not depend on the number of threads.
 * Contract: a M×K, b N×K → M×N. onnxruntime's kernel shares out the longer side of the result among threads; where
 * that is N, the share decides how the sum over K is cut, and with it the rounding. So the longer side is made M.
 */
import type { Graph, Value } from "../graph.js";

/** @returns a · bᵀ; not differentiable by itself (the ops that use it record their own gradients) */
export function productTransposed(g: Graph, a: Value, b: Value): Value {
  const [m, k] = a.dims;
  const [n] = b.dims;
  const fused = (p: Value, q: Value) =>
    g.op("FusedMatMul", [p, q], [p.dims[0], q.dims[0]], { transB: 1 }, { domain: "com.microsoft" });
  if (typeof m !== "number" || typeof n !== "number" || m >= n || k === 1) return fused(a, b);
  return g.op("Transpose", [fused(b, a)], [m, n], { perm: [1, 0] });
}

/** a · b, differentiable: M×K by K×N → M×N, float32 or float64. */
export function matMul(g: Graph, a: Value, b: Value): Value {
  const y = g.op("MatMul", [a, b], [a.dims[0], b.dims[1]]);
  g.record("matMul", [a, b], [y], ([dy], [needA, needB]) => [
    needA && dy ? g.op("MatMul", [dy, transpose(g, b)], a.dims) : undefined,
    needB && dy ? g.op("MatMul", [transpose(g, a), dy], b.dims) : undefined,
  ]);
  return y;
}

/** The transpose of a matrix, as a node. */
export function transpose(g: Graph, a: Value): Value {
  return g.op("Transpose", [a], [a.dims[1], a.dims[0]], { perm: [1, 0] });
}
