import { expect, it } from "vitest";
import { Graph } from "../../src/graph/graph.js";
import { createSession } from "../../src/graph/session.js";

it("writes into the arrays of a session in place, and says which output has none", async () => {
  const g = new Graph();
  g.output("y", g.op("Neg", [g.input("x", [2])], [2]));
  const session = await createSession(g, { inPlace: true });
  const y = new Float32Array(2);
  const out = await session.run({ x: Float32Array.of(1, 2) }, { y });
  expect([...y]).toEqual([-1, -2]);
  expect(out.y.data).toBe(y);
  await expect(session.run({ x: Float32Array.of(1, 2) })).rejects.toThrow("'y'");
  await session.release();
});
