/** cellhue folds RUN. */
import { foldsSettings } from "./options.js";
import type { StageCommand } from "./stage.js";

export const folds: StageCommand = {
  stage: "folds",
  summary: "draw the folds; fit an encoder on the training samples of each",
  description:
    "Writes splits.csv and, under the inductive protocol, encoders/<k>/: gene choice, scaling, PCA, UMAP and t-SNE of the\ntraining samples of each fold, and the images of all samples by it.",
  settings: [...foldsSettings, "seed", "threads", "memory"],
  examples: [
    "cellhue folds runs/tumours --group patient",
    "cellhue folds runs/tumours --protocol published --repeats 5",
  ],
};
