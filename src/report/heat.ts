/** Pixel maps inside of figures: RGB bytes or numbers through a colour map, as PNG data URIs, and the colour bar. */
import type { ImageSize } from "../image-size.js";
import type { Colormap } from "./colormap.js";
import { colourIndex } from "./colormap.js";
import { el, join, type Markup } from "./markup.js";
import { text } from "./text.js";

/** An <image> of width × height pixels (row-major RGB) drawn without smoothing into the square or box given. */
export async function pixels(
  rgb: Uint8Array,
  width: number,
  height: number,
  box: { x: number; y: number; width: number; height: number },
): Promise<Markup> {
  const { encodePng } = await import("../io/png.js");
  const png = await encodePng(rgb, width, height);
  return el("image", {
    ...box,
    preserveAspectRatio: "none",
    "image-rendering": "optimizeSpeed",
    href: `data:image/png;base64,${png.toString("base64")}`,
  });
}

/** The largest box of an image's shape whose longer side is `side`. */
export function within({ height, width }: ImageSize, side: number): { width: number; height: number } {
  const longer = Math.max(height, width);
  return { width: (side * width) / longer, height: (side * height) / longer };
}

/** Numbers to RGB: 0 is the first colour of the map, `max` its last; `power` 0.5 lifts small values. */
export function coloured(values: ArrayLike<number>, max: number, map: Colormap, power = 1): Uint8Array {
  const rgb = new Uint8Array(values.length * 3);
  for (let i = 0; i < values.length; i++) {
    const at = 3 * colourIndex(max > 0 ? (values[i] / max) ** power : 0);
    rgb[3 * i] = map[at];
    rgb[3 * i + 1] = map[at + 1];
    rgb[3 * i + 2] = map[at + 2];
  }
  return rgb;
}

/** Width of the bar itself, without its numbers. */
export const BAR_WIDTH = 12;

/** An upright colour bar from 0 to `max` with the numbers given, each at (value / max)^power of its height. */
export async function colourBar(
  box: { x: number; y: number; height: number },
  map: Colormap,
  max: number,
  ticks: readonly { value: number; label: string }[],
  title = "",
  power = 1,
): Promise<Markup> {
  const { x, y, height } = box;
  const upward = new Uint8Array(map.length);
  for (let i = 0; i < 256; i++) upward.set(map.subarray(3 * i, 3 * i + 3), 3 * (255 - i));
  const middle = y + height / 2;
  let numbers = 0;
  const marks = ticks.map(({ value, label }) => {
    const at = y + height * (1 - (max > 0 ? (value / max) ** power : 0));
    numbers = Math.max(numbers, label.length);
    return [
      el("line", { x1: x + BAR_WIDTH, x2: x + BAR_WIDTH + 3, y1: at, y2: at, stroke: "currentColor" }),
      text(x + BAR_WIDTH + 6, at + 3.5, label, { size: 10 }),
    ];
  });
  return join(
    await pixels(upward, 1, 256, { x, y, width: BAR_WIDTH, height }),
    el("rect", { x, y, width: BAR_WIDTH, height, fill: "none", stroke: "currentColor", "stroke-width": 0.8 }),
    marks,
    title === ""
      ? undefined
      : text(x + BAR_WIDTH + 16 + numbers * 6.4, middle, title, { anchor: "middle", rotate: -90, size: 10 }),
  );
}

/** Four to six round values from 0 to max for a bar drawn with power 0.5, so that they stand about evenly. */
export function barTicks(max: number, power = 1): { value: number; label: string }[] {
  if (!(max > 0)) return [{ value: 0, label: "0" }];
  const steps = max < 4 ? Math.max(1, Math.floor(max)) : 4;
  const values = new Set([0]);
  for (let i = 1; i <= steps; i++) values.add(Math.round(max * (i / steps) ** (1 / power)));
  return [...values].map((value) => ({ value, label: String(value) }));
}
