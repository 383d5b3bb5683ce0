/** The main job on the example that travels with the package; its pretrained weights do too, so no network is needed. */

import { join } from "node:path";
import type { Settings } from "../config.js";
import { packageRoot } from "./versions.js";

/** 184 single cells of oligodendroglioma (Tirosh et al. 2016, by infercnvpy): six cell types. */
export const demoSettings = () =>
  ({
    file: join(packageRoot(), "assets", "demo", "infercnvpy_oligodendroglioma.h5ad"),
    label: "cell_type",
    out: join("runs", "demo"),
    encoder: "triptych",
    // X holds values on a linear scale, where a few genes would be all of the first component.
    normalize: "log1p-cp10k",
    net: ["compact", "squeezenet1_1"],
  }) satisfies Partial<Settings>;
