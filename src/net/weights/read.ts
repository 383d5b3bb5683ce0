/** Weights by content, not by name: safetensors or either torch format; anything else is named where it is known. */
import { CellhueError } from "../../errors.js";
import type { Tensors } from "../tensors.js";
import { isPickle, isZip, readPth } from "./pth.js";
import { isSafetensors, readSafetensors } from "./safetensors.js";

/** What files that are no weights often are: how they begin (as Latin-1), what they are, what to do. */
const OTHERS: readonly [(start: string) => boolean, string, string][] = [
  [
    (start) => start.startsWith("version https://git-lfs"),
    "a Git LFS pointer, not the file itself",
    "fetch the file with `git lfs pull`",
  ],
  [
    (start) => /^\s*<(!doctype|html|\?xml)/i.test(start),
    "a web page",
    "use the address of the file itself (its 'raw' or 'resolve' link)",
  ],
  [
    (start) => start.startsWith("\x89HDF"),
    "an HDF5 file",
    "weights of Keras are not read; take the same network's torch file",
  ],
  [(start) => start.startsWith("\x1f\x8b"), "a gzip archive", "unpack it first"],
];

/**
 * Reads a state dict from the bytes of a .safetensors, .pth, .pt or .bin file.
 * @param where names the file in errors
 */
export function readStateDict(bytes: Uint8Array, where: string): Tensors {
  if (isZip(bytes) || isPickle(bytes)) return readPth(bytes, where);
  if (isSafetensors(bytes)) return readSafetensors(bytes, where).tensors;
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  const other = OTHERS.find(([sign]) => sign(start));
  throw new CellhueError("not a file of network weights", {
    where,
    found:
      other?.[1] ?? (bytes.length === 0 ? "an empty file" : `${bytes.length} bytes of an unknown format`),
    expected: "safetensors, or a state dict written by torch.save",
    remedy: other?.[2],
  });
}
