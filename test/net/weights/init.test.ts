/** Initial values follow the distributions of torchvision's constructors: moments and bounds, tensor by tensor. */
import { describe, expect, it } from "vitest";
import { initialise, initialiseHead } from "../../../src/net/weights/init.js";
import { RandomState } from "../../../src/random.js";
import { oracle, specsOf } from "./fixtures.js";

const moments = (data: Float32Array) => {
  const mean = data.reduce((a, v) => a + v, 0) / data.length;
  const sd = Math.sqrt(data.reduce((a, v) => a + (v - mean) ** 2, 0) / data.length);
  return { mean, sd, most: data.reduce((a, v) => Math.max(a, Math.abs(v)), 0) };
};

describe.each(["resnet18", "efficientnet_b0"] as const)("initialise %s", (net) => {
  const specs = specsOf(oracle.shapes[net]);
  const tensors = initialise(specs, net, new RandomState([42, 1]));

  it("has every parameter in order and in shape", () => {
    expect([...tensors].map(([name, { dims }]) => [name, dims])).toEqual(oracle.shapes[net]);
  });

  it("has torch's mean, spread and bounds", () => {
    for (const [name, n, mean, sd, most] of oracle.drawn[net]) {
      const own = moments(tensors.get(name)!.data);
      // Two samples of n draws: five standard errors (of the mean; of the sd of a normal, larger than a uniform's).
      expect(Math.abs(own.mean - mean), `${name} mean`).toBeLessThanOrEqual(5 * sd * Math.sqrt(2 / n) + 1e-9);
      expect(Math.abs(own.sd - sd), `${name} sd`).toBeLessThanOrEqual(5 * sd * Math.sqrt(1 / n) + 1e-9);
      if (sd === 0) expect(own.most, name).toBe(most);
    }
  });

  it("draws the last layer uniformly within its bound", () => {
    const [name] = oracle.drawn[net].at(-2)!;
    const data = tensors.get(name)!.data;
    const bound = 1 / Math.sqrt(net === "resnet18" ? 512 : 1000);
    const { most, sd } = moments(data);
    expect(most).toBeLessThanOrEqual(Math.fround(bound));
    expect(most).toBeGreaterThan(0.999 * bound);
    expect(Math.abs(sd / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.01);
  });

  it("has the variances at 1 and the means at 0", () => {
    for (const { name, kind } of specs) {
      if (kind === "bn_var") expect(new Set(tensors.get(name)!.data)).toEqual(new Set([1]));
      if (kind === "bn_mean") expect(new Set(tensors.get(name)!.data)).toEqual(new Set([0]));
    }
  });

  it("is a function of the seed", () => {
    // Compared as bytes; expect() takes a minute for 11 million numbers.
    const again = initialise(specs, net, new RandomState([42, 1]));
    for (const [name, { data }] of tensors) {
      expect(Buffer.from(again.get(name)!.data.buffer).equals(Buffer.from(data.buffer)), name).toBe(true);
    }
    const other = initialise(specs, net, new RandomState([42, 2]));
    expect(other.get(specs[0].name)).not.toEqual(tensors.get(specs[0].name));
  });
});

describe("initialiseHead", () => {
  it.each(["resnet18", "efficientnet_b0"] as const)(
    "%s: torch.nn.Linear's bounds for any number of classes",
    (net) => {
      const specs = specsOf(oracle.shapes[net]);
      const [weightName, [, inputs]] = oracle.shapes[net].at(-2)!;
      const [biasName] = oracle.shapes[net].at(-1)!;
      for (const classes of [1, 2, 28, 999]) {
        const head = initialiseHead(specs, classes, new RandomState(classes));
        expect([...head.keys()]).toEqual([weightName, biasName]);
        const weight = head.get(weightName)!;
        const bias = head.get(biasName)!;
        expect(weight.dims).toEqual([classes, inputs]);
        expect(bias.dims).toEqual([classes]);
        expect(weight.data).toHaveLength(classes * inputs);
        expect(bias.data).toHaveLength(classes);
        const bound = 1 / Math.sqrt(inputs);
        const { mean, sd, most } = moments(weight.data);
        expect(most).toBeLessThanOrEqual(Math.fround(bound));
        expect(most).toBeGreaterThan(0.98 * bound);
        expect(Math.abs(mean)).toBeLessThan((5 * bound) / Math.sqrt(3 * weight.data.length));
        expect(Math.abs(sd / (bound / Math.sqrt(3)) - 1)).toBeLessThan(5 / Math.sqrt(weight.data.length));
        expect(moments(bias.data).most).toBeLessThanOrEqual(Math.fround(bound));
        expect(moments(bias.data).most).toBeGreaterThan(0);
      }
    },
  );

  it("refuses parameters without a last layer", () => {
    expect(() => initialiseHead([], 2, new RandomState(1))).toThrow(RangeError);
  });
});
