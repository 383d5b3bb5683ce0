// Seconds to place genes on pixels: one gene a pixel by assignment, and IGTD, at 1,000, 5,000 and 20,000 genes.
// usage: npm run build && node bench/gene-placing.mjs [GENES …] [--samples 200]
// Points: a speck with far outliers, as PCA lays genes out, and the unit square filled evenly. Expression: 20 programmes
// of genes and noise. Squares, and for assignment 227 × 227 pixels as well.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { assignPixels } from "../dist/encode/genes/assignment.js";
import { igtd } from "../dist/encode/genes/igtd.js";
import { RandomState } from "../dist/random.js";
import { madeGenes } from "./made-genes.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { samples: { type: "string", default: "200" } },
});
const samples = Number(values.samples);
const results = [];
/** Wall and processor time; the latter tells where others use the machine as well. */
async function timed(what, work) {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const found = await work();
  const { user, system } = process.cpuUsage(used);
  const seconds = round((performance.now() - began) / 1000);
  results.push({ ...what, seconds, cpuSeconds: round((user + system) / 1e6), ...found });
  console.error(JSON.stringify(results.at(-1)));
}
const round = (x) => Number(x.toPrecision(3));

for (const genes of positionals.length ? positionals.map(Number) : [1000, 5000, 20_000]) {
  const side = Math.ceil(Math.sqrt(genes));
  const random = new RandomState(genes);
  const even = Float64Array.from({ length: 2 * genes }, () => random.random());
  const specks = Float64Array.from({ length: 2 * genes }, () => {
    const tail = random.standardNormal() / (Math.abs(random.standardNormal()) + 0.05);
    return Math.min(1, Math.max(0, 0.5 + 0.02 * tail));
  });
  for (const [layout, points] of Object.entries({ even, specks }))
    for (const size of [side, 227])
      await timed({ work: "assignment", genes, layout, pixels: `${size}×${size}` }, async () => {
        const { cost, bound } = await assignPixels(points, { height: size, width: size });
        return { gap: round((cost - bound) / cost) };
      });

  const x = madeGenes(samples, genes, random);
  await timed({ work: "IGTD", genes, pixels: `${side}×${side}` }, async () => {
    const { before, after, exact } = await igtd(x, { height: side, width: side }, { seed: 1 });
    const [error, correlation] = ["error", "correlation"].map((key) => [
      round(before[key]),
      round(after[key]),
    ]);
    return { error, correlation, exact };
  });
}
const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
console.log(JSON.stringify({ bench: "gene-placing", machine, samples, results }, null, 2));
