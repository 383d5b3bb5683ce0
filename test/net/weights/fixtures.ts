/** What the weight tests share: frozen oracle values, specs made from torchvision's frozen names, small networks. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { CellhueError } from "../../../src/errors.js";
import type { ParamSpec, Tensors } from "../../../src/net/tensors.js";
import type { Progress } from "../../../src/progress.js";
import { RandomState } from "../../../src/random.js";

type Values = Record<string, [number[], (number | string)[]]>;

interface Oracle {
  values: Record<string, Values>;
  shapes: Record<"resnet18" | "efficientnet_b0", [string, number[]][]>;
  drawn: Record<
    "resnet18" | "efficientnet_b0" | "mobilenet_v2" | "squeezenet1_1",
    [string, number, number, number, number][]
  >;
  timmPairs: [string, string][];
  lite0: [string, number[], number, number, number][];
}

const folder = new URL("../../fixtures/weights/", import.meta.url);
export const oracle = JSON.parse(
  readFileSync(new URL("../../fixtures/weights.json", import.meta.url), "utf8"),
) as Oracle;
export const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));

const numbers: Record<string, number> = { inf: Infinity, "-inf": -Infinity, nan: Number.NaN };

/** Names, order, shapes and values equal the oracle's, bit for bit in float32. */
export function expectValues(tensors: Tensors, key: string): void {
  const expected = oracle.values[key];
  expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, [dims, values]] of Object.entries(expected)) {
    const tensor = tensors.get(name);
    expect(tensor?.dims, name).toEqual(dims);
    const wanted = Float32Array.from(values, (v) => (typeof v === "string" ? numbers[v] : v));
    expect(tensor?.data, name).toEqual(wanted);
  }
}

/** The specs of a network from torchvision's names and shapes. */
export function specsOf(shapes: [string, number[]][]): ParamSpec[] {
  const names = new Set(shapes.map(([name]) => name));
  return shapes.map(([name, dims]) => {
    const norm = names.has(name.replace(/[^.]+$/, "running_mean"));
    const field = name.split(".").at(-1);
    const kind: ParamSpec["kind"] =
      field === "running_mean"
        ? "bn_mean"
        : field === "running_var"
          ? "bn_var"
          : field === "bias"
            ? norm
              ? "bn_bias"
              : "bias"
            : norm
              ? "bn_weight"
              : dims.length === 4
                ? "conv"
                : "linear";
    return { name, dims, kind };
  });
}

/** The first and last layers of a ResNet-18, enough for what is about files and not about the network. */
export const smallSpecs = specsOf([
  ["conv1.weight", [4, 3, 3, 3]],
  ["bn1.weight", [4]],
  ["bn1.bias", [4]],
  ["bn1.running_mean", [4]],
  ["bn1.running_var", [4]],
  ["fc.weight", [1000, 4]],
  ["fc.bias", [1000]],
]);

/** Values as trained weights might have: nothing stands at its initial value, variances are positive. */
export function randomTensors(specs: readonly ParamSpec[], seed = 1): Tensors {
  const random = new RandomState(seed);
  return new Map(
    specs.map(({ name, dims, kind }) => {
      const length = dims.reduce((n, d) => n * d, 1);
      const data = Float32Array.from({ length }, () => random.random() - 0.5 + (kind === "bn_var" ? 1 : 0));
      return [name, { dims, data }];
    }),
  );
}

/** The CellhueError that `act` throws. */
export async function refusal(act: () => unknown): Promise<CellhueError> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(CellhueError);
    return error as CellhueError;
  }
  throw new Error("nothing was refused");
}

/** A Progress that remembers. */
export function recorder(): Progress & {
  notes: string[];
  warnings: string[];
  done: number[];
  ended: number;
} {
  const record = {
    notes: [] as string[],
    warnings: [] as string[],
    done: [] as number[],
    ended: 0,
    note: (line: string) => void record.notes.push(line),
    warn: (line: string) => void record.warnings.push(line),
    task: () => ({ update: (n: number) => void record.done.push(n), end: () => void record.ended++ }),
  };
  return record;
}
