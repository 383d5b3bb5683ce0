/** scores: accuracy of every model, nets and baselines, with its 95 % interval, in the order of the verdict. */
import { max, min } from "d3-array";
import { scaleLinear } from "d3-scale";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { el } from "../markup.js";
import { score, withRange } from "../numbers.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

export interface ModelScoresFigure {
  /** The best one first. */
  models: readonly {
    name: string;
    kind: "net" | "baseline";
    /** Not decidedly worse than the best one. */
    top: boolean;
    /** Of accuracy, on all held-out samples; null where not defined. */
    estimate: number | null;
    low: number | null;
    high: number | null;
  }[];
  /** Share of the largest class. */
  majority: number;
}

const LINE = 24;
const LABELS = 170;
const KINDS = ["net", "baseline"] as const;
const reference = { stroke: "currentColor", "stroke-dasharray": "3 3" };

export function scoresFigure({ models, majority }: ModelScoresFigure): Figure {
  const values = models.flatMap(({ estimate, low, high }) => [estimate, low, high]);
  const finite = [majority, ...values].filter((v): v is number => v !== null && Number.isFinite(v));
  // From a round number below the lowest, as most of 0…1 can be empty.
  const start = Math.max(0, Math.floor(((min(finite) ?? 0) - 0.02) * 10) / 10);
  const kinds = KINDS.flatMap((label, category) =>
    models.some(({ kind }) => kind === label) ? [{ label, category }] : [],
  );
  const key = legend(LABELS + 14, 10, 17 * kinds.length, kinds);
  const lineAt = 10 + key.height + 9;
  const box = { x: LABELS + 14, y: lineAt + 16, width: 400, height: Math.max(1, models.length) * LINE + 8 };
  const x = scaleLinear([start, Math.max(1, max(finite) ?? 1)], [box.x + 6, box.x + box.width - 8]);
  const y = scaleLinear([0, 1], [box.y + box.height, box.y]);
  const rows = models.map(({ name, kind, top, estimate, low, high }, i) => {
    const at = box.y + 4 + (i + 0.5) * LINE;
    const category = KINDS.indexOf(kind);
    const stroke = categoryColour(category);
    return [
      text(box.x - 10, at + 4, name, { anchor: "end", width: LABELS - 8, bold: top }),
      low === null || high === null
        ? undefined
        : [
            el("line", { x1: x(low), x2: x(high), y1: at, y2: at, stroke, "stroke-width": 2.4 }),
            [low, high].map((end) =>
              el("line", { x1: x(end), x2: x(end), y1: at - 5, y2: at + 5, stroke, "stroke-width": 1.6 }),
            ),
          ],
      estimate === null
        ? undefined
        : el("path", {
            d: markerPath(category, x(estimate), at, 72),
            fill: stroke,
            stroke: "currentColor",
            "stroke-width": 0.8,
          }),
      text(
        box.x + box.width + 12,
        at + 4,
        estimate === null ? "not defined" : withRange(estimate, low, high),
      ),
    ];
  });
  const base = x(majority);
  return figure(
    "scores",
    "Accuracy on all held-out samples with its 95 % interval, nets and baselines, best first; bold: not decidedly worse than the best; broken line: always the largest class",
    box.x + box.width + 150,
    box.y + box.height + 42,
    axes({ box, x, y, yTicks: [], xLabel: "accuracy on held-out samples", grid: true }),
    el("line", { x1: base, x2: base, y1: box.y, y2: box.y + box.height, ...reference }),
    rows,
    key.markup,
    el("line", { x1: box.x, x2: box.x + 13, y1: lineAt, y2: lineAt, ...reference }),
    text(box.x + 16, lineAt + 4, `always the largest class (${score(majority)})`),
  );
}
