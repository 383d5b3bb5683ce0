/**
 * genes_deletion: what becomes of the class's probability as genes are set to their training mean, the strongest first, and
 * as they are put back; beside random order and the order of mean expression. Two panels a row, so that those of two trainings
 * are side by side.
 */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { type Child, el } from "../markup.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

export interface DeletionCurves {
  /** Shares of the genes, rising from 0 to 1. */
  shares: readonly number[];
  panels: readonly {
    title: string;
    curves: readonly { name: string; values: readonly number[] }[];
  }[];
}

const SIDE = 250;
const COLUMNS = 2;
const DASHES = [undefined, "6 3", "2 2", "8 3 2 3", "12 4", "4 6"];

export function geneDeletion({ shares, panels }: DeletionCurves): Figure {
  const names = [...new Set(panels.flatMap(({ curves }) => curves.map(({ name }) => name)))];
  const parts: Child[] = [];
  // Most of what there is to see happens among the first genes.
  const at = (share: number) => Math.sqrt(share);
  for (const [k, { title, curves }] of panels.entries()) {
    const [column, row] = [k % COLUMNS, Math.floor(k / COLUMNS)];
    const box = { x: 56 + column * (SIDE + 40), y: 30 + row * (SIDE + 76), width: SIDE, height: SIDE };
    const x = scaleLinear([0, 1], [box.x, box.x + SIDE]);
    const y = scaleLinear([0, 1], [box.y + SIDE, box.y]);
    parts.push(text(box.x, box.y - 10, title, { bold: true, width: SIDE }));
    for (const { name, values } of curves) {
      const c = names.indexOf(name);
      const path = line<number>(
        (_, i) => x(at(shares[i])),
        (v) => y(v),
      );
      parts.push(
        el("path", {
          d: path([...values]) ?? "",
          fill: "none",
          stroke: categoryColour(c),
          "stroke-width": 1.6,
          "stroke-dasharray": DASHES[c % DASHES.length],
        }),
        el("path", {
          d: values.map((v, i) => (i % 2 === 0 ? markerPath(c, x(at(shares[i])), y(v), 28) : "")).join(""),
          fill: categoryColour(c),
        }),
      );
    }
    const ticks = [0, 0.01, 0.05, 0.2, 0.5, 1];
    parts.push(
      axes({
        box,
        x,
        y,
        xTicks: ticks.map(at),
        yTicks: [0, 0.25, 0.5, 0.75, 1],
        xText: ticks.map((share) => String(Math.round(share * 100))),
        yNumbers: column === 0,
        xLabel: "% of the genes (square-root scale)",
        yLabel: column === 0 ? "probability of the class" : undefined,
      }),
    );
  }
  const right = 56 + Math.min(COLUMNS, panels.length) * (SIDE + 40) - 40 + 22;
  const bottom = 30 + Math.ceil(panels.length / COLUMNS) * (SIDE + 76) - 30;
  const key = legend(
    right,
    30,
    SIDE,
    names.map((label, category) => ({ label, category })),
    240,
  );
  return figure(
    "genes_deletion",
    "Genes set to their training mean, the strongest first, and put back: mean over held-out samples",
    right + key.width + 14,
    Math.max(bottom, 30 + key.height + 14),
    parts,
    key.markup,
  );
}
