// What the benchmarks keep in figures.json (by kind of machine, by part: the day, the machine and what was found), and how new
// figures are held against it. Pure: run.mjs measures, reads and writes.

/**
 * Figures are compared between machines of one kind only: cores, processor and its vector units. These matter most (with
 * AVX-512 products take a quarter of the time, and memory as long), and "AMD EPYC" alone does not tell them.
 * @param flags /proc/cpuinfo; empty where there is none
 */
export function kindOf(cpus, flags) {
  const units = ["AVX-512", "AVX2"].find((name) => flags.includes(name.toLowerCase().replace("-", "")));
  return `${cpus.length} × ${cpus[0]?.model}${units ? ` with ${units}` : ""}`;
}

/** Our seconds over the peer's, by work; a part without a peer has none. */
function ratiosOf(part, found) {
  if (part === "preprocess")
    return Object.entries(found.spread).map(([stage, ratio]) => [`preprocess: ${stage}`, ratio]);
  return part === "steps" || part === "pca" ? found.map(({ work, ratio }) => [work, ratio]) : [];
}

/**
 * Slower: even the best of the new pairs is beyond the worst of the kept ones, or a start-up takes longer than its goal, which
 * is the same for all machines. A part without kept figures is neither slower nor faster.
 * @param now what was measured, by part
 * @param kept the figures of this kind of machine, by part
 * @returns what to say, and the works that became slower
 */
export function compare(now, kept, kind) {
  const s = (x) => x.toFixed(2);
  const range = ({ median, min, max }) => `${s(median)} (${s(min)}–${s(max)})`;
  const [lines, compared, slower, alone] = [[], [], [], []];
  for (const [part, { found }] of Object.entries(now)) {
    const ratios = ratiosOf(part, found);
    const before = new Map(kept[part] ? ratiosOf(part, kept[part].found) : []);
    if (ratios.length > 0 && before.size === 0) {
      alone.push(part);
      lines.push(`${part}: no figures of this kind of machine (${kind}), so neither slower nor faster`);
    }
    for (const [work, ratio] of ratios) {
      const was = before.get(work);
      if (was === undefined) {
        lines.push(`${work}: ${range(ratio)}, not measured before`);
        continue;
      }
      compared.push(work);
      const worse = ratio.min > was.max;
      if (worse) slower.push(work);
      const verdict = worse ? "  SLOWER" : ratio.max < was.min ? "  faster" : "";
      lines.push(`${work}: ${range(ratio)}, before ${range(was)}${verdict}`);
    }
  }
  for (const { what, seconds, limit, unit = "s" } of now.startup?.found ?? []) {
    compared.push(what);
    if (seconds.median <= limit) continue;
    slower.push(what);
    lines.push(`${what}: ${s(seconds.median)} ${unit}, at most ${limit} ${unit}  SLOWER`);
  }
  const rest = alone.length > 0 ? ` (not compared: ${alone.join(", ")})` : "";
  if (slower.length > 0) lines.push(`slower: ${slower.join("; ")}${rest}`);
  else lines.push(compared.length > 0 ? `nothing became slower${rest}` : "nothing was compared");
  return { lines, slower };
}
