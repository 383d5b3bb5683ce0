// One reader's cases in a process of its own: node child.mjs READER SEEDS CASES FROM DIR RUN. Tells the parent of every case
// before it begins ({ begin }) and after ({ end, peak }); what happens to this process in between is the parent's to see.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CellhueError } from "../../dist/errors.js";
import { RandomState } from "../../dist/random.js";
import { mutate } from "./mutate.mjs";
import { fileReaders, runReaders } from "./readers.mjs";

const [reader, randomSeed, cases, from, dir, run] = process.argv.slice(2);
const tell = (message) => new Promise((resolve) => process.send(message, undefined, undefined, resolve));
const peak = () => process.resourceUsage().maxRSS / 1024;
const readers = run === "" ? await fileReaders() : await runReaders(run);
const seeds = readers[reader];
/** Nothing may be written but what a case writes itself: cwd is an empty folder. */
const cwd = join(dir, "cwd");
mkdirSync(cwd, { recursive: true });
process.chdir(cwd);

function put(home, path, data) {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), data);
}

async function attempt(seed, home, k) {
  try {
    await seed.read(home, k);
    return { end: "read" };
  } catch (error) {
    if (error instanceof CellhueError) {
      error.describe();
      return { end: "refused" };
    }
    return { end: "crashed", what: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

// The files as they are must be read, or the cases would show nothing.
const homes = seeds.map((_, s) => join(dir, `seed${s}`));
for (const [s, seed] of seeds.entries()) {
  for (const [path, data] of Object.entries(seed.files)) put(homes[s], path, data);
  for (let k = 0; k < 2; k++) {
    const { end, what } = await attempt(seed, homes[s], k);
    if (end !== "read") {
      await tell({ broken: `${seed.name}, unchanged: ${end} ${what ?? ""}` });
      process.exit(0);
    }
  }
}
const base = peak();
let changed;
for (let k = Number(from); k < Number(cases); k++) {
  const s = k % seeds.length;
  const seed = seeds[s];
  const random = new RandomState([
    Number(randomSeed),
    reader.length,
    reader.charCodeAt(0),
    reader.charCodeAt(1),
    k,
  ]);
  const round = Math.floor(k / seeds.length);
  const path = seed.targets[round % seed.targets.length];
  if (changed !== undefined) put(changed.home, changed.path, changed.data);
  changed = { home: homes[s], path, data: seed.files[path] };
  put(homes[s], path, mutate(path, seed.files[path], random, round));
  await tell({ begin: k, seed: seed.name, file: join(homes[s], path) });
  const outcome = await attempt(seed, homes[s], round);
  await tell({ ...outcome, peak: peak() - base });
}
const strays = readdirSync(cwd);
rmSync(dir, { recursive: true, force: true });
await tell({ strays });
process.disconnect();
