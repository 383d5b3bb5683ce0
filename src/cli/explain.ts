/** cellhue explain RUN. */
import { explainSettings } from "./options.js";
import type { StageCommand } from "./stage.js";

export const explain: StageCommand = {
  stage: "explain",
  summary: "the genes that decided, and whether the answer can be trusted",
  description:
    "Finds for every class the genes that moved the scores of its held-out samples (genes/genes_<class>.csv), and checks the\nanswer: randomised weights, shuffled labels, deletion and insertion of genes, agreement of folds and seeds (genes.json). For a\nguided run it also trains the first fold in the standard way, to show the curves of both.",
  settings: [...explainSettings, "threads", "memory"],
  examples: [
    "cellhue explain runs/tumours",
    "cellhue explain runs/tumours --method expected-gradients --nulls 10",
    "cellhue explain runs/atlas --class 'B cell' 'T cell'",
  ],
};
