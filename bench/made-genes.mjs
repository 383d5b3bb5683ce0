// Made expression for the benches of encoders: 20 programmes of genes, each gene in two of them, and noise.

/** @returns samples × genes, dense; the draws go on where `random` stands */
export function madeGenes(samples, genes, random) {
  const programmes = Float64Array.from({ length: samples * 20 }, () => random.standardNormal());
  const weights = Float64Array.from({ length: 2 * genes }, () => random.standardNormal());
  const data = new Float32Array(samples * genes);
  for (let i = 0, p = 0; i < samples; i++)
    for (let j = 0; j < genes; j++)
      data[p++] =
        random.standardNormal() +
        weights[2 * j] * programmes[20 * i + (j % 20)] +
        weights[2 * j + 1] * programmes[20 * i + (j % 7)];
  return { kind: "dense", rows: samples, cols: genes, data };
}
