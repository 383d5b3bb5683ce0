/** genes_heatmap: the strongest genes of every class, and what they say for or against each of the classes. */
import { diverging } from "../colormap.js";
import { type Figure, figure } from "../figure.js";
import { pixels } from "../heat.js";
import { el, type Markup } from "../markup.js";
import { text, textWidth } from "../text.js";

export interface GeneHeat {
  classes: readonly string[];
  /** Names of the genes, a row each. */
  genes: readonly string[];
  /** genes × classes, row-major, as shares of the strongest score of the class: −1…1. */
  scores: Float32Array;
  method: string;
}

const CELL = { width: 26, height: 15 };
const MOST_CLASSES = 60;

export async function geneHeat({ classes, genes, scores, method }: GeneHeat): Promise<Figure> {
  const shown = classes.slice(0, MOST_CLASSES);
  const rgb = new Uint8Array(genes.length * shown.length * 3);
  genes.forEach((_, i) => {
    shown.forEach((_, c) => {
      const share = Math.max(-1, Math.min(1, scores[i * classes.length + c]));
      const at = 3 * Math.round(127.5 + 127.5 * share);
      rgb.set(diverging.subarray(at, at + 3), 3 * (i * shown.length + c));
    });
  });
  const names = Math.min(150, Math.max(40, ...genes.map((g) => textWidth(g, 11))));
  const tall = Math.min(170, Math.max(20, ...shown.map((c) => textWidth(c, 11))));
  // Class names stand at an angle of 45 degrees over their columns.
  const top = 14 + tall * 0.75;
  const box = {
    x: 14 + names + 8,
    y: top,
    width: CELL.width * shown.length,
    height: CELL.height * genes.length,
  };
  const parts: Markup[] = [];
  if (genes.length > 0 && shown.length > 0) parts.push(await pixels(rgb, shown.length, genes.length, box));
  parts.push(el("rect", { ...box, fill: "none", stroke: "currentColor", "stroke-width": 0.6 }));
  for (const [i, gene] of genes.entries())
    parts.push(
      text(box.x - 6, box.y + CELL.height * (i + 0.5) + 4, gene, { anchor: "end", size: 11, width: names }),
    );
  for (const [c, label] of shown.entries()) {
    const [x, y] = [box.x + CELL.width * (c + 0.5) + 3, box.y - 5];
    parts.push(text(x, y, label, { rotate: -45, size: 11, width: tall }));
  }
  const key = { x: box.x + box.width + tall * 0.75 + 16, y: box.y, width: 12, height: 120 };
  const ramp = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) ramp.set(diverging.subarray(3 * i, 3 * i + 3), 3 * (255 - i));
  parts.push(
    await pixels(ramp, 1, 256, key),
    el("rect", { ...key, fill: "none", stroke: "currentColor", "stroke-width": 0.6 }),
    text(key.x + 18, key.y + 9, "for the class", { size: 10 }),
    text(key.x + 18, key.y + key.height / 2 + 4, "nothing", { size: 10 }),
    text(key.x + 18, key.y + key.height, "against it", { size: 10 }),
  );
  const dropped =
    classes.length > shown.length ? `; the first ${shown.length} of ${classes.length} classes` : "";
  return figure(
    "genes_heatmap",
    `The strongest genes of every class by ${method}, as shares of the class's strongest score${dropped}`,
    key.x + 100,
    Math.max(box.y + box.height, key.y + key.height) + 14,
    parts,
  );
}
