/** cellhue explain-sample RUN NAME…: the genes of single samples. */
import type { Command } from "commander";
import { execute, type OutputOptions } from "./execute.js";
import { addOutput } from "./options.js";

const SHOWN = 10;

export function addExplainSample(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("explain-sample")
    .summary("the genes that decided on single samples")
    .description(
      "What each gene gave the score of the class that a sample is predicted as, by the net of the fold that had not seen it.\nWrites genes/sample_<row>.csv into the run.",
    )
    .argument("<run>", "folder of a run, done as far as explain")
    .argument("<sample...>", "names of samples, as in embedding.csv");
  addOutput(command)
    .addHelpText("after", "\nExamples:\n  cellhue explain-sample runs/tumours TCGA-02-0001")
    .action(async (run: string, names: string[], options: OutputOptions) => {
      exit(
        await execute(options, async (ctx) => {
          const [{ explainSamplesOf }, { visible }] = await Promise.all([
            import("../stages/run.js"),
            import("../io/visible.js"),
          ]);
          const samples = await explainSamplesOf(run, names, ctx);
          const lines = samples.map(({ sample, label, predicted, fold, file, empty, top }) => {
            const genes = top
              .slice(0, SHOWN)
              .map(({ gene, score }) => `${visible(gene, 40)} ${score < 0 ? "−" : "+"}`);
            return `${visible(sample, 80)} (${visible(label, 80)}, predicted ${visible(predicted, 80)}, ${visible(fold, 40)}): ${empty ?? genes.join(", ")} – ${file}`;
          });
          return { json: { schema: "cellhue.samples/1", run, samples }, text: lines.join("\n") };
        }),
      );
    });
}
