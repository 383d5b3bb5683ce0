/** Formats that are HDF5 (.h5ad, 10x .h5, .loom), told apart by what is inside; opened in this thread. */
import { openH5ad } from "../h5ad/open.js";
import { openLoom } from "../loom/open.js";
import type { ExpressionReader, OpenOptions } from "../reader.js";
import { genomesOf, openTenx } from "../tenx-h5/open.js";
import { Hdf5File } from "./file.js";

export async function openInThread(path: string, options: OpenOptions): Promise<ExpressionReader> {
  const file = await Hdf5File.open(path);
  try {
    const isAnnData = file.kind("obs") !== null && file.kind("var") !== null;
    if (isAnnData) return openH5ad(file, options);
    if (file.kind("matrix") === "dataset") return openLoom(file, options);
    if (file.kind("matrix") === "group" || genomesOf(file).length > 0) return openTenx(file, options);
    return openH5ad(file, options);
  } catch (error) {
    file.close();
    throw error;
  }
}
