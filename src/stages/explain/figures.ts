/** The figures of the stage explain: maps with the strongest genes, heat map, deletion curves. */
import type { Painter } from "../../encode/encoder.js";
import { gridOf } from "../../encode/genes/painter.js";
import type { ClassGenes } from "../../explain/aggregate.js";
import { attributeImage } from "../../explain/attribute.js";
import { areaOf } from "../../image-size.js";
import type { MappedGene } from "../../report/figures/gene-maps.js";
import type { CurveCheck, GenesReport } from "../../report/genes-report.js";
import { type Chosen, codesOf, type OpenedFold, rowsOf, type Work } from "./fold.js";

/** Genes marked on a map. */
const CIRCLES = 10;
/** Genes of the heat map, of each class and in all. */
const HEAT = 8;
const MOST_HEAT = 60;

/** A sample whose image is shown beside its map. */
export interface ShownMap {
  code: number;
  row: number;
  /** Of its class, by the fold's net. */
  probability: number;
  /** height × width × 3 bytes. */
  image: Uint8Array;
  /** height × width. */
  map: Float32Array;
  painter: Painter;
}

/** Of every class the explained sample that its net is surest of: number of the fold and row, by class. */
export function surest(
  { samples }: Work,
  chosen: readonly Chosen[],
): Map<number, { fold: number; row: number; probability: number }> {
  const best = new Map<number, { fold: number; row: number; probability: number }>();
  for (const [fold, { rows, probabilities }] of chosen.entries())
    for (const [i, row] of rows.entries()) {
      const code = samples.codes[row];
      if (probabilities[i] > (best.get(code)?.probability ?? -1))
        best.set(code, { fold, row, probability: probabilities[i] });
    }
  return best;
}

/** The maps of a fold that are shown. */
export async function shownMaps(
  { settings, samples, x }: Work,
  opened: OpenedFold,
  shown: readonly { row: number; probability: number }[],
): Promise<ShownMap[]> {
  if (shown.length === 0) return [];
  const rows = Int32Array.from(shown, ({ row }) => row);
  const codes = codesOf(samples, rows);
  const images = await opened.exact.paint(rowsOf(x, rows));
  const from = opened.from(opened.weights, rows);
  const maps = await attributeImage(settings.method, from, images, codes);
  const area = areaOf(settings.size);
  return shown.map(({ row, probability }, i) => {
    const image = new Uint8Array(3 * area);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < area; p++) image[3 * p + c] = Math.round(images[(3 * i + c) * area + p] * 255);
    const map = maps.subarray(i * area, (i + 1) * area).map(Math.abs);
    return { code: codes[i], row, probability, image, map, painter: opened.encoder.painter };
  });
}

/** @returns the files */
export async function drawFigures(
  { run, settings, samples, net }: Work,
  names: readonly string[],
  report: GenesReport,
  byClass: ReadonlyMap<number, ClassGenes>,
  maps: readonly ShownMap[],
): Promise<string[]> {
  const { geneDeletion, geneHeat, geneMaps } = await import("../../report/figures.js");
  const { writeFigure } = await import("../../report/figure.js");
  const { size, method } = settings;
  const panels = [...maps]
    .sort((a, b) => a.code - b.code)
    .map(({ code, row, probability, image, map, painter }) => {
      const { score, order } = byClass.get(code) as ClassGenes;
      return {
        label: samples.classes[code],
        sample: samples.names[row],
        probability,
        image,
        map,
        genes: Array.from(order.subarray(0, CIRCLES))
          .filter((gene) => score[gene] !== 0)
          .map((gene) => ({ gene: names[gene], score: score[gene], at: placeOf(painter, gene) })),
      };
    });
  const failed = report.failed.length > 0 ? "FAILS ITS CHECKS" : undefined;
  const figures = await geneMaps({ panels, size, net, method, failed });

  const rows = new Set<number>();
  const each = Math.max(1, Math.min(HEAT, Math.floor(MOST_HEAT / Math.max(1, byClass.size))));
  for (const { score, order } of byClass.values())
    for (const gene of order.subarray(0, each)) if (score[gene] !== 0) rows.add(gene);
  if (rows.size > 0) {
    const shown = [...rows].slice(0, MOST_HEAT);
    const codes = [...byClass.keys()];
    const scores = new Float32Array(shown.length * codes.length);
    codes.forEach((code, c) => {
      const { score, order } = byClass.get(code) as ClassGenes;
      const most = Math.abs(score[order[0]]) || 1;
      shown.forEach((gene, i) => {
        scores[i * codes.length + c] = score[gene] / most;
      });
    });
    figures.push(
      await geneHeat({
        classes: codes.map((code) => samples.classes[code]),
        genes: shown.map((gene) => names[gene]),
        scores,
        method,
      }),
    );
    figures.push(
      geneDeletion({ shares: report.checks.deletion.curves.fractions, panels: curvePanels(report) }),
    );
  }
  for (const figure of figures) await writeFigure(run, figure);
  return figures.flatMap(({ name }) => [`figures/${name}.svg`, `figures/${name}.png`]);
}

/** Deletion and insertion; of a guided run the same of the standard training beside each. */
function curvePanels({ method, checks, trainings }: GenesReport) {
  const panel = (title: string, { area, curves }: CurveCheck) => ({
    title: `${title}, area ${area.toFixed(3)}`,
    curves: [
      { name: `strongest first (${method})`, values: curves.method },
      { name: "random order", values: curves.random },
      { name: "by mean expression", values: curves.expression },
    ],
  });
  return (["deletion", "insertion"] as const).flatMap((direction) =>
    trainings === null
      ? [panel(direction, checks[direction])]
      : [
          panel(`${direction}, guided`, trainings.guided[direction]),
          panel(`${direction}, standard`, trainings.standard[direction]),
        ],
  );
}

/** Middle of a gene's pixel in the image (of the red channel, where each has its own). */
function placeOf(painter: Painter, gene: number): MappedGene["at"] {
  if (painter.kind !== "genes") return undefined;
  const i = painter.chosen.indexOf(gene);
  if (i < 0) return undefined;
  const { width } = gridOf(painter);
  const pixel = painter.placings[0][i];
  const middle = (index: number) => (index + 0.5) * painter.zoom;
  return { x: middle(pixel % width), y: middle(Math.floor(pixel / width)) };
}
