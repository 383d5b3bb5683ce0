/** confusion_matrix_avg: mean confusion over folds, all nets side by side; colour and percentage by the true class. */
import { max } from "d3-array";
import { blues, colourOf, isLight } from "../colormap.js";
import { type Figure, figure } from "../figure.js";
import { type Child, el } from "../markup.js";
import { shorten, shownAs, text, textWidth } from "../text.js";

export interface ConfusionAverage {
  nets: readonly {
    net: string;
    classes: readonly string[];
    /** Rows true, columns predicted: mean count over the folds. */
    mean: readonly (readonly number[])[];
    /** The same, each row divided by its sum; not a number where a class has no samples. */
    normalised: readonly (readonly number[])[];
    /** Whether the last class stands for all that are not shown. */
    others?: boolean;
  }[];
}

const LABEL = 170; // room for a class name, px

/** Cell side and what is written inside, by the number of classes. */
function layout(classes: number): { side: number; size: number; counts: boolean; shares: boolean } {
  if (classes <= 6) return { side: 62, size: 12, counts: true, shares: true };
  if (classes <= 12) return { side: 46, size: 10, counts: true, shares: true };
  if (classes <= 24) return { side: 32, size: 10, counts: false, shares: true };
  if (classes <= 40) return { side: 23, size: 9, counts: false, shares: true };
  return { side: Math.max(0.5, Math.min(15, 900 / classes)), size: 9, counts: false, shares: false };
}

export function confusionAverage({ nets }: ConfusionAverage): Figure {
  const parts: Child[] = [];
  let left = 14;
  let bottom = 0;
  for (const { net, classes, mean, normalised } of nets) {
    const n = classes.length;
    const { side, size, counts, shares } = layout(n);
    const extent = n * side;
    const digits = mean.flat().every(Number.isInteger) ? 0 : 1;
    // Beyond 90 classes names would overlap: every k-th is written.
    const every = Math.max(1, Math.ceil(10 / side));
    const named = classes.map((label, c) => ({ label, c })).filter(({ c }) => c % every === 0);
    const longest = max(named, ({ label }) => textWidth(shorten(shownAs(label), LABEL))) ?? 0;
    const x0 = left + 24 + longest;
    const y0 = 34;
    parts.push(text(x0 + extent / 2, 20, net, { anchor: "middle", bold: true, width: extent + longest }));
    // Empty cells are drawn as one ground: 2,000 classes have 4 million of them.
    parts.push(el("rect", { x: x0, y: y0, width: extent, height: extent, fill: colourOf(blues, 0) }));
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        const value = mean[row][column];
        const share = normalised[row][column];
        const [x, y] = [x0 + column * side, y0 + row * side];
        if (!(value > 0)) {
          if (counts)
            parts.push(
              text(x + side / 2, y + side / 2 + 4, "0", { anchor: "middle", size: 10, fill: "#8a939c" }),
            );
          continue;
        }
        const ground = colourOf(blues, share * 0.95);
        const fill = isLight(ground) ? "#1c1c1c" : "#ffffff";
        const percent = share > 0 && share < 0.005 ? "<1" : String(Math.round(share * 100));
        const ink = { anchor: "middle", fill } as const;
        parts.push(el("rect", { x, y, width: side, height: side, fill: ground }));
        if (counts) {
          parts.push(
            text(x + side / 2, y + side / 2 - 1, value.toFixed(value < 100 ? digits : 0), {
              ...ink,
              size,
              bold: row === column,
            }),
          );
          parts.push(text(x + side / 2, y + side / 2 + size + 1, `${percent} %`, { ...ink, size: size - 1 }));
        } else if (shares) {
          parts.push(
            text(x + side / 2, y + side / 2 + 3.5, percent, {
              ...ink,
              size: percent.length > 2 ? size - 1 : size,
            }),
          );
        }
      }
    }
    const grid = { stroke: "#9aa4ae", "stroke-width": 0.4 };
    for (let i = 1; i < n && n <= 40; i++) {
      parts.push(el("line", { x1: x0 + i * side, x2: x0 + i * side, y1: y0, y2: y0 + extent, ...grid }));
      parts.push(el("line", { y1: y0 + i * side, y2: y0 + i * side, x1: x0, x2: x0 + extent, ...grid }));
    }
    parts.push(
      el("rect", {
        x: x0,
        y: y0,
        width: extent,
        height: extent,
        fill: "none",
        stroke: "currentColor",
        "stroke-width": 0.8,
      }),
    );
    // Names below stand level where they fit, slanted where they do not.
    const level = (max(named, ({ label }) => textWidth(label)) ?? 0) <= side * every - 4;
    for (const { label, c } of named) {
      const middle = (c + 0.5) * side;
      parts.push(text(x0 - 7, y0 + middle + 4, label, { anchor: "end", width: LABEL }));
      parts.push(
        level
          ? text(x0 + middle, y0 + extent + 16, label, { anchor: "middle" })
          : text(x0 + middle + 4, y0 + extent + 10, label, { anchor: "end", rotate: -90, width: LABEL }),
      );
    }
    const below = y0 + extent + (level ? 34 : longest + 26);
    parts.push(text(x0 + extent / 2, below, "predicted", { anchor: "middle" }));
    parts.push(text(left + 8, y0 + extent / 2, "true", { anchor: "middle", rotate: -90 }));
    bottom = Math.max(bottom, below + 12);
    left = x0 + extent + 34;
  }
  const inside = nets.some(({ classes }) => classes.length > 12)
    ? "percentages of the true class"
    : "mean count per fold and percentage of the true class";
  const part = nets.some(({ others }) => others)
    ? "; the largest classes, and all others as one: what is confused within those does not show"
    : "";
  return figure(
    "confusion_matrix_avg",
    `Confusion matrices, mean over folds: ${inside}${part}`,
    Math.max(40, left - 14),
    bottom || 40,
    parts,
  );
}
