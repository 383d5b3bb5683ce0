/** Figure_1: where the samples of each label lie in the image, one panel a label, on one viridis scale. */

import { scaleLinear } from "d3-scale";
import { viridis } from "../colormap.js";
import { axes } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { barTicks, colourBar, coloured, pixels, within } from "../heat.js";
import type { Markup } from "../markup.js";
import { classMembers } from "../scatter.js";
import { text } from "../text.js";
import { coverage, type PixelMap, pixelTicks } from "./density.js";

const MOST_PANELS = 60;

/** Colours are by the square root of the count, so that sparse labels stay visible beside dense ones. */
export async function figure1(map: PixelMap): Promise<Figure> {
  const { codes, classes, size } = map;
  const counts = classMembers(codes, classes.length).map((m) => m.length);
  const shown = classes
    .map((_, c) => c)
    .sort((a, b) => counts[b] - counts[a] || a - b)
    .slice(0, MOST_PANELS)
    .sort((a, b) => a - b);
  const n = Math.max(1, shown.length);
  const columns = n <= 4 ? n : n <= 8 ? Math.ceil(n / 2) : Math.min(6, Math.ceil(Math.sqrt(n * 1.3)));
  const rows = Math.ceil(n / columns);
  const side = columns <= 4 ? 180 : 146;
  const [stepX, stepY, left, top] = [side + 26, side + 30, 50, 24];
  const densities = shown.map((c) => coverage(map, c));
  const most = densities.reduce((m, d) => d.reduce((a, b) => Math.max(a, b), m), 0);
  const panels: Markup[] = [];
  for (const [k, c] of shown.entries()) {
    const box = {
      x: left + (k % columns) * stepX,
      y: top + Math.floor(k / columns) * stepY,
      ...within(size, side),
    };
    const lowest = k + columns >= shown.length;
    panels.push(
      await pixels(coloured(densities[k], most, viridis, 0.5), size.width, size.height, box),
      axes({
        box,
        x: scaleLinear([0, size.width], [box.x, box.x + box.width]),
        y: scaleLinear([0, size.height], [box.y, box.y + box.height]),
        xTicks: pixelTicks(size.width),
        yTicks: pixelTicks(size.height),
        xNumbers: lowest,
        yNumbers: k % columns === 0,
        xLabel: lowest ? "pixel x" : undefined,
        yLabel: k % columns === 0 ? "pixel y" : undefined,
      }),
      text(box.x + side / 2, box.y - 7, classes[c], {
        anchor: "middle",
        suffix: ` (n=${counts[c]})`,
        width: side + 8,
      }),
    );
  }
  const barX = left + columns * stepX + 4;
  const height = top + rows * stepY + 12;
  const barHeight = Math.min(320, rows * stepY - 30);
  const bar = { x: barX, y: top + (rows * stepY - 30 - barHeight) / 2, height: barHeight };
  const dropped =
    classes.length > shown.length ? `; the ${shown.length} largest of ${classes.length} labels` : "";
  return figure(
    "Figure_1",
    `Pixel density per label: samples whose square covers a pixel (square-root colour scale)${dropped}`,
    barX + 64,
    height,
    panels,
    await colourBar(bar, viridis, most, barTicks(most, 0.5), "samples on the pixel", 0.5),
  );
}
