/** risk_coverage: the error among the samples that are assigned, by the share assigned, the surest first; a line a net. */
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import type { RiskCoverage, RiskPoint } from "../../evaluate/risk-coverage.js";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { type Child, el } from "../markup.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

export interface RiskCoverageCurves {
  nets: readonly { net: string; curve: RiskCoverage }[];
  /** Share of the largest class: naming it always has the other share as error. */
  majority: number;
}

const FEW = 10; // the error among fewer samples leaps from one to the next
const DASHES = [undefined, "6 3", "2 2", "8 3 2 3", "12 4"];
const reference = { stroke: "currentColor", "stroke-dasharray": "3 3" };

export function riskCoverageCurves({ nets, majority }: RiskCoverageCurves): Figure {
  const box = { x: 58, y: 12, width: 400, height: 300 };
  const curves = nets.map(({ curve }) => curve.points.filter(shown));
  const highest = max([1 - majority, ...curves.flat().map((point) => point.risk)]) || 1;
  const x = scaleLinear([box.x, box.x + box.width]);
  const y = scaleLinear([0, Math.min(1, highest * 1.08)], [box.y + box.height, box.y]);
  const path = line<RiskPoint>(
    (point) => x(point.coverage),
    (point) => y(point.risk),
  );
  const lines: Child[] = curves.map((points, c) => {
    const stroke = categoryColour(c);
    const marked = Array.from({ length: 10 }, (_, i) => points.find((p) => p.coverage >= (i + 1) / 10));
    return [
      el("path", {
        d: path(thinned(points)) ?? "",
        fill: "none",
        stroke,
        "stroke-width": 1.6,
        "stroke-dasharray": DASHES[c % DASHES.length],
      }),
      el("path", {
        d: [...new Set(marked)]
          .map((p) => (p === undefined ? "" : markerPath(c, x(p.coverage), y(p.risk), 40)))
          .join(""),
        fill: stroke,
      }),
    ];
  });
  const from = nets.some(({ curve }, c) => curve.points.length > curves[c].length)
    ? `, from ${FEW} samples on`
    : "";
  const right = box.x + box.width + 22;
  const key = legend(
    right,
    box.y,
    box.height - 20,
    nets.map(({ net, curve }, category) => ({
      label: net,
      suffix: ` (area ${curve.aurc.toFixed(3)})`,
      category,
    })),
    230,
  );
  const lineAt = box.y + key.height + 9;
  const name = `always the largest class (${(1 - majority).toFixed(3)})`;
  return figure(
    "risk_coverage",
    `Error among the assigned samples where only the surest are assigned${from} (area: under the curve, less is better); broken line: always the largest class`,
    right + Math.max(key.width, 215) + 14,
    Math.max(box.y + box.height + 42, lineAt + 16),
    axes({
      box,
      x,
      y,
      xLabel: "share of samples assigned, the surest first",
      yLabel: "error among the assigned",
      grid: true,
    }),
    el("line", { x1: box.x, x2: box.x + box.width, y1: y(1 - majority), y2: y(1 - majority), ...reference }),
    lines,
    key.markup,
    el("line", { x1: right, x2: right + 13, y1: lineAt, y2: lineAt, ...reference }),
    text(right + 16, lineAt + 4, name),
  );
}

/** All points of a small set, else those with samples enough. */
function shown({ assigned }: RiskPoint, _: number, points: readonly RiskPoint[]): boolean {
  return assigned >= FEW || (points.at(-1)?.assigned ?? 0) < 2 * FEW;
}

const MOST_POINTS = 800; // two a pixel

/** Every k-th point, and the last. */
function thinned(points: readonly RiskPoint[]): RiskPoint[] {
  const stride = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => (points.length - 1 - i) % stride === 0);
}
