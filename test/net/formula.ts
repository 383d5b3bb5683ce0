/** Weights, images and digests by formula, the same as in test/oracles/nets.py. */
import type { ParamSpec, Tensors } from "../../src/net/tensors.js";
import { RandomState } from "../../src/random.js";

export function formulaWeights(specs: readonly ParamSpec[], seed = 2026): Tensors {
  const tensors: Tensors = new Map();
  specs.forEach(({ name, dims, kind }, i) => {
    const random = new RandomState([seed, i]);
    const size = dims.reduce((a, b) => a * b, 1);
    const fanIn = dims.slice(1).reduce((a, b) => a * b, 1);
    const [offset, scale] = {
      conv: [0, Math.sqrt(6 / fanIn)],
      linear: [0, 1 / Math.sqrt(fanIn)],
      bias: [0, 0.1],
      bn_weight: [1, 0.2],
      bn_bias: [0, 0.2],
      bn_mean: [0, 0.2],
      bn_var: [1, 0.5],
    }[kind];
    const data = new Float32Array(size);
    for (let j = 0; j < size; j++) data[j] = offset + scale * (2 * random.random() - 1);
    tensors.set(name, { dims, data });
  });
  return tensors;
}

export function formulaImages(seed: number, n: number, h: number, w: number): Float32Array {
  const random = new RandomState([seed, n]);
  return Float32Array.from({ length: n * 3 * h * w }, () => random.random());
}

export interface Digest {
  norm: number;
  waves: number[];
  at: number[];
  values: number[];
}

/**
 * The largest deviation from the digest, relative to its norm. A bias in front of a batch norm has the gradient 0, of
 * which floating point leaves noise: norms below a thousandth of the `total` gradient are judged against that.
 */
export function deviation(actual: ArrayLike<number>, expected: Digest, total: number): number {
  let squares = 0;
  const waves = [0, 0];
  for (let j = 0; j < actual.length; j++) {
    squares += actual[j] * actual[j];
    waves[0] += actual[j] * Math.cos(j + 1);
    waves[1] += actual[j] * Math.cos(2 * (j + 1));
  }
  const gaps = [
    Math.sqrt(squares) - expected.norm,
    ...waves.map((w, k) => w - expected.waves[k]),
    ...expected.at.map((j, k) => actual[j] - expected.values[k]),
  ];
  return Math.max(...gaps.map(Math.abs)) / Math.max(expected.norm, 1e-3 * total, 1e-12);
}
