/**
 * The painter of genes: a pixel is as bright as its genes are in the mean; a pixel without genes is black. One placing
 * is drawn into all three channels (grey), three placings into one channel each.
 * Contract: sums in float64 in the order of the genes, rounded to float32 at the end, so that a sample's image depends
 * on nothing beside it.
 */
import { areaOf, type ImageSize } from "../../image-size.js";
import type { Placing } from "./points.js";

export interface GenePlacings {
  readonly size: ImageSize;
  /** One, or one each for red, green and blue; all of the same genes. */
  readonly placings: readonly [Placing] | readonly [Placing, Placing, Placing];
}

/**
 * The slow obvious way.
 * @param values n × genes in 0…1, row-major
 * @returns n × 3 × height × width
 */
export function renderGenes(painter: GenePlacings, values: ArrayLike<number>): Float32Array {
  checkPainter(painter);
  const { size, placings } = painter;
  const area = areaOf(size);
  const genes = placings[0].length;
  const n = values.length / genes;
  const image = new Float32Array(n * 3 * area);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 3; c++) {
      const placing = placings[c] ?? placings[0];
      const sum = new Float64Array(area);
      const count = new Int32Array(area);
      for (let j = 0; j < genes; j++) {
        if (placing[j] < 0) continue;
        sum[placing[j]] += values[i * genes + j];
        count[placing[j]]++;
      }
      for (let p = 0; p < area; p++) if (count[p] > 0) image[(3 * i + c) * area + p] = sum[p] / count[p];
    }
  return image;
}

/** @throws RangeError where the placings do not fit each other or the image, or one paints no gene */
export function checkPainter({ size, placings }: GenePlacings): void {
  const area = areaOf(size);
  for (const placing of placings) {
    if (placing.length !== placings[0].length)
      throw new RangeError(`painter: placings of ${placings[0].length} and of ${placing.length} genes`);
    const bad = placing.find((p) => !(p >= -1 && p < area));
    if (bad !== undefined)
      throw new RangeError(`painter: pixel ${bad} is not in ${size.height} × ${size.width} pixels`);
    if (placing.every((p) => p < 0)) throw new RangeError("painter: no gene is painted");
  }
}
