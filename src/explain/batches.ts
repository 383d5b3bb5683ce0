/**
 * Role: runs a graph over any number of rows in batches of one size.
 * Contract: a short last batch is filled up with zeros, so a row's result depends neither on its neighbours nor on the
 * number of threads.
 */
import { throwIfAborted } from "../errors.js";
import type { Session } from "../graph/session.js";

/**
 * @param rows what each row feeds, by input: n × its width, row-major
 * @param shared what all rows are fed alike (weights)
 * @returns every output, n × its width (empty where n is 0)
 */
export async function runBatches(
  session: Session,
  batch: number,
  n: number,
  rows: Readonly<Record<string, Float32Array>>,
  shared: Readonly<Record<string, Float32Array>> = {},
  signal?: AbortSignal,
): Promise<Record<string, Float32Array>> {
  const out: Record<string, Float32Array> = {};
  for (const name of session.outputNames) out[name] = new Float32Array(0);
  for (let first = 0; first < n; first += batch) {
    throwIfAborted(signal);
    const count = Math.min(batch, n - first);
    const feeds: Record<string, Float32Array> = { ...shared };
    for (const [name, data] of Object.entries(rows)) {
      const width = data.length / n;
      const part = data.subarray(first * width, (first + count) * width);
      feeds[name] = count === batch ? part : new Float32Array(batch * width);
      if (count < batch) feeds[name].set(part);
    }
    const results = await session.run(feeds);
    for (const name of session.outputNames) {
      const data = results[name].data as Float32Array;
      const width = data.length / batch;
      if (first === 0) out[name] = new Float32Array(n * width);
      out[name].set(data.subarray(0, count * width), first * width);
    }
  }
  return out;
}
