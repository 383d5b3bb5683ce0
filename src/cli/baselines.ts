/** cellhue baselines RUN. */
import type { StageCommand } from "./stage.js";

export const baselines: StageCommand = {
  stage: "baselines",
  summary: "classical models on the same folds",
  description:
    "Logistic regression (L2, L1), nearest neighbours and centroids on the principal components, a linear model on the\nnumbers that an image holds, and the largest class: out-of-fold predictions of each.",
  settings: [],
  examples: ["cellhue baselines runs/tumours"],
};
