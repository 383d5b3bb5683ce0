/** cellhue run FILE: all stages. */
import type { Command } from "commander";
import { execute } from "./execute.js";
import {
  addOutput,
  addSettings,
  explainSettings,
  foldsSettings,
  type ParsedOptions,
  preprocessSettings,
  sourcesOf,
  trainSettings,
} from "./options.js";

export function addRun(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("run")
    .summary("do all stages: from the file to the report")
    .description(
      "Reads an expression file, turns every sample into an image, trains the nets in cross-validation, compares them,\ndraws saliency maps and writes report.html. The same command again continues a run that was stopped.",
    )
    .argument("[file]", "expression file (.h5ad); may also stand in the config file");
  addSettings(command, [
    "label",
    "out",
    ...preprocessSettings,
    ...foldsSettings,
    ...trainSettings,
    "coverage",
    ...explainSettings,
    "seed",
    "threads",
    "memory",
  ]);
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue run tumours.h5ad --label subtype
  cellhue run tumours.h5ad --label subtype --net resnet18,efficientnet_lite0 --epochs 40 --out runs/forty
  cellhue run tumours.h5ad --label subtype --group patient --repeats 3
  cellhue run counts.h5ad --label cell_type --normalize log1p-cp10k --drop-unlabelled
  cellhue run tumours.h5ad --label subtype --weights resnet18=random,efficientnet_b0=weights/b0.safetensors
  cellhue run --config run.yaml --json > result.json`,
    )
    .action(async (file: string | undefined, options: ParsedOptions) => {
      exit(
        await execute(options, async (ctx) => {
          const sources = await sourcesOf(options, file);
          const [{ resolveSettings }, { runAll }, { outcomeOf }] = await Promise.all([
            import("../config.js"),
            import("../stages/run.js"),
            import("./summary.js"),
          ]);
          return outcomeOf(await runAll(resolveSettings(sources), ctx));
        }),
      );
    });
}
