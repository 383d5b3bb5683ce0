/** cellhue saliency RUN. */
import type { StageCommand } from "./stage.js";

export const saliency: StageCommand = {
  stage: "saliency",
  summary: "saliency maps and the model file",
  description:
    "Draws what the best net looked at in one held-out sample a class, and writes model_final.onnx.",
  settings: ["threads", "memory"],
  examples: ["cellhue saliency runs/tumours"],
};
