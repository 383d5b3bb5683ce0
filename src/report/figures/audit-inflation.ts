/** audit_inflation: accuracy of each model under the published and the inductive protocol, on the same folds. */
import { max, min } from "d3-array";
import { scaleLinear } from "d3-scale";
import type { AuditReport } from "../audit-report.js";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { el } from "../markup.js";
import { signed, withRange } from "../numbers.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

const LINE = 26;
const LABELS = 170;
const PROTOCOLS = ["inductive", "published"] as const;

export function auditInflation({ inflation }: Pick<AuditReport, "inflation">): Figure {
  const values = inflation.flatMap(({ published, inductive }) => [published, inductive]);
  const start = Math.max(0, Math.floor(((min(values) ?? 0) - 0.02) * 10) / 10);
  const key = legend(
    LABELS + 14,
    10,
    34,
    PROTOCOLS.map((label, category) => ({ label, category })),
  );
  const box = {
    x: LABELS + 14,
    y: 10 + key.height + 30,
    width: 360,
    height: Math.max(1, inflation.length) * LINE + 8,
  };
  const x = scaleLinear([start, Math.max(1, max(values) ?? 1)], [box.x + 6, box.x + box.width - 8]);
  const y = scaleLinear([0, 1], [box.y + box.height, box.y]);
  const right = box.x + box.width + 12;
  const rows = inflation.map((model, i) => {
    const at = box.y + 4 + (i + 0.5) * LINE;
    const { estimate, low, high } = model.difference;
    const ends = PROTOCOLS.map((protocol) => model[protocol]);
    return [
      text(box.x - 10, at + 4, model.name, { anchor: "end", width: LABELS - 8 }),
      el("line", {
        x1: x(ends[0]),
        x2: x(ends[1]),
        y1: at,
        y2: at,
        stroke: "currentColor",
        "stroke-width": 2,
        "stroke-opacity": 0.6,
      }),
      ends.map((end, category) =>
        // Equal accuracies still show both marks.
        el("path", {
          d: markerPath(category, x(end), at, category === 0 ? 90 : 50),
          fill: categoryColour(category),
        }),
      ),
      text(right, at + 4, withRange(estimate, low, high, signed)),
    ];
  });
  return figure(
    "audit_inflation",
    "Accuracy of each model under the published and the inductive protocol, on the same folds; right: published less inductive, with its 95 % interval",
    right + 170,
    box.y + box.height + 42,
    axes({ box, x, y, yTicks: [], xLabel: "accuracy on held-out samples", grid: true }),
    rows,
    key.markup,
    text(right, box.y - 8, "difference (95 % interval)", { size: 10, opacity: 0.75 }),
  );
}
