import { describe, expect, it } from "vitest";
import type { ParamSpec, Tensors } from "../../src/net/tensors.js";
import { writeSafetensors } from "../../src/net/weights/safetensors.js";
import { RandomState } from "../../src/random.js";
import { packStanding, unpackStanding } from "../../src/train/checkpoint.js";
import { atStart, type Standing } from "../../src/train/loop.js";

const specs: ParamSpec[] = [
  { name: "fc.weight", dims: [2, 3], kind: "linear" },
  { name: "bn.running_mean", dims: [4], kind: "bn_mean" },
  { name: "bn.running_var", dims: [4], kind: "bn_var" },
  { name: "fc.bias", dims: [2], kind: "bias" },
];

function draw(seed: number, dims: readonly number[]): Float32Array {
  const random = new RandomState(seed);
  return Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => random.standardNormal());
}

function standing(): Standing {
  const parameters: Tensors = new Map(
    specs.map(({ name, dims }, i) => [name, { dims, data: draw(i, dims) }]),
  );
  // values that text or arithmetic would lose
  parameters.get("fc.weight")?.data.set([-0, 1e-45, 3.4028235e38, Number.POSITIVE_INFINITY, 0.1]);
  const moments: Tensors = new Map();
  for (const { name, dims, data } of [...parameters].map(([name, tensor]) => ({ name, ...tensor })))
    if (name.startsWith("fc."))
      for (const key of [`m:${name}`, `v:${name}`]) moments.set(key, { dims, data: draw(data.length, dims) });
  return {
    state: { parameters, moments, steps: 17 },
    history: [{ epoch: 1, loss: 0.1 + 0.2, seconds: 1.5 }],
    step: 3,
    lossSum: 1 / 3,
    seen: 96,
    seconds: 0.7,
  };
}

describe("a checkpoint", () => {
  it("comes back bit for bit", () => {
    const given = standing();
    const found = unpackStanding(packStanding(given), specs);
    expect(found).toEqual(given);
    expect([...(found?.state.parameters.keys() ?? [])]).toEqual([...given.state.parameters.keys()]);
    expect(Buffer.from(packStanding(found as Standing)).equals(Buffer.from(packStanding(given)))).toBe(true);
  });

  it("holds the weights of the best epoch beside those of the last", () => {
    const given = standing();
    const best: Tensors = new Map(specs.map(({ name, dims }) => [name, { dims, data: draw(9, dims) }]));
    const history = [
      { epoch: 1, loss: 0.1, validationLoss: 0.1 + 0.2, validationAccuracy: 1 / 3, seconds: 1 },
    ];
    const found = unpackStanding(packStanding({ ...given, history, best }), specs);
    expect(found).toEqual({ ...given, history, best });
    expect([...(found?.best?.keys() ?? [])]).toEqual([...best.keys()]);
    best.delete("bn.running_var");
    expect(unpackStanding(packStanding({ ...given, best }), specs)).toBeUndefined();
  });

  it("of a training with frozen parameters has no moments of these; half a pair is undefined", () => {
    const given = standing();
    const { moments } = given.state;
    for (const key of ["m:fc.weight", "v:fc.weight"]) moments.delete(key);
    expect(unpackStanding(packStanding(given), specs)).toEqual(given);
    for (const key of ["m:fc.bias", "v:fc.bias"]) {
      const half = new Map(moments);
      half.delete(key);
      const state = { ...given.state, moments: half };
      expect(unpackStanding(packStanding({ ...given, state }), specs)).toBeUndefined();
    }
  });

  it("cut short anywhere, it is undefined and not an error", () => {
    const bytes = packStanding(standing());
    for (let length = 0; length < bytes.length; length++)
      expect(unpackStanding(bytes.subarray(0, length), specs)).toBeUndefined();
  });

  it.each([
    ["other bytes", new TextEncoder().encode("not a checkpoint")],
    ["a weights file", writeSafetensors(standing().state.parameters, { net: "resnet18" })],
    ["another version", writeSafetensors(new Map(), { schema: "cellhue.checkpoint/1", standing: "{}" })],
    ["no standing", writeSafetensors(new Map(), { schema: "cellhue.checkpoint/3" })],
    [
      "a standing that is no JSON",
      writeSafetensors(new Map(), { schema: "cellhue.checkpoint/3", standing: "{" }),
    ],
    ["one without moments", packStanding(atStart({ ...standing().state, moments: new Map() }))],
  ])("%s is undefined", (_, bytes) => {
    expect(unpackStanding(bytes, specs)).toBeUndefined();
  });

  it("of another network, or of other classes, is undefined", () => {
    const bytes = packStanding(standing());
    expect(unpackStanding(bytes, [...specs, { name: "more", dims: [1], kind: "bias" }])).toBeUndefined();
    expect(unpackStanding(bytes, [{ name: "fc.weight", dims: [3, 2], kind: "linear" }])).toBeUndefined();
  });
});
