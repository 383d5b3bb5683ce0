/** cellhue preprocess FILE|RUN: the first stage; makes the run folder, or redoes the stage in one. */
import type { Command } from "commander";
import { execute } from "./execute.js";
import {
  addOutput,
  addSettings,
  foldsSettings,
  type ParsedOptions,
  preprocessSettings,
  sourcesOf,
} from "./options.js";

export function addPreprocess(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("preprocess")
    .summary("expression → PCA → UMAP, t-SNE → images; makes the run folder")
    .description("The first stage alone: embedding.csv, an image of every sample and three figures.")
    .argument("[file]", "expression file (.h5ad), or the folder of a run");
  addSettings(command, [
    "label",
    "out",
    ...preprocessSettings,
    ...foldsSettings,
    "seed",
    "threads",
    "memory",
  ]);
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue preprocess tumours.h5ad --label subtype --out runs/tumours
  cellhue preprocess runs/tumours --size 64`,
    )
    .action(async (file: string | undefined, options: ParsedOptions) => {
      exit(
        await execute(options, async (ctx) => {
          const { existsSync } = await import("node:fs");
          const { join } = await import("node:path");
          const isRun = file !== undefined && existsSync(join(file, "run.json"));
          const sources = await sourcesOf(options, isRun ? undefined : file);
          const [{ resolveSettings }, { preprocessFile, runStage }, { outcomeOf }] = await Promise.all([
            import("../config.js"),
            import("../stages/run.js"),
            import("./summary.js"),
          ]);
          if (isRun) return outcomeOf(await runStage(file, "preprocess", sources, ctx));
          return outcomeOf(await preprocessFile(resolveSettings(sources), ctx));
        }),
      );
    });
}
