import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph } from "../../src/graph/graph.js";
import { zoom } from "../../src/graph/ops/zoom.js";
import { createSession } from "../../src/graph/session.js";

describe("zoom", () => {
  it.each([1, 2, 3])("makes a block of every pixel, and sums its gradient: factor %i", async (factor) => {
    const [n, c, h, w] = [2, 3, 2, 5];
    const x = Float32Array.from({ length: n * c * h * w }, (_, i) => i + 1);
    const g = new Graph();
    const input = g.input("x", [n, c, h, w]);
    const y = zoom(g, input, factor);
    g.output("y", y);
    g.output("dx", gradients(g, y, [input], g.input("dy", y.dims))[0]);
    const length = x.length * factor * factor;
    const dy = Float32Array.from({ length }, (_, i) => (i % 7) - 3);
    const session = await createSession(g);
    const out = await session.run({ x, dy });
    await session.release();
    const sums = new Float32Array(x.length);
    const expected = Float32Array.from({ length }, (_, p) => {
      const column = Math.floor((p % (w * factor)) / factor);
      const row = Math.floor((Math.floor(p / (w * factor)) % (h * factor)) / factor);
      const plane = Math.floor(p / (h * w * factor * factor));
      const from = (plane * h + row) * w + column;
      sums[from] += dy[p];
      return x[from];
    });
    expect(out.y.data).toEqual(expected);
    expect(out.dx.data).toEqual(sums);
  });

  it("takes whole factors alone", () => {
    const g = new Graph();
    const x = g.input("x", ["N", 3, 2, 2]);
    for (const factor of [0, -1, 1.5]) expect(() => zoom(g, x, factor)).toThrow(RangeError);
  });
});
