/**
 * Samples on a plane, coloured and shaped by class, each class also numbered where it is densest. Shared by the
 * embeddings and the combined pixel map. Classes are drawn largest first, so that small ones stay visible.
 */
import type { ScaleLinear } from "d3-scale";
import type { Box, LegendEntry } from "./draw.js";
import { type Child, el, join, type Markup } from "./markup.js";
import { categoryColour, markerPath } from "./palette.js";
import { text } from "./text.js";

export interface ScatterData {
  /** Position of sample i in px. */
  px: (i: number) => number;
  py: (i: number) => number;
  /** Class of every sample; others than 0…classes−1 are not drawn. */
  codes: Int32Array;
  classes: readonly string[];
  box: Box;
}

const MOST_TAGS = 40; // more numbers than that cover the data

export function scatter({ px, py, codes, classes, box }: ScatterData): {
  markup: Markup;
  legend: LegendEntry[];
} {
  const members = classMembers(codes, classes.length);
  const drawn = members.flat().length;
  const area = drawn > 5000 ? 7 : drawn > 1000 ? 13 : drawn > 200 ? 22 : 34;
  const order = members.map((_, c) => c).sort((a, b) => members[b].length - members[a].length || a - b);
  const clouds = order.map((c) => {
    if (members[c].length === 0) return undefined;
    const d = members[c].map((i) => markerPath(c, px(i), py(i), area)).join("");
    return el("path", { d, fill: categoryColour(c), "fill-opacity": 0.85 });
  });
  const tagged = classes.length > 1 && classes.length <= MOST_TAGS;
  return {
    markup: join(clouds, tagged ? tags(members, order, px, py, box) : undefined),
    legend: classes.map((label, c) => ({
      label,
      suffix: ` (n=${members[c].length})`,
      category: c,
      tag: tagged ? String(c + 1) : undefined,
    })),
  };
}

/** Sample numbers of every class. */
export function classMembers(codes: Int32Array, classes: number): number[][] {
  const members: number[][] = Array.from({ length: classes }, () => []);
  codes.forEach((code, i) => {
    members[code]?.push(i);
  });
  return members;
}

const RADIUS = 8.5;

/** Numbers at the densest place of each class, moved apart on a spiral, with a line back where they had to move far. */
function tags(
  members: readonly number[][],
  order: readonly number[],
  px: (i: number) => number,
  py: (i: number) => number,
  box: Box,
): Markup {
  const placed: { x: number; y: number }[] = [];
  const lines: Child[] = [];
  const marks: Child[] = [];
  for (const c of order) {
    if (members[c].length === 0) continue;
    const home = densest(members[c], px, py, box);
    let spot = home;
    for (let turn = 0; turn < 900; turn++) {
      const r = 1.2 * Math.sqrt(turn) * 4;
      const angle = turn * 2.399963; // golden angle: candidates fill the disc evenly
      const x = home.x + r * Math.cos(angle);
      const y = home.y + r * Math.sin(angle);
      const edge = RADIUS + 2;
      if (x < box.x + edge || x > box.x + box.width - edge) continue;
      if (y < box.y + edge || y > box.y + box.height - edge) continue;
      if (placed.some((p) => Math.hypot(p.x - x, p.y - y) < 2 * RADIUS + 1)) continue;
      spot = { x, y };
      break;
    }
    placed.push(spot);
    const ink = { stroke: categoryColour(c), "stroke-width": 1.5 };
    if (Math.hypot(spot.x - home.x, spot.y - home.y) > RADIUS)
      lines.push(el("line", { x1: home.x, y1: home.y, x2: spot.x, y2: spot.y, ...ink }));
    marks.push(
      el("circle", { cx: spot.x, cy: spot.y, r: RADIUS, fill: "#ffffff", ...ink }),
      text(spot.x, spot.y + 3.5, String(c + 1), { anchor: "middle", size: 10, bold: true }),
    );
  }
  return join(lines, marks);
}

/** Mean position within the fullest of 20 × 20 cells. */
function densest(
  samples: readonly number[],
  px: (i: number) => number,
  py: (i: number) => number,
  box: Box,
): { x: number; y: number } {
  const cells = new Map<number, { x: number; y: number; n: number }>();
  for (const i of samples) {
    const column = Math.floor(((px(i) - box.x) / box.width) * 20);
    const cell = Math.floor(((py(i) - box.y) / box.height) * 20) * 1000 + column;
    const sum = cells.get(cell) ?? { x: 0, y: 0, n: 0 };
    cells.set(cell, { x: sum.x + px(i), y: sum.y + py(i), n: sum.n + 1 });
  }
  const best = [...cells.values()].reduce((a, b) => (b.n > a.n ? b : a));
  return { x: best.x / best.n, y: best.y / best.n };
}

/** A d3 scale's domain with 4 % of room on both sides; a single value gets room of 1. */
export function roomy(
  scale: ScaleLinear<number, number>,
  low: number,
  high: number,
): ScaleLinear<number, number> {
  const pad = high > low ? (high - low) * 0.04 : 1;
  return scale.domain([low - pad, high + pad]);
}
