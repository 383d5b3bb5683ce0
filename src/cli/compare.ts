/** cellhue compare RUN. */
import type { StageCommand } from "./stage.js";

export const compare: StageCommand = {
  stage: "compare",
  summary: "metrics, confusion matrices, Wilcoxon's test",
  description:
    "Writes metrics.json, training_history and confusion_matrix_avg from the predictions of all folds.",
  settings: ["coverage"],
  examples: ["cellhue compare runs/tumours", "cellhue compare runs/tumours --json"],
};
