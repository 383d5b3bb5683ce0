/** Figure_combined_tumor: the pixels of all samples on one map, a colour, shape and number per label. */

import { scaleLinear } from "d3-scale";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { within } from "../heat.js";
import { scatter } from "../scatter.js";
import { type PixelMap, pixelTicks } from "./density.js";

export async function figureCombined({ x, y, codes, classes, size }: PixelMap): Promise<Figure> {
  const box = { x: 56, y: 12, ...within(size, 480) };
  const sx = scaleLinear([0, size.width], [box.x, box.x + box.width]);
  const sy = scaleLinear([0, size.height], [box.y, box.y + box.height]);
  const ticks = (side: number) =>
    side >= 8 ? Array.from({ length: 9 }, (_, i) => Math.round((i * side) / 8)) : pixelTicks(side);
  const { markup, legend: entries } = scatter({
    px: (i) => sx(x[i] + 0.5),
    py: (i) => sy(y[i] + 0.5),
    codes,
    classes,
    box,
  });
  const names = legend(box.x + box.width + 22, box.y, box.height, entries);
  return figure(
    "Figure_combined_tumor",
    "Pixel of every sample, all labels on one map",
    box.x + box.width + 22 + names.width + 14,
    Math.max(box.y + box.height + 42, box.y + names.height + 12),
    axes({
      box,
      x: sx,
      y: sy,
      xTicks: ticks(size.width),
      yTicks: ticks(size.height),
      xLabel: "pixel x",
      yLabel: "pixel y",
      grid: true,
    }),
    markup,
    names.markup,
  );
}
