/** cellhue report RUN. */
import type { StageCommand } from "./stage.js";

export const report: StageCommand = {
  stage: "report",
  summary: "write report.html",
  description: "Writes one self-contained page with all results, which opens from disk without a network.",
  settings: [],
  examples: ["cellhue report runs/tumours"],
};
