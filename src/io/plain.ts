/** What formats without layers and raw say where they are asked for one. */
import { CellhueError } from "../errors.js";
import { nearNames } from "./near.js";
import type { OpenOptions } from "./reader.js";
import { shellWord, visible } from "./visible.js";

/** @throws CellhueError where raw, or a layer that is none of `layers`, is asked for */
export function requireMatrixThere(
  path: string,
  format: string,
  { layer, useRaw }: OpenOptions,
  layers: readonly string[] = [],
): void {
  if (useRaw) {
    throw new CellhueError("the file has no raw", {
      where: path,
      found: `${format}, a format without raw`,
      remedy: "leave --use-raw out to read X",
    });
  }
  if (layer === undefined || layers.includes(layer)) return;
  const near = nearNames(layer, layers);
  throw new CellhueError(`no layer '${visible(layer)}'`, {
    where: path,
    found:
      layers.length > 0
        ? `layers: ${layers.map((name) => visible(name, 60)).join(", ")}`
        : `${format}, without layers`,
    remedy: (near.length > 0 ? near : layers)
      .slice(0, 6)
      .map((name) => `--layer ${shellWord(name)}`)
      .concat("leave --layer out to read X"),
  });
}
