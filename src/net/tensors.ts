/**
 * Parameters of a network as plain data: float32 arrays by torchvision's names, and what a network expects of them.
 */
export interface Tensor {
  readonly dims: readonly number[];
  /** Row-major (C order), as many values as the product of `dims`. */
  readonly data: Float32Array;
}

export type Tensors = Map<string, Tensor>;

/** A parameter or buffer that a network needs: its name (torchvision's), shape and role. */
export interface ParamSpec {
  name: string;
  dims: readonly number[];
  kind: "conv" | "linear" | "bias" | "bn_weight" | "bn_bias" | "bn_mean" | "bn_var";
}
