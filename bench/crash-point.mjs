/**
 * Loaded before cellhue (--import) to kill it at a file operation rather than at a moment: CELLHUE_CRASH is
 * "<operation>:<number>", e.g. "half:17" kills in the middle of the 17th file that is written, "renaming:3" right before
 * and "renamed:3" right after the 3rd rename, "removing:2" right before the 2nd removal. "full:17" lets the 17th write fail as
 * on a full disk. "count:0" changes nothing and prints how many there are of each.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [kind, given] = (process.env.CELLHUE_CRASH || "count:0").split(":");
const at = Number(given);
const seen = { half: 0, renaming: 0, removing: 0 };
const { writeFile, open, rename, rm } = fs.promises;
const die = () => process.kill(process.pid, "SIGKILL");
const halfOf = (data) =>
  typeof data === "string" ? data.slice(0, data.length >> 1) : data.subarray(0, data.length >> 1);

/** Writes, or not: `write` takes the data. */
async function counted(data, write) {
  const number = ++seen.half;
  if (number === at && kind === "full")
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  if (number === at && kind === "half") {
    await write(halfOf(data));
    die();
  }
  return write(data);
}

fs.promises.writeFile = (path, data, options) => counted(data, (part) => writeFile(path, part, options));
/** Files that are written piece by piece: each piece is a write. */
fs.promises.open = async (...args) => {
  const handle = await open(...args);
  const write = handle.writeFile.bind(handle);
  handle.writeFile = (data, options) => counted(data, (part) => write(part, options));
  return handle;
};
fs.promises.rename = async (from, to) => {
  const number = ++seen.renaming;
  if (number === at && kind === "renaming") die();
  await rename(from, to);
  if (number === at && kind === "renamed") die();
};
fs.promises.rm = async (path, options) => {
  if (++seen.removing === at && kind === "removing") die();
  return rm(path, options);
};
syncBuiltinESMExports();
if (kind === "count") process.on("exit", () => fs.writeSync(2, `crash points ${JSON.stringify(seen)}\n`));
