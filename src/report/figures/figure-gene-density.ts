/** Figure_genes_pixel of an encoder that paints genes: how many genes lie on every pixel, one panel a channel. */
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import type { ImageSize } from "../../image-size.js";
import { viridis } from "../colormap.js";
import { axes } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { barTicks, colourBar, coloured, pixels, within } from "../heat.js";
import type { Markup } from "../markup.js";
import { text } from "../text.js";
import { pixelTicks } from "./density.js";

export interface GeneDensity {
  /** Of the image. */
  size: ImageSize;
  /** Pixels of the image along one side of a gene's pixel. */
  zoom: number;
  /** Pixel of every gene, row · width + column, by channel; one for all channels alike. */
  placings: readonly Int32Array[];
}

const SIDE = 300;
const CHANNELS = ["red", "green", "blue"];

export async function figureGeneDensity({ size, zoom, placings }: GeneDensity): Promise<Figure> {
  const height = size.height / zoom;
  const width = size.width / zoom;
  const counts = placings.map((placed) => {
    const count = new Uint32Array(height * width);
    for (const pixel of placed) count[pixel]++;
    return count;
  });
  const most = Math.max(0, ...counts.map((count) => max(count) ?? 0));
  const frame = within(size, SIDE);
  const parts: Markup[] = [];
  for (const [c, count] of counts.entries()) {
    const box = { x: 56 + c * (SIDE + 44), y: 28, ...frame };
    const used = count.reduce((n, v) => n + (v > 0 ? 1 : 0), 0);
    const name = counts.length === 1 ? "all channels" : CHANNELS[c];
    parts.push(
      text(box.x, box.y - 9, `${name}: genes on ${used} of ${count.length} pixels`, { width: SIDE + 30 }),
      await pixels(coloured(count, most, viridis, 0.5), width, height, box),
      axes({
        box,
        x: scaleLinear([0, size.width], [box.x, box.x + box.width]),
        y: scaleLinear([0, size.height], [box.y, box.y + box.height]),
        xTicks: pixelTicks(size.width),
        yTicks: pixelTicks(size.height),
        yNumbers: c === 0,
        xLabel: "pixel x",
        yLabel: c === 0 ? "pixel y" : undefined,
      }),
    );
  }
  const genes = placings[0]?.length ?? 0;
  const barX = 56 + counts.length * (SIDE + 44) - 44 + 18;
  const bar = { x: barX, y: 28 + frame.height * 0.12, height: Math.max(60, frame.height * 0.76) };
  return figure(
    "Figure_genes_pixel",
    `Density of the ${genes} painted genes: genes on a pixel (square-root colour scale)`,
    barX + 64,
    28 + Math.max(frame.height, bar.height) + 40,
    parts,
    await colourBar(bar, viridis, most, barTicks(most, 0.5), "genes on the pixel", 0.5),
  );
}
