/**
 * Role: runs an ONNX file as it is, on onnxruntime's CPU provider, with the options of session.ts (the same bits).
 * Contract: named arrays with their dims in, named arrays out.
 */
import type * as Ort from "onnxruntime-common";
import { openSession, type SessionOptions } from "./session.js";

export interface NamedArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export class StoredGraph {
  private constructor(
    private readonly ort: typeof Ort,
    private readonly session: Ort.InferenceSession,
  ) {}

  /** @throws onnxruntime's error where the file is not whole or holds what it cannot run */
  static async open(file: Uint8Array, options: SessionOptions = {}): Promise<StoredGraph> {
    const { ort, session } = await openSession(file, options);
    return new StoredGraph(ort, session);
  }

  get inputNames(): readonly string[] {
    return this.session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /** @param outputs names of those that are wanted */
  async run<Name extends string>(
    feeds: Readonly<Record<string, NamedArray>>,
    outputs: readonly Name[],
  ): Promise<Record<Name, NamedArray>> {
    const tensors = Object.entries(feeds).map(([name, { data, dims }]) => [
      name,
      new this.ort.Tensor("float32", data, dims),
    ]);
    const results = await this.session.run(Object.fromEntries(tensors), outputs);
    return Object.fromEntries(
      outputs.map((name) => [name, { data: results[name].data as Float32Array, dims: results[name].dims }]),
    ) as Record<Name, NamedArray>;
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    await this.session.release();
  }
}
