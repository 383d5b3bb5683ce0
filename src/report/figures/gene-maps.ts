/**
 * Figure_Genes_1, _2, …: per class the image of one held-out sample beside the map of what decided, with its strongest
 * genes as circles where they are painted and the three strongest named, four classes a figure (METHOD §3).
 */
import { max } from "d3-array";
import type { ImageSize } from "../../image-size.js";
import { hot } from "../colormap.js";
import { type Figure, figure } from "../figure.js";
import { emptyReason } from "../genes-report.js";
import { coloured, pixels, within } from "../heat.js";
import { el, join, type Markup } from "../markup.js";
import { text } from "../text.js";

export interface GeneMapPanels {
  panels: readonly {
    label: string;
    sample: string;
    /** Of the label, by the net. */
    probability: number;
    /** height × width × 3, RGB. */
    image: Uint8Array;
    /** height × width, 0 or more. */
    map: Float32Array;
    /** Strongest genes of the class, the strongest first. */
    genes: readonly MappedGene[];
  }[];
  size: ImageSize;
  net: string;
  method: string;
  /** What a failed check says; written on every map. */
  failed?: string;
}

export interface MappedGene {
  gene: string;
  score: number;
  /** Middle of its pixel in the image; undefined where the encoder paints no genes. */
  at?: { x: number; y: number };
}

const SIDE = 180;
const NAMES = 130;
const PANEL = 2 * SIDE + 8 + NAMES;
const NAMED = 3;
const FOR = "#0b6e4f";
const AGAINST = "#b3261e";

export async function geneMaps({ panels, size, net, method, failed }: GeneMapPanels): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (let from = 0; from < panels.length; from += 4) {
    const group = panels.slice(from, from + 4);
    const columns = Math.min(2, group.length);
    const parts: Markup[] = [];
    for (const [k, panel] of group.entries()) {
      const x = 14 + (k % columns) * (PANEL + 26);
      const y = 52 + Math.floor(k / columns) * (SIDE + 66);
      parts.push(await drawPanel(panel, size, x, y, method, failed));
    }
    const rows = Math.ceil(group.length / columns);
    figures.push(
      figure(
        `Figure_Genes_${figures.length + 1}`,
        `What decided, by ${method} of ${net}: image, map of the image on its own scale, and the strongest genes of the class (${FOR_WORDS})`,
        14 + columns * (PANEL + 26),
        52 + rows * (SIDE + 66) - 66 + 14,
        parts,
      ),
    );
  }
  return figures;
}

const FOR_WORDS = "+ for the class, − against it; circles by strength";

async function drawPanel(
  { label, sample, probability, image, map, genes }: GeneMapPanels["panels"][number],
  size: ImageSize,
  x: number,
  y: number,
  method: string,
  failed: string | undefined,
): Promise<Markup> {
  const frame = { y, ...within(size, SIDE) };
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 0.8 };
  const right = x + SIDE + 8;
  const scale = frame.width / size.width;
  const most = Math.max(0, ...genes.map((g) => Math.abs(g.score))) || 1;
  const greatest = max(map) ?? 0;
  const flaw = greatest > 0 ? failed : emptyReason(method);
  const colour = (score: number) => (score < 0 ? AGAINST : FOR);
  const parts: Markup[] = [
    text(x, y - 30, label, { bold: true, size: 13, width: PANEL }),
    text(x, y - 12, sample, { suffix: ` · p = ${probability.toFixed(3)}`, width: SIDE, opacity: 0.75 }),
    text(right, y - 12, flaw ?? "what decided", {
      opacity: flaw ? 1 : 0.75,
      bold: flaw !== undefined,
      fill: flaw ? AGAINST : "currentColor",
      width: SIDE + NAMES,
    }),
    await pixels(image, size.width, size.height, { x, ...frame }),
    el("rect", { x, ...frame, ...line }),
    await pixels(coloured(map, greatest, hot), size.width, size.height, { x: right, ...frame }),
    el("rect", { x: right, ...frame, ...line }),
  ];
  const named = genes.slice(0, NAMED);
  for (const { at, score } of genes.slice().reverse()) {
    if (at === undefined) continue;
    const r = 3 + 6 * Math.sqrt(Math.abs(score) / most);
    const place = { cx: right + at.x * scale, cy: y + at.y * scale, r };
    parts.push(
      el("circle", { ...place, fill: "none", stroke: "#ffffff", "stroke-width": 2.6 }),
      el("circle", { ...place, fill: "none", stroke: colour(score), "stroke-width": 1.4 }),
    );
  }
  // Names stand beside the map in the order of their places, so that their lines do not cross.
  const nameX = right + frame.width + 22;
  const inOrder = named.slice().sort((a, b) => (a.at?.y ?? 0) - (b.at?.y ?? 0));
  for (const [i, { gene, score, at }] of inOrder.entries()) {
    const nameY = y + (frame.height * (i + 0.5)) / Math.max(1, inOrder.length);
    if (at !== undefined)
      parts.push(
        el("line", {
          x1: right + at.x * scale,
          y1: y + at.y * scale,
          x2: nameX - 4,
          y2: nameY - 4,
          stroke: colour(score),
          "stroke-width": 0.9,
        }),
      );
    parts.push(
      text(nameX, nameY, gene, { suffix: score < 0 ? " −" : " +", width: NAMES - 26, fill: colour(score) }),
    );
  }
  return join(...parts);
}
