/**
 * The published encoder: a sample becomes a black image with one coloured square. Its place is the sample's t-SNE
 * position; its colour is (t-SNE axis 1, first principal component, UMAP axis 1). So an image holds four numbers.
 * Contract: float64 arithmetic, truncation as Python's int(); column = t-SNE axis 1, row = t-SNE axis 2.
 * Reference: MAKE 2025, 7(4), 119, preprocessing.
 */
import { areaOf, type ImageSize } from "../image-size.js";

/** Keeps a constant axis from dividing by zero; part of the published formula, so the largest value maps below 1. */
export const EPSILON = 1e-8;

/**
 * (v − min) / (max − min + 1e-8) over every `stride`-th value from `offset` on, in float64.
 * @param values one axis, or several interleaved (row-major, `stride` wide)
 * @returns one number in [0, 1) per sample; all 0 where the axis is constant
 */
export function minMaxNormalise(values: Float32Array | Float64Array, stride = 1, offset = 0): Float64Array {
  const n = Math.floor(values.length / stride);
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < n; i++) {
    const v = values[i * stride + offset];
    if (!Number.isFinite(v)) throw new RangeError(`minMaxNormalise: value ${i} is ${v}`);
    if (v < min) min = v;
    if (v > max) max = v;
  }
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = (values[i * stride + offset] - min) / (max - min + EPSILON);
  return out;
}

export interface SpectralLayout {
  /** Column of each sample's square, 0…width − 1. */
  readonly x: Int32Array;
  /** Row of each sample's square. */
  readonly y: Int32Array;
  /** n × 3. */
  readonly rgb: Uint8Array;
}

/**
 * Place and colour of every sample; the axes are normalised over all samples given.
 * @param tsne n × 2
 * @param pc1 first principal component, n
 * @param umap1 first UMAP axis, n
 * @param size of the image
 */
export function spectralLayout(
  tsne: Float32Array,
  pc1: Float32Array,
  umap1: Float32Array,
  size: ImageSize,
): SpectralLayout {
  const n = pc1.length;
  if (tsne.length !== 2 * n || umap1.length !== n)
    throw new RangeError(
      `spectralLayout: ${tsne.length} t-SNE values, ${n} of PC 1 and ${umap1.length} of UMAP 1 do not fit`,
    );
  const axis1 = minMaxNormalise(tsne, 2, 0);
  const axis2 = minMaxNormalise(tsne, 2, 1);
  const channels = [axis1, minMaxNormalise(pc1), minMaxNormalise(umap1)];
  const rgb = new Uint8Array(3 * n);
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.trunc(channels[c][i] * 255);
  return {
    x: Int32Array.from(axis1, (v) => Math.trunc(v * (size.width - 1))),
    y: Int32Array.from(axis2, (v) => Math.trunc(v * (size.height - 1))),
    rgb,
  };
}

/**
 * The image of sample i.
 * @param pointSize the square reaches this far from its centre: side 2 × pointSize + 1, clipped at the border
 * @returns height × width × 3, row-major RGB
 */
export function renderSpectral(
  layout: SpectralLayout,
  i: number,
  size: ImageSize,
  pointSize = 3,
): Uint8Array {
  const image = new Uint8Array(areaOf(size) * 3);
  const colour = layout.rgb.subarray(3 * i, 3 * i + 3);
  const right = Math.min(size.width - 1, layout.x[i] + pointSize);
  const bottom = Math.min(size.height - 1, layout.y[i] + pointSize);
  for (let row = Math.max(0, layout.y[i] - pointSize); row <= bottom; row++)
    for (let col = Math.max(0, layout.x[i] - pointSize); col <= right; col++)
      image.set(colour, (row * size.width + col) * 3);
  return image;
}
