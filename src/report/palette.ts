/**
 * How classes are told apart: a colour and a shape each, so that no figure relies on colour alone. The ten colours are
 * Petroff's sequence for colour-vision deficiencies (M. A. Petroff 2021, arXiv:2107.02270; matplotlib's "petroff10");
 * the next ten are darker, the next lighter. Shapes go round by seven: 210 pairs of colour and shape before one repeats.
 */
import {
  type SymbolType,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from "d3-shape";
import { number } from "./markup.js";

// biome-ignore format: five a line
const BASE = [
  "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
  "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
];
// Each with a factor to its area, so that they look equally large.
const SHAPES: readonly (readonly [SymbolType, number])[] = [
  [symbolCircle, 1],
  [symbolSquare, 1],
  [symbolTriangle, 0.9],
  [symbolDiamond, 1],
  [symbolCross, 1],
  [symbolStar, 0.85],
  [symbolWye, 1.3],
];

function mixed(colour: string, target: number, share: number): string {
  const bytes = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const out = bytes.map((v) =>
    Math.round(v + (target - v) * share)
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${out.join("")}`;
}

/** Colour of the i-th class, "#rrggbb". */
export function categoryColour(i: number): string {
  const colour = BASE[i % 10];
  const round = Math.floor(i / 10) % 3;
  return round === 0 ? colour : round === 1 ? mixed(colour, 0, 0.42) : mixed(colour, 255, 0.45);
}

/** Path data of class i's shape of `area` px² about (x, y). */
export function markerPath(i: number, x: number, y: number, area: number): string {
  let d = "";
  const at = (px: number, py: number): string => `${number(x + px)},${number(y + py)}`;
  // The part of CanvasRenderingContext2D that d3's symbols draw with, moved to (x, y).
  const pen = {
    moveTo: (px: number, py: number): void => {
      d += `M${at(px, py)}`;
    },
    lineTo: (px: number, py: number): void => {
      d += `L${at(px, py)}`;
    },
    rect: (px: number, py: number, w: number, h: number): void => {
      d += `M${at(px, py)}h${number(w)}v${number(h)}h${number(-w)}z`;
    },
    arc: (_x: number, _y: number, r: number): void => {
      const s = number(r);
      const across = number(2 * r);
      d += `a${s},${s} 0 1 1 -${across},0a${s},${s} 0 1 1 ${across},0z`; // d3 has moved to (r, 0)
    },
    closePath: (): void => {
      d += "z";
    },
  };
  const [shape, factor] = SHAPES[i % SHAPES.length];
  shape.draw(pen as unknown as Parameters<SymbolType["draw"]>[0], area * factor);
  return d;
}
