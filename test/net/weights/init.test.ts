/** Initial values follow the distributions of torchvision's constructors: moments and bounds, tensor by tensor. */
import { describe, expect, it } from "vitest";
import { paramSpecs } from "../../../src/net/nets.js";
import { initialise, initialiseHead } from "../../../src/net/weights/init.js";
import { RandomState } from "../../../src/random.js";
import { oracle } from "./fixtures.js";

const netNames = ["resnet18", "efficientnet_b0", "mobilenet_v2", "squeezenet1_1"] as const;

const moments = (data: Float32Array) => {
  const mean = data.reduce((a, v) => a + v, 0) / data.length;
  const sd = Math.sqrt(data.reduce((a, v) => a + (v - mean) ** 2, 0) / data.length);
  return { mean, sd, most: data.reduce((a, v) => Math.max(a, Math.abs(v)), 0) };
};

describe.each(netNames)("initialise %s", (net) => {
  const specs = paramSpecs(net, 1000);
  const tensors = initialise(specs, net, new RandomState([42, 1]));

  it("has every parameter in order and in shape", () => {
    expect([...tensors].map(([name, { dims }]) => [name, dims])).toEqual(
      specs.map(({ name, dims }) => [name, dims]),
    );
    const trained = specs.filter(({ kind }) => kind !== "bn_mean" && kind !== "bn_var");
    expect(trained.map(({ name }) => name)).toEqual(oracle.drawn[net].map(([name]) => name));
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

  const uniform = {
    resnet18: ["fc.weight", 1 / Math.sqrt(512)],
    efficientnet_b0: ["classifier.1.weight", 1 / Math.sqrt(1000)],
    squeezenet1_1: ["features.12.expand3x3.weight", Math.sqrt(6 / (9 * 64))],
  } as const;
  it.each(net in uniform ? [uniform[net as keyof typeof uniform]] : [])(
    "draws %s uniformly within torch's bound",
    (name, bound) => {
      const data = tensors.get(name)!.data;
      const { most, sd } = moments(data);
      expect(most).toBeLessThanOrEqual(Math.fround(bound));
      expect(most).toBeGreaterThan(0.999 * bound);
      expect(Math.abs(sd / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.01);
    },
  );

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
  it.each(netNames)("%s: torch.nn.Linear's bounds for any number of classes", (net) => {
    const specs = paramSpecs(net, 1000);
    const [weightSpec, biasSpec] = specs.slice(-2);
    const [weightName, biasName] = [weightSpec.name, biasSpec.name];
    const [, inputs, ...position] = weightSpec.dims;
    for (const classes of [1, 2, 28, 999]) {
      const head = initialiseHead(specs, classes, new RandomState(classes));
      expect([...head.keys()]).toEqual([weightName, biasName]);
      const weight = head.get(weightName)!;
      const bias = head.get(biasName)!;
      expect(weight.dims).toEqual([classes, inputs, ...position]);
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
  });

  it("refuses parameters without a last layer", () => {
    expect(() => initialiseHead([], 2, new RandomState(1))).toThrow(RangeError);
  });
});
