/**
 * reliability: how often samples of a confidence are right, a panel a net, before and after temperature scaling; below,
 * which share of the samples has which confidence. A perfectly calibrated net's points lie on the diagonal.
 */
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import type { Calibration, CalibrationMeasures } from "../../evaluate/calibration.js";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { type Child, el } from "../markup.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

export interface Reliability {
  nets: readonly { net: string; calibration: Calibration }[];
}

const SIDE = 250;
const SPREAD = 52; // height of the histogram
const SERIES = ["as trained", "after temperature scaling"];

export function reliability({ nets }: Reliability): Figure {
  const columns = Math.min(3, Math.max(1, nets.length));
  const rows = Math.max(1, Math.ceil(nets.length / columns));
  const [left, top, stepX, stepY] = [58, 44, SIDE + 34, SIDE + SPREAD + 102];
  const all = nets.flatMap(({ calibration: c }) => seriesOf(c).map((m) => shares(m, c.samples)));
  const most = max(all.flat()) || 1;
  const panels: Child[] = nets.map(({ net, calibration }, k) => {
    const box = {
      x: left + (k % columns) * stepX,
      y: top + Math.floor(k / columns) * stepY,
      width: SIDE,
      height: SIDE,
    };
    const below = { ...box, y: box.y + SIDE + 10, height: SPREAD };
    const x = scaleLinear([box.x, box.x + SIDE]);
    const y = scaleLinear([box.y + SIDE, box.y]);
    const spread = scaleLinear([0, most * 1.05], [below.y + SPREAD, below.y]);
    const first = k % columns === 0;
    const series = seriesOf(calibration);
    return [
      axes({
        box,
        x,
        y,
        xNumbers: false,
        yNumbers: first,
        yLabel: first ? "share that is right" : undefined,
        grid: true,
      }),
      axes({
        box: below,
        x,
        y: spread,
        yTicks: [0, spread.ticks(4).at(-1) ?? 0],
        yNumbers: first,
        xLabel: "confidence",
        yLabel: first ? "share" : undefined,
      }),
      text(box.x + SIDE / 2, box.y - 23, net, { anchor: "middle", bold: true, width: SIDE }),
      text(box.x + SIDE / 2, box.y - 9, `ECE ${series.map(({ ece }) => ece.toFixed(3)).join(" → ")}`, {
        anchor: "middle",
        size: 10,
      }),
      el("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), ...diagonal }),
      series.map((measures, s) => bars(shares(measures, calibration.samples), s, series.length, x, spread)),
      series.map((measures, s) => points(measures, s, series.length, calibration.samples, x, y)),
    ];
  });

  const right = left + columns * stepX - 14;
  const both = nets.some(({ calibration }) => calibration.after !== null);
  const entries = SERIES.slice(0, both ? 2 : 1).map((label, category) => ({ label, category }));
  const key = legend(right, top, SIDE, entries);
  const lineAt = top + key.height + 9;
  return figure(
    "reliability",
    `Share of samples that is right by confidence, with 95 % intervals (the more samples, the larger the mark), and how many have that confidence (bars); ECE: expected calibration error${both ? " before and after temperature scaling" : ""}`,
    right + Math.max(key.width, 130) + 14,
    top + rows * stepY - 58,
    panels,
    key.markup,
    el("line", { x1: right, x2: right + 13, y1: lineAt, y2: lineAt, ...diagonal }),
    text(right + 16, lineAt + 4, "perfectly calibrated"),
  );
}

const diagonal = { stroke: "currentColor", "stroke-dasharray": "4 3" };

function seriesOf({ before, after }: Calibration): CalibrationMeasures[] {
  return after === null ? [before] : [before, after];
}

/** Of all samples, per bin. */
function shares({ bins }: CalibrationMeasures, samples: number): number[] {
  return bins.map(({ count }) => count / samples);
}

type Scale = (value: number) => number;

/** Bars of one series; two series stand side by side within a bin. */
function bars(heights: readonly number[], s: number, series: number, x: Scale, y: Scale): Child[] {
  const width = (x(1) - x(0)) / heights.length;
  const bar = (width - 2) / series;
  return heights.map((height, b) =>
    height === 0
      ? undefined
      : el("rect", {
          x: x(0) + b * width + 1 + s * bar,
          y: y(height),
          width: bar,
          height: y(0) - y(height),
          fill: categoryColour(s),
        }),
  );
}

/**
 * Points at the bins' mean confidence, with intervals; the more samples, the larger. Two series stand a little apart, so
 * that neither hides the other where the temperature changes nothing.
 */
function points(
  { bins }: CalibrationMeasures,
  s: number,
  series: number,
  samples: number,
  x: Scale,
  y: Scale,
): Child {
  const colour = categoryColour(s);
  return bins.map(({ count, confidence, accuracy, interval }) => {
    if (confidence === null || accuracy === null || interval === null) return undefined;
    const at = x(confidence) + (s - (series - 1) / 2) * 4;
    const [low, high] = interval;
    return [
      el("line", { x1: at, x2: at, y1: y(low), y2: y(high), stroke: colour, "stroke-width": 1.2 }),
      el("path", { d: markerPath(s, at, y(accuracy), 18 + (90 * count) / samples), fill: colour }),
    ];
  });
}
