// Peak memory and time of reading X: node bench/read-memory.mjs FILE.h5ad [folder of the built library]
// The goal is a peak (whole process, Node and wasm included) within 1.5 times the decoded matrix.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [file, dist = "dist"] = process.argv.slice(2);
const { openExpression } = await import(pathToFileURL(resolve(dist, "io/reader.js")).href);
const reader = await openExpression(file);
const before = performance.now();
const m = reader.readMatrix();
const seconds = (performance.now() - before) / 1000;
const decoded =
  m.kind === "dense" ? m.data.byteLength : m.values.byteLength + m.indices.byteLength + m.indptr.byteLength;
const peak = process.resourceUsage().maxRSS * 1024;
let sum = 0;
for (const v of m.kind === "dense" ? m.data : m.values) sum += v;
console.log(
  JSON.stringify({
    file,
    shape: [m.rows, m.cols],
    storage: reader.x.storage,
    decodedMB: +(decoded / 1e6).toFixed(1),
    peakMB: +(peak / 1e6).toFixed(1),
    ratio: +(peak / decoded).toFixed(3),
    seconds: +seconds.toFixed(2),
    sum,
  }),
);
