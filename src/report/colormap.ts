/**
 * Colour maps as tables of 256 × RGB bytes. viridis and Blues are d3-scale-chromatic's; "hot" is written from
 * matplotlib's definition (`_cm.py`, `_hot_data`: piecewise linear ramps of red, green, blue) and equals its bytes.
 */
import { interpolateBlues, interpolateViridis } from "d3-scale-chromatic";

/** 256 × 3 bytes. */
export type Colormap = Uint8Array;

function sampled(colour: (t: number) => readonly number[]): Colormap {
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) table.set(colour(i / 255), 3 * i);
  return table;
}

/** "#rrggbb" or "rgb(r, g, b)" as three bytes. */
function parsed(colour: string): readonly number[] {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour);
  if (hex) return [0, 2, 4].map((at) => Number.parseInt(hex[1].slice(at, at + 2), 16));
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

/** Linear interpolation through at₀, value₀, at₁, value₁, …; matplotlib's `_create_lookup_table`. */
function ramp(t: number, points: readonly number[]): number {
  let i = 0;
  while (t > points[i + 2]) i += 2;
  const [x0, y0, x1, y1] = points.slice(i, i + 4);
  return y0 + ((t - x0) / (x1 - x0)) * (y1 - y0);
}

const RED = [0, 0.0416, 0.365079, 1, 1, 1];
const GREEN = [0, 0, 0.365079, 0, 0.746032, 1, 1, 1];
const BLUE = [0, 0, 0.746032, 0, 1, 1];

const BELOW = [33, 102, 172];
const ABOVE = [178, 24, 43];

export const viridis: Colormap = sampled((t) => parsed(interpolateViridis(t)));
export const blues: Colormap = sampled((t) => parsed(interpolateBlues(t)));
export const hot: Colormap = sampled((t) =>
  [RED, GREEN, BLUE].map((points) => Math.floor(ramp(t, points) * 255)),
);

/** Entry of a colour map for t in 0…1 (matplotlib's rule: floor(t × 256), clipped); not a number counts as 0. */
export function colourIndex(t: number): number {
  return t > 0 ? Math.min(255, Math.floor(t * 256)) : 0;
}

/** "#rrggbb" for t in 0…1. */
export function colourOf(map: Colormap, t: number): string {
  const at = 3 * colourIndex(t);
  return `#${Array.from(map.subarray(at, at + 3), (v) => v.toString(16).padStart(2, "0")).join("")}`;
}

/** Whether black reads better than white on "#rrggbb" (WCAG relative luminance; white is favoured a little, as it reads well on blue). */
export function isLight(colour: string): boolean {
  const [r, g, b] = parsed(colour).map((v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.25;
}

/** Blue over white to red, for values on both sides of 0; white stands at entry 128. */
export const diverging: Colormap = sampled((t) => {
  const [from, at] = t < 0.5 ? [BELOW, t * 2] : [ABOVE, (1 - t) * 2];
  return from.map((v) => Math.round(v + (255 - v) * at));
});
