import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { Graph, staticDims } from "../../src/graph/graph.js";
import { readMetadata } from "../../src/graph/onnx.js";
import { conv2d } from "../../src/graph/ops/conv2d.js";
import { add, broadcastDims, mul, relu } from "../../src/graph/ops/elementwise.js";
import { createSession } from "../../src/graph/session.js";

const numbers = (data: ArrayLike<number | bigint>) => Array.from(data, Number);

async function outputsOf(g: Graph, feeds: Record<string, Float32Array>) {
  const session = await createSession(g, { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, numbers(data)]));
}

describe("outputs", () => {
  const build = () => {
    const g = new Graph();
    const x = g.input("x", [2]);
    const y = mul(g, x, x);
    return { g, x, y, z: add(g, y, x) };
  };
  const feeds = { x: Float32Array.of(2, 3) };

  it("gives a computed value its name without a copy, also where it is used inside", async () => {
    const { g, y, z } = build();
    g.output("square", y);
    g.output("sum", z);
    expect(await outputsOf(g, feeds)).toEqual({ square: [4, 9], sum: [6, 12] });
    expect(new TextDecoder().decode(g.encode())).not.toContain("Identity");
  });

  it("exposes a value twice", async () => {
    const { g, y, z } = build();
    g.output("first", y);
    g.output("again", y);
    g.output("third", y);
    g.output("sum", z);
    expect(await outputsOf(g, feeds)).toEqual({
      first: [4, 9],
      again: [4, 9],
      third: [4, 9],
      sum: [6, 12],
    });
  });

  it("exposes an input, an initializer and a constant", async () => {
    const { g, x, y } = build();
    g.output("given", x);
    g.output("stored", g.initializer("weight", Float32Array.of(7), [1]));
    g.output("constant", g.ints([1, -2]));
    g.output("square", y);
    expect(await outputsOf(g, feeds)).toEqual({
      given: [2, 3],
      stored: [7],
      constant: [1, -2],
      square: [4, 9],
    });
  });

  it("exposes one of several outputs of a node", async () => {
    const g = new Graph();
    const x = g.input("x", [1, 4]);
    const [values, indices] = g.multi(
      "TopK",
      [x, g.ints([2])],
      [{ dims: [1, 2] }, { dims: [1, 2], type: "int64" }],
    );
    g.output("largest", relu(g, values));
    g.output("where", indices);
    expect(await outputsOf(g, { x: Float32Array.of(1, 9, -3, 4) })).toEqual({
      largest: [9, 4],
      where: [1, 3],
    });
  });

  it("encodes to the same bytes each time", () => {
    const { g, y } = build();
    g.output("square", y);
    expect(g.encode({ a: "b" })).toEqual(g.encode({ a: "b" }));
  });
});

describe("constants", () => {
  it("equal ones are stored once; type and dims count", () => {
    const g = new Graph();
    expect(g.scalar(0.1)).toBe(g.scalar(0.1));
    expect(g.ints([1, 2])).toBe(g.ints([1, 2]));
    const all = [g.scalar(1), g.constant(Float32Array.of(1)), g.ints([1]), g.constant(Int32Array.of(1))];
    expect(new Set(all.map((v) => v.name)).size).toBe(4);
  });
});

describe("shapes", () => {
  it("broadcasts as numpy does", () => {
    expect(broadcastDims([2, 3], [3])).toEqual([2, 3]);
    expect(broadcastDims(["N", 3, 1, 1], [3, 4, 5])).toEqual(["N", 3, 4, 5]);
    expect(broadcastDims([], [2])).toEqual([2]);
    expect(() => broadcastDims([2, 3], [2])).toThrow("cannot broadcast [2, 3] with [2]");
  });

  it("names the dimension whose size is not known", () => {
    expect(staticDims({ name: "v", type: "float32", dims: [1, 2] })).toEqual([1, 2]);
    expect(() => staticDims({ name: "v", type: "float32", dims: ["N", 2] })).toThrow("'v'");
  });

  it("refuses grouped convolutions that are not depthwise", () => {
    const g = new Graph();
    const x = g.input("x", [1, 4, 3, 3]);
    expect(() => conv2d(g, x, g.input("w", [4, 2, 1, 1]), { groups: 2 })).toThrow(/groups is 2/);
    expect(() => conv2d(g, x, g.input("w2", [8, 1, 1, 1]), { groups: 4 })).toThrow(/groups is 4/);
  });
});

describe("metadata", () => {
  const model = () => {
    const g = new Graph();
    const weight = g.initializer("w", new Float32Array(100).fill(1.5), [100]);
    g.output("y", add(g, g.input("x", [100]), weight));
    return g;
  };
  const metadata = {
    cellhue: JSON.stringify({ labels: ["T cell", "Ä/é→", "<script>"] }),
    empty: "",
    "": "x",
  };

  it("comes back as it was written", () => {
    expect(Object.fromEntries(readMetadata(model().encode(metadata), "m.onnx"))).toEqual(metadata);
    expect(readMetadata(model().encode(), "m.onnx").size).toBe(0);
    expect(Object.fromEntries(readMetadata(Buffer.from(model().encode(metadata)), "m.onnx"))).toEqual(
      metadata,
    );
  });

  it("an ONNX file cut short is a CellhueError, or whole up to the cut", () => {
    const bytes = model().encode(metadata);
    let refused = 0;
    for (let length = 0; length < bytes.length; length++) {
      try {
        for (const [key, value] of readMetadata(bytes.subarray(0, length), "m.onnx"))
          expect(value).toBe(metadata[key as keyof typeof metadata]);
      } catch (error) {
        expect(error).toBeInstanceOf(CellhueError);
        expect((error as CellhueError).describe()).toContain("m.onnx");
        refused++;
      }
    }
    expect(bytes.length - refused).toBeLessThan(8); // cuts between two whole fields
  });

  it.each([
    ["an empty file", new Uint8Array(0)],
    ["text", new TextEncoder().encode("sample,label\n1,a\n")],
    ["a PNG", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13)],
    ["zeros", new Uint8Array(64)],
    ["a length beyond the file", Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0x7f, 1, 2)],
  ])("%s is a CellhueError", (_, bytes) => {
    expect(() => readMetadata(bytes, "m.onnx")).toThrow(CellhueError);
  });
});

describe("session", () => {
  const open = (dims: (number | string)[]) => {
    const g = new Graph();
    const x = g.input("x", dims);
    g.output("y", mul(g, x, g.scalar(2)));
    return createSession(g, { threads: 1 });
  };

  it("finds one unknown dimension from the length", async () => {
    const session = await open(["N", 3]);
    for (const n of [0, 1, 4]) {
      const { y } = await session.run({ x: new Float32Array(3 * n).fill(2) });
      expect(y.dims).toEqual([n, 3]);
      expect(numbers(y.data as Float32Array)).toEqual(Array(3 * n).fill(4));
    }
    await session.release();
  });

  it("writes into the array that is given", async () => {
    const session = await open([3]);
    const y = new Float32Array(3);
    const result = await session.run({ x: Float32Array.of(1, 2, 3) }, { y });
    expect(result.y.data).toBe(y);
    expect([...y]).toEqual([2, 4, 6]);
    await session.release();
  });

  it("says which input is missing, and which array has a wrong length", async () => {
    const session = await open(["N", 3]);
    await expect(session.run({})).rejects.toThrow("input 'x' is not fed");
    await expect(session.run({ x: new Float32Array(4) })).rejects.toThrow(
      "'x' has 4 elements, its dims are [N, 3]",
    );
    await session.release();
    const fixed = await open([2, 2]);
    await expect(fixed.run({ x: new Float32Array(5) })).rejects.toThrow("'x' has 5 elements");
    await expect(fixed.run({ x: new Float32Array(4) }, { y: new Float32Array(3) })).rejects.toThrow(
      "'y' has 3 elements",
    );
    await fixed.release();
    const two = await open(["N", "M"]);
    await expect(two.run({ x: new Float32Array(4) })).rejects.toThrow("'x' has two unknown dimensions");
    await two.release();
  });
});
