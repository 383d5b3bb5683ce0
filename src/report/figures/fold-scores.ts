/** fold_scores: every metric of every net, each fold a mark, with mean ± standard deviation. */
import { max, min } from "d3-array";
import { scaleLinear } from "d3-scale";
import { axes, legend } from "../draw.js";
import { type Figure, figure } from "../figure.js";
import { type Child, el } from "../markup.js";
import { meanSd } from "../numbers.js";
import { categoryColour, markerPath } from "../palette.js";
import { text } from "../text.js";

export interface FoldScores {
  nets: readonly string[];
  metrics: readonly {
    label: string;
    /** Per net, per fold; null where the metric is not defined. */
    values: readonly (readonly (number | null)[])[];
    /** Per net; null where not defined. */
    mean: readonly (number | null)[];
    sd: readonly (number | null)[];
    /** A score that takes no skill, drawn as a broken line, e.g. the share of the largest class for the accuracy. */
    reference?: number;
  }[];
}

const LINE = 19;
const LABELS = 170;

export function foldScores({ nets, metrics }: FoldScores): Figure {
  const finite = metrics
    .flatMap((m) => [...m.values.flat(), ...m.mean, m.reference ?? null])
    .filter((v): v is number => v !== null && Number.isFinite(v));
  const low = min(finite) ?? 0;
  const key = legend(
    LABELS + 14,
    10,
    nets.length * 17,
    nets.map((label, category) => ({ label, category })),
    360,
  );
  const top = key.height + 24;
  const row = nets.length * LINE + 12;
  const box = { x: LABELS + 14, y: top, width: 400, height: Math.max(row, metrics.length * row) };
  // Scores end at 1; the axis starts at a round number below the lowest, since most of 0…1 would be empty.
  const start = Math.floor((low - 0.02) * 10) / 10;
  const x = scaleLinear([start, Math.max(1, max(finite) ?? 1)], [box.x + 6, box.x + box.width - 8]);
  const y = scaleLinear([0, 1], [box.y + box.height, box.y]);
  const parts: Child[] = metrics.map(({ label, values, mean, sd, reference }, m) => {
    const y0 = box.y + m * row;
    return [
      m > 0
        ? el("line", {
            x1: 14,
            x2: box.x + box.width + 120,
            y1: y0,
            y2: y0,
            stroke: "currentColor",
            "stroke-opacity": 0.2,
          })
        : undefined,
      text(box.x - 10, y0 + row / 2 + 4, label, { anchor: "end", width: LABELS - 8 }),
      reference === undefined
        ? undefined
        : el("line", {
            x1: x(reference),
            x2: x(reference),
            y1: y0 + 2,
            y2: y0 + row - 2,
            stroke: "currentColor",
            "stroke-dasharray": "3 3",
          }),
      nets.map((_, c) => {
        const at = y0 + 6 + (c + 0.5) * LINE;
        const average = mean[c];
        const spread = sd[c];
        const dots = values[c].filter((v): v is number => v !== null && Number.isFinite(v));
        const ink = { stroke: "currentColor", "stroke-width": 1.6 };
        return [
          el("path", {
            d: dots.map((v) => markerPath(c, x(v), at, 42)).join(""),
            fill: categoryColour(c),
            "fill-opacity": 0.75,
          }),
          average === null
            ? undefined
            : el("line", { x1: x(average), x2: x(average), y1: at - 7, y2: at + 7, ...ink }),
          average === null || spread === null
            ? undefined
            : el("line", {
                x1: Math.max(box.x, x(average - spread)),
                x2: Math.min(box.x + box.width, x(average + spread)),
                y1: at,
                y2: at,
                ...ink,
              }),
          text(box.x + box.width + 12, at + 4, average === null ? "not defined" : meanSd(average, spread)),
        ];
      }),
    ];
  });
  const reference = metrics.some((m) => m.reference !== undefined)
    ? "; broken line: always the largest class"
    : "";
  return figure(
    "fold_scores",
    `Scores of every fold (marks), mean and standard deviation (cross)${reference}`,
    box.x + box.width + 128,
    top + box.height + 42,
    axes({ box, x, y, yTicks: [], xLabel: "score on held-out samples", grid: true }),
    parts,
    key.markup,
  );
}
