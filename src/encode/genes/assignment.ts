/**
 * Placing of one gene a pixel, by exact linear assignment: the least sum of squared distances between genes and pixels.
 * Reference: Jonker & Volgenant 1987 (shortest augmenting paths); scipy's linear_sum_assignment.
 */
import { CellhueError, throwIfAborted } from "../../errors.js";
import { areaOf, type ImageSize, sizeWords } from "../../image-size.js";
import type { Progress } from "../../progress.js";
import { checkPoints, checkSize, type Placing, type Points } from "./points.js";

export interface Assignment {
  readonly pixels: Placing;
  readonly cost: number;
  readonly bound: number;
}

export async function assignment(
  points: Points,
  size: ImageSize,
  { signal }: { progress?: Progress; signal?: AbortSignal } = {},
): Promise<Assignment> {
  checkPoints("assignment", points);
  checkSize("assignment", size);
  const n = points.length / 2;
  const m = areaOf(size);
  if (n > m)
    throw new CellhueError("more genes than pixels: not every gene can have one of its own", {
      found: `${n} genes, ${sizeWords(size)} = ${m} pixels`,
      expected: `at least ${Math.ceil(Math.sqrt(n))} × ${Math.ceil(Math.sqrt(n))} pixels`,
      remedy: [
        "a larger --size, or a smaller --zoom",
        "--genes variance --top-genes N paints fewer genes",
        "--placing bins lets genes share pixels",
      ],
    });
  const place = (axis: number, count: number) =>
    Float64Array.from({ length: count }, (_, p) =>
      axis === 0
        ? (p % size.width) / Math.max(1, size.width - 1)
        : Math.floor(p / size.width) / Math.max(1, size.height - 1),
    );
  const [px, py] = [place(0, m), place(1, m)];
  const u = new Float64Array(n + 1);
  const v = new Float64Array(m + 1);
  const owner = new Int32Array(m + 1); // gene + 1 of each pixel + 1
  const way = new Int32Array(m + 1);
  const least = new Float64Array(m + 1);
  const seen = new Uint8Array(m + 1);
  for (let i = 1; i <= n; i++) {
    if (i % 64 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      throwIfAborted(signal);
    }
    owner[0] = i;
    let j0 = 0;
    least.fill(Infinity);
    seen.fill(0);
    do {
      seen[j0] = 1;
      const gene = owner[j0];
      const [x, y] = [points[2 * gene - 2], points[2 * gene - 1]];
      let delta = Infinity;
      let j1 = 0;
      for (let j = 1; j <= m; j++) {
        if (seen[j]) continue;
        const reduced = (x - px[j - 1]) ** 2 + (y - py[j - 1]) ** 2 - u[gene] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = j0;
        }
        if (least[j] < delta) {
          delta = least[j];
          j1 = j;
        }
      }
      for (let j = 0; j <= m; j++) {
        if (seen[j]) {
          u[owner[j]] += delta;
          v[j] -= delta;
        } else least[j] -= delta;
      }
      j0 = j1;
    } while (owner[j0] !== 0);
    do {
      owner[j0] = owner[way[j0]];
      j0 = way[j0];
    } while (j0 !== 0);
  }
  const pixels = new Int32Array(n);
  for (let j = 1; j <= m; j++) if (owner[j] > 0) pixels[owner[j] - 1] = j - 1;
  let cost = 0;
  pixels.forEach((p, i) => {
    cost += (points[2 * i] - px[p]) ** 2 + (points[2 * i + 1] - py[p]) ** 2;
  });
  return { pixels, cost, bound: cost };
}
