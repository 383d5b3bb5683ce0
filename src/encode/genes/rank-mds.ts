/**
 * A layout for IGTD to start from: each pair of genes wants to be as far apart as the pair of pixels whose distance has the
 * same rank, and metric multidimensional scaling gives way to all of them by least squares. Some genes, the anchors, are
 * laid out among themselves; every other one then finds its place among the anchors. A random start is enough: stress
 * falls to nearly the same from all of them, while exchanges of genes on the grid, which move one gene at a time past
 * others that are in the way, end well above.
 * Reference: De Leeuw 1977 (SMACOF: each step is the minimum of a function above the stress that touches it).
 */
import { breathe, SLICE } from "../../embed/scran.js";
import type { ImageSize } from "../../image-size.js";
import type { RandomState } from "../../random.js";

/** Steps of all anchors; most of the stress is gone after a third of them. */
const ANCHOR_STEPS = 150;
/** Steps of one gene among fixed anchors. */
const GENE_STEPS = 30;

/**
 * @param wanted genes × anchors, distances in pixels
 * @param anchors the genes that they are
 * @returns genes × 2, in the unit square of the image: x, then y
 */
export async function rankLayout(
  wanted: Float64Array,
  anchors: Int32Array,
  size: ImageSize,
  random: RandomState,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const { height, width } = size;
  const count = anchors.length;
  const genes = wanted.length / count;
  let until = performance.now() + SLICE;
  const breath = async () => {
    if (performance.now() <= until) return;
    await breathe(signal);
    until = performance.now() + SLICE;
  };

  let places: Float64Array = new Float64Array(2 * count);
  for (let a = 0; a < count; a++) {
    places[2 * a] = width * random.random();
    places[2 * a + 1] = height * random.random();
  }
  for (let step = 0; step < ANCHOR_STEPS; step++) {
    const next = new Float64Array(2 * count);
    for (let a = 0; a < count; a++)
      move(wanted, anchors[a] * count, places, places[2 * a], places[2 * a + 1], next, 2 * a);
    places = centred(next);
    await breath();
  }
  places = alongAxes(places, size);

  const layout = new Float64Array(2 * genes);
  const place = new Float64Array(2);
  for (let i = 0; i < genes; i++) {
    const row = i * count;
    let nearest = 0;
    for (let a = 1; a < count; a++) if (wanted[row + a] < wanted[row + nearest]) nearest = a;
    place.set(places.subarray(2 * nearest, 2 * nearest + 2));
    for (let step = 0; step < GENE_STEPS; step++) move(wanted, row, places, place[0], place[1], place, 0);
    layout[2 * i] = inside(place[0] / width + 0.5);
    layout[2 * i + 1] = inside(place[1] / height + 0.5);
    if (i % 64 === 0) await breath();
  }
  return layout;
}

/**
 * One step of a gene at (x, y): to the mean of the places where each anchor would have it, in its direction and as far as
 * is wanted. An anchor where the gene is itself has no direction, and wants it to stay.
 */
function move(
  wanted: Float64Array,
  row: number,
  places: Float64Array,
  x: number,
  y: number,
  into: Float64Array,
  at: number,
): void {
  const count = places.length / 2;
  let sumX = 0;
  let sumY = 0;
  for (let a = 0; a < count; a++) {
    const ax = places[2 * a];
    const ay = places[2 * a + 1];
    const dx = x - ax;
    const dy = y - ay;
    const squared = dx * dx + dy * dy;
    const ratio = squared > 0 ? wanted[row + a] / Math.sqrt(squared) : 0;
    sumX += ax + ratio * dx;
    sumY += ay + ratio * dy;
  }
  into[at] = sumX / count;
  into[at + 1] = sumY / count;
}

function centred(places: Float64Array): Float64Array {
  const count = places.length / 2;
  let x = 0;
  let y = 0;
  for (let a = 0; a < count; a++) {
    x += places[2 * a] / count;
    y += places[2 * a + 1] / count;
  }
  return places.map((v, k) => v - (k % 2 === 0 ? x : y));
}

/** Turned so that the longest extent lies along the longer side. */
function alongAxes(places: Float64Array, { height, width }: ImageSize): Float64Array {
  let [xx, xy, yy] = [0, 0, 0];
  for (let k = 0; k < places.length; k += 2) {
    xx += places[k] * places[k];
    xy += places[k] * places[k + 1];
    yy += places[k + 1] * places[k + 1];
  }
  const angle = Math.atan2(2 * xy, xx - yy) / 2 + (height > width ? Math.PI / 2 : 0);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return places.map((_, k) =>
    k % 2 === 0 ? cos * places[k] + sin * places[k + 1] : cos * places[k] - sin * places[k - 1],
  );
}

function inside(v: number): number {
  return Math.min(1, Math.max(0, v));
}
