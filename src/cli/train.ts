/** cellhue train RUN. */
import { foldsSettings, trainSettings } from "./options.js";
import type { StageCommand } from "./stage.js";

export const train: StageCommand = {
  stage: "train",
  summary: "train the nets in cross-validation",
  description:
    "Trains every net on every fold of a preprocessed run. A training that was stopped continues; other settings begin it anew.",
  settings: [...foldsSettings, ...trainSettings, "seed", "threads", "memory"],
  examples: [
    "cellhue train runs/tumours --epochs 40",
    "cellhue train runs/tumours --net efficientnet_lite0 --lr 3e-4",
  ],
};
