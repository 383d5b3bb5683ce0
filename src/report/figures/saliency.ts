/** Figure_Saliency_1, _2, …: per class one image beside |d score / d input|, four classes a figure. */

import { max } from "d3-array";
import type { ImageSize } from "../../image-size.js";
import { hot } from "../colormap.js";
import { type Figure, figure } from "../figure.js";
import { BAR_WIDTH, colourBar, coloured, pixels, within } from "../heat.js";
import { el, type Markup } from "../markup.js";
import { text } from "../text.js";

export interface SaliencyPanels {
  panels: readonly {
    label: string;
    sample: string;
    /** Of the label, by the net. */
    probability: number;
    /** height × width × 3, RGB. */
    image: Uint8Array;
    /** height × width, 0 or more: the maximum over the channels. */
    map: Float32Array;
  }[];
  size: ImageSize;
  net: string;
}

const SIDE = 190;
const PAIR = 2 * SIDE + 8;

/** Every map has its own scale from 0 to its maximum, written at its colour bar. No panels give no figures. */
export async function saliencyFigures({ panels, size, net }: SaliencyPanels): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (let from = 0; from < panels.length; from += 4) {
    const group = panels.slice(from, from + 4);
    const columns = Math.min(2, group.length);
    const parts: Markup[] = [];
    for (const [k, { label, sample, probability, image, map }] of group.entries()) {
      const x = 14 + (k % columns) * (PAIR + 100);
      const y = 52 + Math.floor(k / columns) * (SIDE + 66);
      const most = max(map) ?? 0;
      const frame = { y, ...within(size, SIDE) };
      const line = { fill: "none", stroke: "currentColor", "stroke-width": 0.8 };
      const right = x + SIDE + 8;
      const ticks = most > 0 ? [0, most / 2, most].map((value) => ({ value, label: scientific(value) })) : [];
      parts.push(
        text(x, y - 30, label, { bold: true, size: 13, width: PAIR }),
        text(x, y - 12, sample, { suffix: ` · p = ${probability.toFixed(3)}`, width: SIDE, opacity: 0.75 }),
        text(right, y - 12, most > 0 ? "|∂ score / ∂ input|" : "gradient is 0 everywhere", { opacity: 0.75 }),
        await pixels(image, size.width, size.height, { x, ...frame }),
        el("rect", { x, ...frame, ...line }),
        await pixels(coloured(map, most, hot), size.width, size.height, { x: right, ...frame }),
        el("rect", { x: right, ...frame, ...line }),
        await colourBar({ x: right + SIDE + 8, y, height: SIDE }, hot, most, ticks),
      );
    }
    const rows = Math.ceil(group.length / columns);
    figures.push(
      figure(
        `Figure_Saliency_${figures.length + 1}`,
        `Saliency of ${net}: image and absolute gradient of the predicted class, maximum over the channels, each map on its own scale`,
        14 + columns * (PAIR + 100) - 100 + 8 + BAR_WIDTH + 62,
        52 + rows * (SIDE + 66) - 66 + 14,
        parts,
      ),
    );
  }
  return figures;
}

const scientific = (v: number): string =>
  v === 0 ? "0" : v >= 0.01 && v < 1000 ? v.toPrecision(2) : v.toExponential(1).replace("e+", "e");
