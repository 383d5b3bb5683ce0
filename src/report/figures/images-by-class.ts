/** images_by_class: a few real images of every class. */

import { type ImageSize, sizeWords } from "../../image-size.js";
import { type Figure, figure } from "../figure.js";
import { pixels, within } from "../heat.js";
import { el, type Markup } from "../markup.js";
import { text } from "../text.js";

export interface ImagesByClass {
  classes: readonly {
    label: string;
    /** RGB, height × width × 3; the first six are shown. */
    images: readonly Uint8Array[];
  }[];
  size: ImageSize;
}

const SIDE = 88;
const MOST_IMAGES = 6;
const MOST_CLASSES = 60;

export async function imagesByClass({ classes, size }: ImagesByClass): Promise<Figure> {
  const shown = classes.slice(0, MOST_CLASSES);
  const perRow = Math.min(MOST_IMAGES, Math.max(2, ...shown.map((c) => c.images.length)));
  const columns = shown.length > 4 ? 2 : 1;
  const rows = Math.max(1, Math.ceil(shown.length / columns));
  const block = perRow * (SIDE + 6) - 6;
  const parts: Markup[] = [];
  for (const [k, { label, images }] of shown.entries()) {
    const x0 = 14 + Math.floor(k / rows) * (block + 36);
    const y = 30 + (k % rows) * (SIDE + 36);
    parts.push(text(x0, y - 8, label, { bold: true, width: block }));
    if (images.length === 0) parts.push(text(x0, y + SIDE / 2, "no image", { opacity: 0.75 }));
    for (const [i, image] of images.slice(0, perRow).entries()) {
      const box = { x: x0 + i * (SIDE + 6), y, ...within(size, SIDE) };
      parts.push(
        await pixels(image, size.width, size.height, box),
        el("rect", { ...box, fill: "none", stroke: "currentColor", "stroke-width": 0.6 }),
      );
    }
  }
  const dropped =
    classes.length > shown.length ? `; the first ${shown.length} of ${classes.length} classes` : "";
  return figure(
    "images_by_class",
    `Images of samples of every class, ${sizeWords(size)} pixels${dropped}`,
    14 + columns * (block + 36) - 22,
    30 + rows * (SIDE + 36) - 22,
    parts,
  );
}
