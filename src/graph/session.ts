/**
 * Role: runs a graph on onnxruntime, on the CPU unless another device is asked for.
 * Contract: typed arrays in and out, without copies: inputs are read in place, and outputs are written into the arrays
 * given in `into`, where given. An array must not be both an input and an output of one run.
 */
import { availableParallelism } from "node:os";
import type * as Ort from "onnxruntime-common";
import type { Device } from "../devices.js";
import { Graph } from "./graph.js";
import type { Dim, ElementType, TypedArray, ValueRecord } from "./onnx.js";

export interface RunResult {
  readonly data: TypedArray;
  readonly dims: readonly number[];
}

export interface SessionOptions {
  /** Threads of one operator; default, and 0: all cores. Results do not depend on it. */
  threads?: number;
  /**
   * But no more than these: onnxruntime multiplies a matrix of one row by other sums, and more threads than half of a product's
   * rows are given one row each.
   */
  mostThreads?: number;
  /**
   * Whether threads wait busily for the next operator, by default not: they go on doing so for a while after a run, and slow
   * other sessions and the main thread (a training of `compact` with its evaluation took 1.4 times as long). A session that runs
   * again and again by itself gains 2 to 4 %.
   */
  spinning?: boolean;
  /** Default: "cpu"; what a device cannot compute falls back to the CPU. See device.ts. */
  device?: Device;
  /** Every run is given arrays for all outputs (CPU only): onnxruntime-node then makes no copies of them. */
  inPlace?: boolean;
  /** Path prefix of onnxruntime's profile, for benchmarks. */
  profile?: string;
}

/** The output at which copying ends, see `runInPlace`. */
const unreturned = "unreturned";

let backend: Promise<typeof Ort> | undefined;
/** onnxruntime is 20 MB of native code: loaded when the first session is made. */
function loadBackend(): Promise<typeof Ort> {
  backend ??= import("onnxruntime-node") as unknown as Promise<typeof Ort>;
  return backend;
}

export class Session {
  private readonly inputs = new Map<string, ValueRecord>();
  readonly outputNames: readonly string[];

  constructor(
    private readonly ort: typeof Ort,
    private readonly session: Ort.InferenceSession,
    inputs: readonly ValueRecord[],
    private readonly outputs: readonly ValueRecord[],
    private readonly inPlace = false,
  ) {
    for (const v of inputs) this.inputs.set(v.name, v);
    this.outputNames = outputs.map((v) => v.name);
  }

  /**
   * Runs the graph once.
   * @param feeds one typed array for every input; one unknown dimension is found from the array's length
   * @param into arrays to write outputs into (dims of the graph, all sizes known)
   */
  async run(
    feeds: Record<string, TypedArray>,
    into: Record<string, TypedArray> = {},
  ): Promise<Record<string, RunResult>> {
    const ortFeeds: Record<string, Ort.Tensor> = {};
    for (const [name, value] of this.inputs) {
      const data = feeds[name];
      if (data === undefined) throw new Error(`session: input '${name}' is not fed`);
      ortFeeds[name] = this.tensor(value.type, data, resolveDims(value, data.length));
    }
    const fetches: Record<string, Ort.Tensor | null> = {};
    for (const v of this.outputs) {
      const target = into[v.name];
      fetches[v.name] =
        target === undefined ? null : this.tensor(v.type, target, resolveDims(v, target.length));
    }
    const results = this.inPlace
      ? await this.runInPlace(ortFeeds, fetches)
      : await this.session.run(ortFeeds, fetches);
    const out: Record<string, RunResult> = {};
    for (const name of this.outputNames) {
      const t = results[name] as Ort.Tensor;
      out[name] = { data: into[name] ?? (t.data as TypedArray), dims: t.dims };
    }
    return out;
  }

  /**
   * After a run onnxruntime-node copies each output into a new array, also those that were written where they were asked for
   * (130 MB and 27 ms of a step of ResNet-18). It does so in the order of the outputs, and ends at the first that is no
   * tensor, which it says it cannot return yet. Should it learn to, the copies come back and nothing else changes.
   */
  private async runInPlace(
    feeds: Record<string, Ort.Tensor>,
    fetches: Record<string, Ort.Tensor | null>,
  ): Promise<Record<string, Ort.Tensor | null>> {
    const missing = Object.keys(fetches).find((name) => fetches[name] === null);
    if (missing !== undefined) throw new Error(`session: no array is given for the output '${missing}'`);
    try {
      await this.session.run(feeds, { [unreturned]: null, ...fetches });
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("Non tensor type"))) throw error;
    }
    return fetches;
  }

  private tensor(type: ElementType, data: TypedArray, dims: readonly number[]): Ort.Tensor {
    return new this.ort.Tensor(type, data as Float32Array, dims);
  }

  /** Frees the native memory; the session cannot run afterwards. */
  async release(): Promise<void> {
    await this.session.release();
  }

  /** Ends profiling (see SessionOptions.profile). */
  endProfiling(): void {
    this.session.endProfiling();
  }
}

function resolveDims(value: ValueRecord, length: number): number[] {
  let known = 1;
  let unknown = -1;
  value.dims.forEach((d: Dim, i) => {
    if (typeof d === "number") known *= d;
    else if (unknown < 0) unknown = i;
    else throw new Error(`session: '${value.name}' has two unknown dimensions`);
  });
  const dims = value.dims.map((d, i) => (i === unknown ? length / known : (d as number)));
  if (dims.reduce((a, b) => a * b, 1) !== length || dims.some((d) => !Number.isInteger(d)))
    throw new Error(
      `session: '${value.name}' has ${length} elements, its dims are [${value.dims.join(", ")}]`,
    );
  return dims;
}

let block: Promise<number> | undefined;
/**
 * Channels in a block of onnxruntime's blocked layout (com.microsoft.nchwc) on this processor: 16 or 8 floats of a vector
 * register, 1 where it has no such kernels. Found by asking: a map of 4 channels comes back filled up to one block.
 */
export function channelBlock(): Promise<number> {
  block ??= (async () => {
    const g = new Graph();
    const x = g.input("x", [1, 4, 1, 1]);
    g.output("y", g.op("ReorderInput", [x], [1, "b", 1, 1], {}, { domain: "com.microsoft.nchwc" }));
    try {
      const session = await createSession(g, { threads: 1 });
      const { y } = await session.run({ x: new Float32Array(4) });
      await session.release();
      return y.dims[1] > 4 ? y.dims[1] : 1;
    } catch {
      return 1; // a build or a processor without them
    }
  })();
  return block;
}

/** Opens an ONNX file, with the options under which all of cellhue computes. */
export async function openSession(
  file: Uint8Array,
  options: SessionOptions,
): Promise<{ ort: typeof Ort; session: Ort.InferenceSession }> {
  const ort = await loadBackend();
  const { device = "cpu", spinning = false, threads = 0, mostThreads } = options;
  const sessionOptions: Ort.InferenceSession.SessionOptions = {
    executionProviders: [device], // the CPU is behind any other; named, it would hide that the other is not there
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    intraOpNumThreads:
      mostThreads === undefined ? threads : Math.min(threads || availableParallelism(), mostThreads),
    interOpNumThreads: 1,
    logSeverityLevel: device === "cpu" ? 3 : 4, // what a device lacks is told by the error
    // Moments of weights whose gradient vanishes are denormal numbers, on which processors are 10 times slower.
    extra: { session: { set_denormal_as_zero: "1", intra_op: { allow_spinning: spinning ? "1" : "0" } } },
    enableProfiling: options.profile !== undefined,
  };
  if (options.profile !== undefined) sessionOptions.profileFilePrefix = options.profile;
  return { ort, session: await ort.InferenceSession.create(file, sessionOptions) };
}

/** Compiles a graph. */
export async function createSession(graph: Graph, options: SessionOptions = {}): Promise<Session> {
  const { inPlace } = options;
  const { ort, session } = await openSession(
    graph.encode({}, undefined, inPlace ? unreturned : undefined),
    options,
  );
  return new Session(ort, session, graph.inputs, graph.outputs, inPlace);
}
