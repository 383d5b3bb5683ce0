/** training_history: training loss by epoch, a line a fold and their mean, one panel a net on one scale. */
import { max, mean, min } from "d3-array";
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { axes, legend, plainNumbers } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { type Child, el } from "../markup.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

export interface TrainingHistory {
  nets: readonly {
    net: string;
    /** Mean cross-entropy of every epoch; what is not finite is left out of the line. */
    folds: readonly { fold: number; loss: readonly number[] }[];
  }[];
}

const DASHES = [undefined, "6 3", "2 2", "8 3 2 3", "12 4"];

export function trainingHistory({ nets }: TrainingHistory): Figure {
  const losses = nets.flatMap((n) => n.folds.flatMap((f) => f.loss)).filter(Number.isFinite);
  const epochs = Math.max(1, max(nets, (n) => max(n.folds, (f) => f.loss.length)) ?? 1);
  const domain = scaleLinear(
    [Math.min(0, min(losses) ?? 0), (max(losses) ?? 0) * 1.03 || 1],
    [0, 1],
  ).domain();
  const folds = [...new Set(nets.flatMap((n) => n.folds.map((f) => f.fold)))].sort((a, b) => a - b);
  const stride = Math.ceil(epochs / 12); // epochs between marks
  const columns = Math.min(3, Math.max(1, nets.length));
  const [width, height, left, top] = [280, 220, 58, 28];
  const parts: Child[] = nets.map(({ net, folds: runs }, k) => {
    const box = {
      x: left + (k % columns) * (width + 34),
      y: top + Math.floor(k / columns) * (height + 70),
      width,
      height,
    };
    const margin = epochs > 1 ? 8 : width / 2;
    const x = scaleLinear([1, Math.max(2, epochs)], [box.x + margin, box.x + width - (epochs > 1 ? 8 : 0)]);
    const y = scaleLinear(domain, [box.y + height, box.y]);
    const path = line<number>((_, i) => x(i + 1), y).defined(Number.isFinite);
    const average = Array.from({ length: epochs }, (_, e) => mean(runs, (f) => f.loss[e]) ?? Number.NaN);
    return [
      axes({
        box,
        x,
        y,
        xTicks:
          epochs < 8 ? Array.from({ length: epochs }, (_, e) => e + 1) : x.ticks(6).filter(Number.isInteger),
        xLabel: "epoch",
        yLabel: k % columns === 0 ? "training loss (cross-entropy)" : undefined,
        yNumbers: k % columns === 0,
        grid: true,
      }),
      text(box.x + width / 2, box.y - 9, net, { anchor: "middle", bold: true, width }),
      el("path", {
        d: path(average) ?? "",
        fill: "none",
        stroke: "currentColor",
        "stroke-width": 2.5,
        "stroke-opacity": 0.55,
      }),
      runs.map(({ fold, loss }) => {
        const c = folds.indexOf(fold);
        const colour = categoryColour(c);
        return [
          el("path", {
            d: path(loss) ?? "",
            fill: "none",
            stroke: colour,
            "stroke-width": 1.4,
            "stroke-dasharray": DASHES[c % DASHES.length],
          }),
          el("path", {
            d: loss
              .map((v, i) =>
                i % stride === 0 && Number.isFinite(v) ? markerPath(c, x(i + 1), y(v), 26) : "",
              )
              .join(""),
            fill: colour,
          }),
        ];
      }),
    ];
  });
  const rows = Math.max(1, Math.ceil(nets.length / columns));
  const right = left + columns * (width + 34) - 14;
  const entries = folds.map((fold, c) => ({ label: `fold ${fold}`, category: c }));
  const names = legend(right, top, rows * (height + 70) - 90, entries);
  const meanAt = top + names.height + 9;
  parts.push(
    names.markup,
    el("line", {
      x1: right,
      x2: right + 13,
      y1: meanAt,
      y2: meanAt,
      stroke: "currentColor",
      "stroke-width": 2.5,
      "stroke-opacity": 0.55,
    }),
    text(right + 16, meanAt + 4, "mean"),
  );
  const last = nets.map((n) => mean(n.folds, (f) => f.loss.at(-1)) ?? Number.NaN).filter(Number.isFinite);
  const end =
    last.length > 0
      ? `; mean loss at the end ${plainNumbers(last.map((v) => Number(v.toFixed(3)))).join(" and ")}`
      : "";
  return figure(
    "training_history",
    `Training loss per epoch and fold${end}`,
    right + Math.max(names.width, 55) + 14,
    top + rows * (height + 70) - 22,
    parts,
  );
}
