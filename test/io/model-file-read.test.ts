import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { Graph } from "../../src/graph/graph.js";
import { readModelMetadata } from "../../src/io/model-file-read.js";
import { temporary } from "../cli/cellhue.js";
import { type MadeModel, madeModel, modelBytes } from "../predict/made.js";

let folder = "";
let remove = () => {};
beforeEach(() => {
  ({ path: folder, remove } = temporary());
});
afterEach(() => remove());

const file = (bytes: Uint8Array | string, name = "model_final.onnx") => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const made = (changes: Partial<MadeModel> = {}) => modelBytes(madeModel(4, ["a", "b"], changes));
const refusal = async (path: string): Promise<string> => {
  const error = await readModelMetadata(path).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CellhueError);
  const { exitCode, parts } = error as CellhueError;
  expect(exitCode).toBe(2);
  expect(parts.where).toBe(path);
  return (error as CellhueError).describe();
};

describe("readModelMetadata", () => {
  it("reads metadata and what else stands there", async () => {
    const model = madeModel(4, ["=1+1", "<b>", 'a "b"\nc'], { metadata: { card: { limits: ["few"] } } });
    const path = file(modelBytes(model));
    const { metadata, bytes } = await readModelMetadata(path);
    expect(metadata).toMatchObject({ labels: model.labels, genes: model.genes, card: { limits: ["few"] } });
    expect(Buffer.from(bytes).equals(readFileSync(path))).toBe(true);
  });

  it("takes null where a threshold could not be set", async () => {
    const { metadata } = await readModelMetadata(
      file(made({ distance: null, abstain: null, conformal: null })),
    );
    expect(metadata.distance.threshold).toBeNull();
    expect(metadata.abstain.threshold).toBeNull();
    expect(metadata.conformal).toBeNull();
  });

  it("no such file, with the models that are there", async () => {
    file(made());
    expect(await refusal(join(folder, "model_finale.onnx"))).toMatch(
      /no such model file[\s\S]*model_final\.onnx/,
    );
    expect(await refusal(join(folder, "deep", "x.onnx"))).toMatch(/no such model file/);
    mkdirSync(join(folder, "run"));
    file(made(), "run/model_final.onnx");
    expect(await refusal(join(folder, "run"))).toMatch(/a folder[\s\S]*run\/model_final\.onnx/);
  });

  it("what is no ONNX file", async () => {
    expect(await refusal(file(""))).toMatch(/no model file[\s\S]*an empty file/);
    expect(await refusal(file(readFileSync("test/fixtures/cli.h5ad")))).toMatch(
      /no model file[\s\S]*HDF5[\s\S]*cellhue predict MODEL\.onnx FILE\.h5ad/,
    );
    expect(await refusal(file("sample,predicted\na,b\n"))).toMatch(/not a readable ONNX file/);
  });

  it("an ONNX file of somebody else", async () => {
    const g = new Graph();
    g.output("y", g.op("Relu", [g.input("x", [1])], [1]));
    expect(await refusal(file(g.encode({ task: "cats" })))).toMatch(
      /no model of cellhue[\s\S]*metadata: task/,
    );
    expect(await refusal(file(g.encode()))).toMatch(/no model of cellhue[\s\S]*metadata: none/);
  });

  it("one of a newer cellhue, and which that is", async () => {
    const text = await refusal(file(made({ metadata: { schema: "cellhue.model/3", labels: 7 } })));
    expect(text).toMatch(/newer cellhue[\s\S]*cellhue\.model\/3, written by cellhue 7\.8\.9/);
    expect(text).toMatch(/expected: cellhue\.model\/2[\s\S]*cellhue@7\.8\.9/);
  });

  it("one of an older cellhue, which took images", async () => {
    expect(await refusal(file(made({ metadata: { schema: "cellhue.model/1" } })))).toMatch(
      /older cellhue: it takes images[\s\S]*cellhue\.model\/1[\s\S]*cellhue run FILE --label COLUMN/,
    );
  });

  it.each<[string, Partial<MadeModel>, RegExp]>([
    ["no JSON", { strings: { cellhue: '{"schema": "cellhue.mod' } }, /JSON/],
    ["not an object", { strings: { cellhue: "[]" } }, /no schema/],
    ["no schema", { metadata: { schema: undefined } }, /no schema/],
    ["another schema", { metadata: { schema: "cellhue.encoder/1" } }, /no schema/],
    ["no labels", { metadata: { labels: [] } }, /labels/],
    ["a label twice", { metadata: { labels: ["a", "a"] } }, /labels that occur twice/],
    ["no genes", { metadata: { genes: undefined } }, /genes/],
    ["geneIds of another length", { metadata: { geneIds: ["x"] } }, /geneIds of another length/],
    [
      "an unknown normalisation",
      { metadata: { inputState: { state: "log", evidence: "", normalize: "z" } } },
      /normalize/,
    ],
    ["a threshold beyond 1", { metadata: { abstain: { threshold: 2, meaning: "" } } }, /abstain\.threshold/],
  ])("damaged metadata: %s", async (_, changes, found) => {
    const text = await refusal(file(made(changes)));
    expect(text).toMatch(/metadata of the model file are damaged/);
    expect(text).toMatch(found);
  });

  it("says so wherever the file is cut short, unless nothing is lost", async () => {
    const whole = made();
    const kept = JSON.stringify((await readModelMetadata(file(whole))).metadata);
    let refused = 0;
    for (let length = 1; length < whole.length; length += 7) {
      const path = file(whole.subarray(0, length));
      const result = await readModelMetadata(path).catch((e: unknown) => e);
      if (result instanceof CellhueError) refused++;
      else expect(JSON.stringify((result as { metadata: unknown }).metadata)).toBe(kept);
    }
    expect(refused).toBe(Math.ceil((whole.length - 1) / 7));
  });

  /** A field of a protobuf message that holds text or messages. */
  const part = (field: number, ...content: (string | Uint8Array)[]) => {
    const bytes = Buffer.concat(content.map((c) => Buffer.from(c)));
    expect(bytes.length).toBeLessThan(128);
    return Buffer.concat([Buffer.of((field << 3) | 2, bytes.length), bytes]);
  };
  const graph = (...content: Uint8Array[]) => part(7, ...content);
  const tensor = part(13, part(1, "location"), part(2, "/etc/passwd"));
  it.each([
    [
      "a loop",
      graph(part(1, part(4, "Loop"), part(5, part(1, "body"), part(6, "")))),
      /graph within the graph: Loop/,
    ],
    [
      "several graphs of one node",
      graph(part(1, part(4, "X"), part(5, part(11, "")))),
      /graph within the graph/,
    ],
    [
      "an operator of others",
      graph(part(1, part(4, "Run"), part(7, "com.evil"))),
      /operator of com\.evil: Run/,
    ],
    ["a tensor in another file", graph(part(5, tensor)), /in another file/],
    [
      "a constant in another file",
      graph(part(1, part(4, "Constant"), part(5, part(5, tensor)))),
      /in another file/,
    ],
  ])("refuses %s", async (_, extra, found) => {
    const text = await refusal(file(Buffer.concat([made(), extra])));
    expect(text).toMatch(/what cellhue never writes/);
    expect(text).toMatch(found);
  });
});
