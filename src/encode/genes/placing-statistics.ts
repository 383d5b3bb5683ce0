/** How well a placing uses an image: what genes share, the net cannot tell apart. */
import { areaOf, type ImageSize } from "../../image-size.js";
import type { Placing } from "./points.js";

export interface PlacingStatistics {
  /** Genes with a pixel. */
  readonly painted: number;
  /** Pixels with a gene. */
  readonly used: number;
  /** Pixels with a gene as a share of all. */
  readonly usedShare: number;
  /** Most genes in one pixel. */
  readonly most: number;
  /** Share of the painted genes that are alone in their pixel; 0 where none is painted. */
  readonly aloneShare: number;
}

export function placingStatistics(placing: Placing, size: ImageSize): PlacingStatistics {
  const area = areaOf(size);
  const genes = new Int32Array(area);
  let painted = 0;
  for (const p of placing) {
    if (p < 0) continue;
    if (p >= area) throw new RangeError(`placingStatistics: pixel ${p} of ${area}`);
    painted++;
    genes[p]++;
  }
  let [used, most, alone] = [0, 0, 0];
  for (const count of genes) {
    if (count > 0) used++;
    if (count === 1) alone++;
    most = Math.max(most, count);
  }
  return { painted, used, usedShare: used / area, most, aloneShare: painted > 0 ? alone / painted : 0 };
}
