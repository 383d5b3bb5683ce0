import { describe, expect, it } from "vitest";
import {
  cascadingRandomisation,
  layersFromHead,
  randomisationVerdict,
} from "../../src/explain/cascading-randomisation.js";
import { gradientAttribution } from "../../src/explain/gradient.js";
import { structuralSimilarity } from "../../src/explain/ssim.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import { initialise } from "../../src/net/weights/init.js";
import { RandomState } from "../../src/random.js";
import { formulaWeights } from "../net/formula.js";
import { codes, inputs, n, scoreGraph } from "./models.js";

const one = (value: number) => ({ dims: [1], data: Float32Array.of(value) });

describe("layersFromHead", () => {
  it("names the blocks of a ResNet-18 from the head down, each parameter once", () => {
    const specs = paramSpecs("resnet18", 5);
    const layers = layersFromHead(specs);
    expect(layers.map((l) => l.name)).toEqual(
      "fc layer4.1 layer4.0 layer3.1 layer3.0 layer2.1 layer2.0 layer1.1 layer1.0 bn1 conv1".split(" "),
    );
    expect(layers[0].params).toEqual(["fc.weight", "fc.bias"]);
    expect(layers.flatMap((l) => l.params).sort()).toEqual(specs.map((s) => s.name).sort());
  });

  it("names those of an EfficientNet, and none of none", () => {
    const names = layersFromHead(paramSpecs("efficientnet_lite0", 5)).map((l) => l.name);
    expect(names).toHaveLength(21);
    expect(names.slice(0, 4)).toEqual(["classifier.1", "features.8.1", "features.8.0", "features.7.0"]);
    expect(names.slice(-2)).toEqual(["features.0.1", "features.0.0"]);
    expect(layersFromHead([])).toEqual([]);
  });
});

describe("cascadingRandomisation", () => {
  const trained: Tensors = new Map(["a", "b", "c"].map((name, i) => [name, one(i)]));
  const random: Tensors = new Map(["a", "b", "c"].map((name, i) => [name, one(10 + i)]));
  const layers = [
    { name: "head", params: ["c"] },
    { name: "body", params: ["b", "a"] },
  ];

  it("randomises layer upon layer, and leaves the trained weights as they are", async () => {
    const seen: number[][] = [];
    await cascadingRandomisation(trained, random, layers, 1, async (weights) => {
      seen.push([...weights.values()].map((t) => t.data[0]));
      return Float32Array.of(1, 2);
    });
    expect(seen).toEqual([
      [0, 1, 2],
      [0, 1, 12],
      [10, 11, 12],
    ]);
    expect([...trained.values()].map((t) => t.data[0])).toEqual([0, 1, 2]);
  });

  it("compares absolute values by rank, sample by sample", async () => {
    const maps = [
      [1, -2, 3, 4, 3, 2, 1, 0, 5, 5, 5, 5],
      [-10, 20, 30, -40, 0, 1, 2, 3, 1, 2, 3, 4],
      [0, 0, 0, 0, 3, 2, 1, 0, 1, 2, 3, 4],
    ].map((m) => Float32Array.from(m));
    let call = 0;
    const steps = await cascadingRandomisation(trained, random, layers, 3, async () => maps[call++]);
    expect(steps.map((s) => s.layer)).toEqual(["head", "body"]);
    expect([...steps[0].similarities]).toEqual([1, -1, Number.NaN]); // the third sample's map is flat
    expect(steps[0].similarity).toBe(0);
    expect([...steps[1].similarities]).toEqual([0, 1, Number.NaN]); // a map that became flat has changed
    expect(steps[1].similarity).toBe(0.5);
    expect(randomisationVerdict(steps)).toEqual({ verdict: "passes", similarity: 0.5, bound: 0.5 });
    expect(randomisationVerdict(steps, 0.4).verdict).toBe("fails");
  });

  it("compares signed values, and images by structural similarity", async () => {
    const state = new RandomState(4);
    const noise = () => Float32Array.from({ length: 2 * 80 }, () => state.standardNormal());
    const [own, other] = [noise(), noise()];
    const maps = [own, own.map((v) => -3 * v), own.map((v, p) => (p < 80 ? 5 * v : other[p]))];
    let call = 0;
    const kind = { signed: true, ssim: { height: 8, width: 10 } };
    const attribute = async () => maps[call++];
    const steps = await cascadingRandomisation(trained, random, layers, 2, attribute, kind);
    expect(steps[0].similarity).toBeCloseTo(-1, 12);
    expect(steps[0].ssim).toBeLessThan(-0.8);
    expect(steps[1].similarities[0]).toBeCloseTo(1, 12);
    const shade = (map: Float32Array) => map.map((v) => 0.5 + v / Math.max(...map.map(Math.abs)) / 2);
    const apart = structuralSimilarity(shade(own.subarray(80)), shade(other.subarray(80)), kind.ssim, 1);
    expect(steps[1].ssim).toBeCloseTo((1 + apart) / 2, 6);
  });

  it("of flat maps, or of no layer, is undecided; a parameter that is missing is an error", async () => {
    const flat = async () => new Float32Array(4);
    const steps = await cascadingRandomisation(trained, random, layers, 2, flat);
    expect(randomisationVerdict(steps).verdict).toBe("undecided");
    expect(randomisationVerdict([]).verdict).toBe("undecided");
    const other = [{ name: "x", params: ["d"] }];
    await expect(cascadingRandomisation(trained, random, other, 2, flat)).rejects.toThrow("'d'");
  });

  it("passes the gradient of a net, and fails what only looks at the image", async () => {
    const graph = scoreGraph("resnet18", "image");
    const weights = formulaWeights(graph.specs);
    const drawnAnew = initialise(graph.specs, "resnet18", new RandomState([5, 0]));
    const x = inputs.image;
    const own = layersFromHead(graph.specs);
    const check = (attribute: (w: Tensors) => Promise<Float32Array>) =>
      cascadingRandomisation(weights, drawnAnew, own, n, attribute);
    const steps = await check((w) => gradientAttribution(graph.model(w), x, codes));
    expect(steps).toHaveLength(own.length);
    const { verdict, similarity } = randomisationVerdict(steps);
    expect(verdict).toBe("passes");
    expect(Math.abs(similarity)).toBeLessThan(0.2);
    expect(randomisationVerdict(await check(async () => x))).toMatchObject({
      verdict: "fails",
      similarity: 1,
    });
    await graph.release();
  });
});
