// PCA(50) against scanpy's arpack, in turn, both on a matrix that is in memory.
// usage: node bench/pca.mjs [--pairs 5] [--sets sparse,dense]; prints JSON
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pca } from "../dist/embed/pca.js";
import { openExpression } from "../dist/io/reader.js";
import { RandomState } from "../dist/random.js";
import { peerEnvironment, python, spread, startPeer } from "./peer.mjs";

const { values } = parseArgs({
  options: { pairs: { type: "string", default: "5" }, sets: { type: "string", default: "sparse,dense" } },
});
const sets = {
  sparse: { work: "PCA, 5,900 × 20,000, a third non-zero", cells: 5900, genes: 20000, dense: false },
  dense: { work: "PCA, 763 × 21,641, dense", cells: 763, genes: 21641, dense: true },
};
const maker = fileURLToPath(new URL("peers/preprocess.py", import.meta.url));
const pause = () => new Promise((resolve) => setTimeout(resolve, 300)); // the other's threads stop spinning
const results = [];
for (const name of values.sets.split(",")) {
  const { work, cells, genes, dense } = sets[name];
  const file = join(tmpdir(), `cellhue-bench-${cells}x${genes}.h5ad`);
  if (!existsSync(file))
    execFileSync(
      python,
      [
        maker,
        "make",
        file,
        "--cells",
        String(cells),
        "--genes",
        String(genes),
        ...(dense ? ["--dense"] : []),
      ],
      { env: peerEnvironment(), stdio: ["ignore", "ignore", "inherit"] },
    );
  const reader = await openExpression(file);
  const x = reader.readMatrix();
  reader.close();
  const peer = await startPeer("pca.py", [file]);
  const [ours, theirs] = [[], []];
  let cosine = 1;
  // A few tenths of a second spread widely: three times as many pairs.
  const pairs = Number(values.pairs) * (dense ? 3 : 1);
  for (let i = -1; i < pairs; i++) {
    await pause();
    const began = performance.now();
    const { loadings, components } = await pca(x, {
      components: 50,
      random: new RandomState(42),
      threads: availableParallelism(),
    });
    const seconds = (performance.now() - began) / 1000;
    await pause();
    const answer = await peer.step();
    if (i < 0)
      cosine = leastCosine(loadings, Float32Array.from(answer.loadings), components, answer.variance);
    else {
      ours.push(seconds);
      theirs.push(answer.seconds);
    }
  }
  peer.end();
  results.push({
    work,
    peer: `scanpy ${peer.hello.scanpy}`,
    seconds: spread(ours),
    peerSeconds: spread(theirs),
    ratio: spread(ours.map((s, i) => s / theirs[i])),
    pairs: ours.length,
    cosine,
  });
  console.error(JSON.stringify(results.at(-1)));
}
console.log(JSON.stringify(results));

/** Over the directions whose eigenvalues are 1 % away from their neighbours'. */
function leastCosine(a, b, k, variance) {
  const genes = a.length / k;
  let least = 1;
  for (let i = 0; i < k; i++) {
    const gap = Math.min(
      i > 0 ? variance[i - 1] - variance[i] : Infinity,
      i + 1 < k ? variance[i] - variance[i + 1] : 0,
    );
    if (gap < 0.01 * variance[i]) continue;
    let along = 0;
    for (let j = 0; j < genes; j++) along += a[i * genes + j] * b[i * genes + j];
    least = Math.min(least, Math.abs(along));
  }
  return least;
}
