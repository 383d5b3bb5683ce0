/** A 2-D embedding of the samples, coloured by class: "embedding_umap", "embedding_tsne", "embedding_pca". */
import { extent } from "d3-array";
import { scaleLinear } from "d3-scale";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { roomy, scatter } from "../scatter.js";

export interface Embedding {
  name: string;
  title: string;
  /** n × 2, row-major. */
  points: Float32Array;
  codes: Int32Array;
  classes: readonly string[];
  /** Names of the two axes, e.g. "UMAP 1". */
  axes: readonly [string, string];
}

export function embeddingScatter({ name, title, points, codes, classes, axes: names }: Embedding): Figure {
  const box = { x: 62, y: 12, width: 470, height: 430 };
  const along = (axis: 0 | 1): [number, number] => {
    const [low = 0, high = 0] = extent(points.filter((_, i) => i % 2 === axis));
    return [low, high];
  };
  const x = roomy(scaleLinear([box.x, box.x + box.width]), ...along(0));
  const y = roomy(scaleLinear([box.y + box.height, box.y]), ...along(1));
  const { markup, legend: entries } = scatter({
    px: (i) => x(points[2 * i]),
    py: (i) => y(points[2 * i + 1]),
    codes,
    classes,
    box,
  });
  const key = legend(box.x + box.width + 22, box.y, box.height, entries);
  return figure(
    name,
    title,
    box.x + box.width + 22 + key.width + 14,
    Math.max(box.y + box.height + 42, box.y + key.height + 12),
    axes({ box, x, y, xLabel: names[0], yLabel: names[1], grid: true }),
    markup,
    key.markup,
  );
}
