import { expect, it } from "vitest";
import { Graph } from "../../src/graph/graph.js";
import { stored } from "../../src/graph/ops/layout.js";
import { createSession } from "../../src/graph/session.js";
import { simplified } from "../../src/graph/simplify.js";

const node = (opType: string, inputs: string[], output: string) => ({
  opType,
  domain: "",
  inputs,
  outputs: [output],
  attributes: {},
});
const shapes = new Map([
  ["six", [6]],
  ["pairs", [3, 2]],
]);
const sizes = new Map([["x", "6"]]);

it("takes a reshape's reshape from the source, and leaves out what is back at the source's dims", () => {
  const nodes = [
    node("Reshape", ["x", "pairs"], "a"),
    node("Reshape", ["a", "six"], "b"),
    node("Neg", ["b"], "y"),
    node("Neg", ["a"], "z"),
  ];
  expect(simplified(nodes, ["y", "z"], shapes, sizes)).toEqual([
    nodes[0],
    node("Neg", ["x"], "y"),
    node("Neg", ["a"], "z"),
  ]);
});

it("leaves out what nothing depends on, and keeps a reshape that is an output", () => {
  const nodes = [node("Neg", ["x"], "unused"), node("Reshape", ["x", "six"], "y")];
  expect(simplified(nodes, ["y"], shapes, sizes)).toEqual([nodes[1]]);
});

it("keeps reshapes whose dims are not known", () => {
  const nodes = [node("Reshape", ["x", "computed"], "a"), node("Reshape", ["a", "six"], "y")];
  expect(simplified(nodes, ["y"], shapes, sizes)).toEqual(nodes);
});

it("gives a graph the same outputs", async () => {
  const g = new Graph();
  const x = g.input("x", [6]);
  const pairs = stored(g, x, [3, 2]);
  g.output("same", stored(g, pairs, [6]));
  g.output("first", g.op("ReduceSum", [stored(g, stored(g, pairs, [6]), [2, 3]), g.ints([0])], [1, 3]));
  const session = await createSession(g);
  const { same, first } = await session.run({ x: Float32Array.of(1, 2, 3, 4, 5, 6) });
  await session.release();
  expect([...same.data]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...first.data]).toEqual([5, 7, 9]);
});
