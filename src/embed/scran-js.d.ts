/** The part of scran.js 4 that is used here; the package ships no types. Points go in columns: n × k row-major. */
declare module "scran.js" {
  interface Freed {
    free(): void;
  }
  export interface WasmFloats extends Freed {
    readonly offset: number;
    /** A view; stale after the next allocation. */
    array(): Float64Array;
  }
  export interface Neighbours extends Freed {
    /** The object of the WebAssembly module. */
    readonly results: unknown;
    /** Of each point how many, and one after the other which. */
    serialize(): { runs: Int32Array; indices: Int32Array };
  }
  export interface UmapStatus extends Freed {
    currentEpoch(): number;
    totalEpochs(): number;
    run(options?: { runTime?: number | null }): void;
    extractCoordinates(): { x: Float64Array; y: Float64Array };
  }
  export function initialize(options: { numberOfThreads?: number; localFile?: boolean }): Promise<boolean>;
  export function terminate(): void;
  export function createFloat64WasmArray(length: number): WasmFloats;
  export function buildNeighborSearchIndex(
    points: Float32Array,
    options: { numberOfDims: number; numberOfCells: number; approximate?: boolean },
  ): Freed;
  export function findNearestNeighbors(
    index: Freed,
    k: number,
    options?: { numberOfThreads?: number | null },
  ): Neighbours;
  export function initializeUmap(
    neighbours: Neighbours,
    options: { neighbors?: number; epochs?: number; minDist?: number; numberOfThreads?: number | null },
  ): UmapStatus;
}

declare module "scran.js/main/wasm.js" {
  export interface TsneStatus {
    iterations(): number;
    delete(): void;
  }
  interface Module {
    initialize_tsne(neighbours: unknown, perplexity: number, threads: number): TsneStatus;
    /** @param runTime in ms; not positive: no limit @param coordinates byte offset of n × 2 float64, updated */
    run_tsne(status: TsneStatus, runTime: number, iterations: number, coordinates: number): void;
  }
  export function call<T>(work: (module: Module) => T): T;
}
