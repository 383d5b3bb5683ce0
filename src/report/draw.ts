/** Parts that figures share: axes, legend. Positions in px; scales are d3's. */
import { max } from "d3-array";
import type { ScaleLinear } from "d3-scale";
import { type Child, el, join, type Markup } from "./markup.js";
import { categoryColour, markerPath } from "./palette.js";
import { FONT_SIZE, shorten, shownAs, text, textWidth } from "./text.js";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface AxesOptions {
  box: Box;
  x: ScaleLinear<number, number>;
  y: ScaleLinear<number, number>;
  xLabel?: string;
  yLabel?: string;
  /** Values to mark; about five by default. */
  xTicks?: readonly number[];
  yTicks?: readonly number[];
  /** What is written at the ticks of x; their values by default. */
  xText?: readonly string[];
  grid?: boolean;
  /** Whether the numbers are written (inner panels leave them out). */
  xNumbers?: boolean;
  yNumbers?: boolean;
}

/** A frame with ticks at the bottom and the left. It takes 34 px below, and 30 px (44 with a label) on the left. */
export function axes(options: AxesOptions): Markup {
  const { box, x, y, xNumbers = true, yNumbers = true } = options;
  const xTicks = options.xTicks ?? x.ticks(5);
  const yTicks = options.yTicks ?? y.ticks(5);
  const [xText, yText] = [options.xText ?? plainNumbers(xTicks), plainNumbers(yTicks)];
  const bottom = box.y + box.height;
  const ink = { stroke: "currentColor" };
  const grid = { stroke: "currentColor", "stroke-opacity": 0.13 };
  const parts: Child[] = [];
  xTicks.forEach((value, i) => {
    const at = x(value);
    if (options.grid) parts.push(el("line", { x1: at, x2: at, y1: box.y, y2: bottom, ...grid }));
    parts.push(el("line", { x1: at, x2: at, y1: bottom, y2: bottom + 3.5, ...ink }));
    if (xNumbers) parts.push(text(at, bottom + 15, xText[i], { anchor: "middle", size: 10 }));
  });
  yTicks.forEach((value, i) => {
    const at = y(value);
    if (options.grid) parts.push(el("line", { x1: box.x, x2: box.x + box.width, y1: at, y2: at, ...grid }));
    parts.push(el("line", { x1: box.x - 3.5, x2: box.x, y1: at, y2: at, ...ink }));
    if (yNumbers) parts.push(text(box.x - 6, at + 3.5, yText[i], { anchor: "end", size: 10 }));
  });
  parts.push(el("rect", { ...box, fill: "none", stroke: "currentColor", "stroke-width": 0.8 }));
  if (options.xLabel !== undefined)
    parts.push(
      text(box.x + box.width / 2, bottom + 30, options.xLabel, { anchor: "middle", width: box.width }),
    );
  if (options.yLabel !== undefined) {
    const numbers = yNumbers ? (max(yText, (t) => textWidth(t, 10)) ?? 0) : 0;
    const at = { anchor: "middle", rotate: -90, width: box.height } as const;
    parts.push(text(box.x - 14 - numbers, box.y + box.height / 2, options.yLabel, at));
  }
  return join(...parts);
}

/** Numbers as short as they stay distinct, with the same number of decimals. */
export function plainNumbers(values: readonly number[]): string[] {
  for (let digits = 0; digits <= 6; digits++) {
    const out = values.map((v) => v.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1"));
    if (values.every((v, i) => Math.abs(Number(out[i]) - v) <= 1e-9 * Math.max(1, Math.abs(v)))) return out;
  }
  return values.map((v) => v.toPrecision(3));
}

export interface LegendEntry {
  label: string;
  /** Put behind the label and never shortened. */
  suffix?: string;
  /** Class whose colour and shape are shown. */
  category: number;
  /** A number in front, as on the map. */
  tag?: string;
}

const ROW = 17;
const MOST_ENTRIES = 90;

/** A legend beside the data: columns of at most `height` px. Far too many entries are counted, not listed. */
export function legend(
  x: number,
  y: number,
  height: number,
  entries: readonly LegendEntry[],
  labelWidth = 190,
): { markup: Markup; width: number; height: number } {
  const shown = entries.slice(0, MOST_ENTRIES);
  const columns = Math.ceil(shown.length / Math.max(1, Math.floor(height / ROW)));
  const rows = Math.ceil(shown.length / Math.max(1, columns));
  const parts: Child[] = [];
  let left = x;
  for (let from = 0; from < shown.length; from += rows) {
    const column = shown.slice(from, from + rows);
    const tags = max(column, (e) => textWidth(e.tag ?? "", 10)) ?? 0;
    const start = left + 16 + (tags > 0 ? tags + 5 : 0);
    let widest = 0;
    column.forEach(({ label, suffix = "", category, tag }, i) => {
      const top = y + i * ROW;
      const room = labelWidth - textWidth(suffix);
      parts.push(
        el("path", { d: markerPath(category, left + 6, top + 8, 55), fill: categoryColour(category) }),
        tag === undefined
          ? undefined
          : text(left + 16 + tags, top + 12, tag, { anchor: "end", size: 10, opacity: 0.75 }),
        text(start, top + 12, label, { suffix, width: labelWidth }),
      );
      widest = Math.max(widest, textWidth(shorten(shownAs(label), room) + suffix));
    });
    left = start + widest + 18;
  }
  if (entries.length > shown.length)
    parts.push(text(x, y + rows * ROW + 14, `and ${entries.length - shown.length} more`, { opacity: 0.75 }));
  const more = entries.length > shown.length ? ROW + FONT_SIZE : 0;
  return { markup: join(...parts), width: Math.max(0, left - x - 18), height: rows * ROW + more };
}
