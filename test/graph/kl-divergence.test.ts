import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph } from "../../src/graph/graph.js";
import { mul } from "../../src/graph/ops/elementwise.js";
import { klDivergence } from "../../src/graph/ops/kl-divergence.js";
import { createSession } from "../../src/graph/session.js";
import fixture from "../fixtures/guided.json" with { type: "json" };

describe("klDivergence", () => {
  it.each(fixture.divergences)("equals PyTorch's, with both gradients: $n×$k", async (known) => {
    const { n, k, weight } = known;
    const g = new Graph();
    const p = g.input("p", [n, k]);
    const q = g.input("q", [n, k]);
    const divergence = klDivergence(g, p, q);
    const [gradP, gradQ] = gradients(g, mul(g, divergence, g.scalar(weight)), [p, q]);
    g.output("divergence", divergence);
    g.output("gradP", gradP);
    g.output("gradQ", gradQ);
    const session = await createSession(g);
    const found = await session.run({ p: Float32Array.from(known.p), q: Float32Array.from(known.q) });
    await session.release();
    const loss = Number(found.divergence.data[0]);
    expect(Math.abs(loss - known.loss)).toBeLessThanOrEqual(1e-6 * Math.max(1, known.loss));
    for (const name of ["gradP", "gradQ"] as const) {
      const largest = Math.max(1, ...known[name].map(Math.abs));
      known[name].forEach((value, at) => {
        expect(Math.abs(Number(found[name].data[at]) - value)).toBeLessThanOrEqual(1e-6 * largest);
      });
    }
  });

  it("is 0 of equal logits, also by the one gradient alone", async () => {
    const g = new Graph();
    const p = g.input("p", [2, 3]);
    const q = g.input("q", [2, 3]);
    const divergence = klDivergence(g, p, q);
    g.output("divergence", divergence);
    g.output("gradQ", gradients(g, divergence, [q])[0]);
    const session = await createSession(g);
    const logits = Float32Array.of(1, 2, 3, -4, 0, 0.5);
    const found = await session.run({ p: logits, q: logits.slice() });
    await session.release();
    expect(Number(found.divergence.data[0])).toBe(0);
    for (const value of found.gradQ.data as Float32Array) expect(Math.abs(value)).toBeLessThan(1e-7);
  });
});
