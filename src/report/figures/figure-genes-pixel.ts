/** Figure_genes_pixel: where all samples together lie in the image. */

import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { viridis } from "../colormap.js";
import { axes } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { barTicks, colourBar, coloured, pixels, within } from "../heat.js";
import { coverage, type PixelMap, pixelTicks } from "./density.js";

export async function figureGenesPixel(map: PixelMap): Promise<Figure> {
  const { size } = map;
  const box = { x: 56, y: 12, ...within(size, 420) };
  const density = coverage(map);
  const most = max(density) ?? 0;
  const bar = { x: box.x + box.width + 18, y: box.y + 50, height: Math.max(60, box.height - 100) };
  return figure(
    "Figure_genes_pixel",
    `Pixel density of all ${map.codes.length} samples: samples whose square covers a pixel (square-root colour scale)`,
    bar.x + 64,
    box.y + box.height + 40,
    await pixels(coloured(density, most, viridis, 0.5), size.width, size.height, box),
    axes({
      box,
      x: scaleLinear([0, size.width], [box.x, box.x + box.width]),
      y: scaleLinear([0, size.height], [box.y, box.y + box.height]),
      xTicks: pixelTicks(size.width),
      yTicks: pixelTicks(size.height),
      xLabel: "pixel x",
      yLabel: "pixel y",
    }),
    await colourBar(bar, viridis, most, barTicks(most, 0.5), "samples on the pixel", 0.5),
  );
}
