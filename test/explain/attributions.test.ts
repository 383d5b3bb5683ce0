/** Attribution methods against captum, in image space and in gene space (oracle: test/oracles/attributions.py). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectedGradients } from "../../src/explain/expected-gradients.js";
import { gaussLegendre } from "../../src/explain/gauss-legendre.js";
import { gradCam } from "../../src/explain/grad-cam.js";
import { gradientAttribution, gradientTimesInput } from "../../src/explain/gradient.js";
import { hiResCam } from "../../src/explain/hires-cam.js";
import { completenessDelta, integratedGradients } from "../../src/explain/integrated-gradients.js";
import { imageOcclusion, occlusion, windows } from "../../src/explain/occlusion.js";
import { resizeBilinear } from "../../src/explain/resize.js";
import type { ScoreGraph, ScoreModel } from "../../src/explain/score-model.js";
import { smoothGrad } from "../../src/explain/smooth-grad.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/attributions.json" with { type: "json" };
import { formulaWeights } from "../net/formula.js";
import {
  area,
  baselines,
  cases,
  classes,
  codes,
  drawn,
  gap,
  gapTo,
  genes,
  inputs,
  n,
  scoreGraph,
  size,
  withModel,
} from "./models.js";

const draws = 12;
const none = new Float32Array(0);

describe.each(cases)("$net, $space", ({ net, space }) => {
  const x = inputs[space];
  const baseline = baselines[space];
  let graph: ScoreGraph;
  let model: ScoreModel;
  beforeAll(() => {
    graph = scoreGraph(net, space);
    model = graph.model(formulaWeights(graph.specs));
  });
  afterAll(() => graph.release());

  it("gradient, gradient × input, gradient × difference", async () => {
    expect(gap(await gradientAttribution(model, x, codes), net, space, "gradient")).toBeLessThan(1e-5);
    expect(gap(await gradientTimesInput(model, x, codes), net, space, "timesInput")).toBeLessThan(1e-5);
    const found = await gradientTimesInput(model, x, codes, baseline);
    expect(gap(found, net, space, "timesDifference")).toBeLessThan(1e-5);
  });

  it("integrated gradients, and how complete they are", async () => {
    const { attributions, delta, difference } = await integratedGradients(model, x, codes, baseline);
    // Of 150 points a few stand so near a corner of a ReLU that rounding decides; captum's float32 differs by as much.
    expect(gap(attributions, net, space, "integrated")).toBeLessThan(net === "resnet18" ? 1e-3 : 1e-5);
    const expected = fixture[`${net}/${space}`].delta;
    delta.forEach((d, i) => {
      expect(Math.abs(d - expected[i])).toBeLessThan(1e-3 * Math.abs(difference[i]));
    });
  });

  it("SmoothGrad and expected gradients", async () => {
    const sd =
      space === "image"
        ? 0.15
        : Float32Array.from({ length: genes }, (_, j) => 0.1 + (0.3 * j) / (genes - 1));
    const smooth = await smoothGrad(model, x, codes, {
      draws,
      sd,
      random: (i) => new RandomState([40, i]),
    });
    expect(gap(smooth, net, space, "smooth")).toBeLessThan(1e-5);
    const width = x.length / n;
    const samples = space === "image" ? drawn([35, 6], 6 * width) : drawn([36, 6], 6 * width, -1, 1);
    const training = {
      count: 6,
      fill: (row: number, into: Float32Array) => into.set(samples.subarray(row * width, (row + 1) * width)),
    };
    const random = (i: number) => new RandomState([41, i]);
    const expected = await expectedGradients(model, x, codes, training, { draws, random });
    expect(gap(expected, net, space, "expected")).toBeLessThan(1e-5);
    // Neither depends on the neighbours.
    const last = await smoothGrad(model, x.subarray(2 * width), codes.slice(2), {
      draws,
      sd,
      random: () => new RandomState([40, 2]),
    });
    expect(gapTo(last, [...smooth.subarray(2 * width)])).toBeLessThan(1e-6);
  });

  it("occlusion", async () => {
    // The scores of this EfficientNet hardly move: float32 leaves PyTorch itself 1e-3 of the falls.
    const most = net === "efficientnet_b0" ? 3e-3 : 1e-3;
    if (space === "image") {
      for (const [side, stride] of [
        [8, 8],
        [11, 6],
      ]) {
        const maps = await imageOcclusion(model, x, codes, baseline, { side, stride });
        expect(gap(maps, net, space, `occlusion${side}`)).toBeLessThan(most);
      }
    } else {
      const single = Array.from({ length: genes }, (_, j) => [j]);
      const falls = await occlusion(model, x, codes, baseline, single);
      expect(gap(falls, net, space, "occlusion")).toBeLessThan(most);
      const groups = [[0, 1, 2], [2, 5], single.flat()];
      const together = await occlusion(model, x, codes, baseline, groups);
      expect(gap(together, net, space, "groups")).toBeLessThan(most);
      expect(await occlusion(model, x, codes, baseline, [])).toEqual(none);
    }
  });

  it("Grad-CAM and HiResCAM", async () => {
    expect(gap(await gradCam(model, x, codes), net, space, "gradCam")).toBeLessThan(1e-5);
    expect(gap(await hiResCam(model, x, codes), net, space, "hiResCam")).toBeLessThan(1e-5);
  });
});

describe("attribution methods", () => {
  it("of no sample are none; of what does not fit a RangeError", async () => {
    await withModel("flat", "genes", async (model) => {
      const baseline = baselines.genes;
      const random = () => new RandomState(1);
      const training = { count: 1, fill: (_: number, into: Float32Array) => into.fill(0) };
      expect(await gradientTimesInput(model, none, [])).toEqual(none);
      expect((await integratedGradients(model, none, [], baseline)).attributions).toEqual(none);
      expect(await smoothGrad(model, none, [], { draws: 2, sd: 1, random })).toEqual(none);
      expect(await expectedGradients(model, none, [], training, { draws: 2, random })).toEqual(none);
      expect(await occlusion(model, none, [], baseline, [[0]])).toEqual(none);
      expect(await gradCam(model, none, [])).toEqual(none);
      const x = inputs.genes;
      await expect(gradientAttribution(model, x, [1])).rejects.toThrow(RangeError);
      await expect(integratedGradients(model, x, codes, x)).rejects.toThrow(RangeError);
      await expect(integratedGradients(model, x, codes, baseline, 0)).rejects.toThrow(RangeError);
      await expect(smoothGrad(model, x, codes, { draws: 0, sd: 1, random })).rejects.toThrow(RangeError);
      const nothing = { ...training, count: 0 };
      await expect(expectedGradients(model, x, codes, nothing, { draws: 1, random })).rejects.toThrow(
        RangeError,
      );
      await expect(imageOcclusion(model, x, codes, baseline, { side: 4, stride: 4 })).rejects.toThrow(
        "no image",
      );
    });
  });

  it("without noise SmoothGrad is the gradient", async () => {
    await withModel("flat", "genes", async (model) => {
      const random = () => new RandomState(1);
      const smooth = await smoothGrad(model, inputs.genes, codes, { draws: 3, sd: 0, random });
      expect(gapTo(smooth, [...(await gradientAttribution(model, inputs.genes, codes))])).toBeLessThan(1e-6);
    });
  });
});

describe("gaussLegendre", () => {
  it.each(Object.entries(fixture.gaussLegendre))("has numpy's %s nodes", (count, [at, weights]) => {
    const found = gaussLegendre(Number(count));
    at.forEach((v, i) => {
      expect(found.nodes[i]).toBeCloseTo((1 + v) / 2, 14);
      expect(found.weights[i]).toBeCloseTo(weights[i] / 2, 14);
    });
  });
});

describe("completenessDelta", () => {
  it("is the sum of a sample's attributions less the difference of its scores", () => {
    const delta = completenessDelta(Float32Array.of(1, 2, -4, 0.5), Float64Array.of(2.5, -3));
    expect([...delta]).toEqual([0.5, -0.5]);
    expect(completenessDelta(none, new Float64Array(0))).toHaveLength(0);
  });
});

describe("windows", () => {
  const covered = (height: number, width: number, side: number, stride: number) => {
    const times = new Array<number>(height * width).fill(0);
    for (const window of windows({ height, width }, { side, stride })) for (const p of window) times[p]++;
    return times;
  };

  it("cover every pixel, once where they do not overlap", () => {
    expect(covered(2, 3, 1, 1)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(covered(3, 5, 2, 2)).toEqual(new Array(15).fill(1));
    expect(covered(1, 5, 3, 2)).toEqual([1, 1, 2, 1, 1]);
    expect(covered(2, 2, 9, 9)).toEqual([1, 1, 1, 1]); // wider than the image: one window
  });

  it("that leave pixels out are refused", () => {
    expect(() => windows(size, { side: 2, stride: 3 })).toThrow(RangeError);
    expect(() => windows(size, { side: 0, stride: 0 })).toThrow(RangeError);
  });
});

describe("resizeBilinear", () => {
  it("holds the outermost values, and interpolates between centres", () => {
    const wide = resizeBilinear(Float32Array.of(0, 1), 1, { height: 1, width: 2 }, { height: 2, width: 4 });
    expect([...wide]).toEqual([0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1]);
    expect(resizeBilinear(Float32Array.of(3), 1, { height: 1, width: 1 }, size)).toEqual(
      new Float32Array(area).fill(3),
    );
    expect(resizeBilinear(none, 0, { height: 2, width: 2 }, size)).toEqual(none);
  });
});

it("HiResCAM of a flattened head sums to the score but for the bias, Grad-CAM does not", async () => {
  const graph = scoreGraph("flat", "image");
  const weights = formulaWeights(graph.specs);
  const model = graph.model(weights);
  const [, height, width] = (await model.features(inputs.image, codes)).dims;
  const scores = await model.scores(inputs.image);
  const small = { ...model, image: { height, width } }; // maps as they are before the resize
  const sumsOf = (maps: Float32Array) =>
    codes.map((_, i) => maps.subarray(i * height * width, (i + 1) * height * width).reduce((a, b) => a + b));
  const own = codes.map((c, i) => scores[i * classes + c] - (weights.get("fc.bias")?.data[c] ?? Number.NaN));
  sumsOf(await hiResCam(small, inputs.image, codes)).forEach((sum, i) => {
    expect(sum).toBeCloseTo(own[i], 5);
  });
  const averaged = sumsOf(await gradCam(small, inputs.image, codes));
  expect(Math.max(...averaged.map((sum, i) => Math.abs(sum - own[i])))).toBeGreaterThan(0.01);
  await graph.release();
});
