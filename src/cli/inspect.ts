/** cellhue inspect FILE: what is in a file. */
import type { Command } from "commander";
import { execute, type OutputOptions } from "./execute.js";
import { addOutput } from "./options.js";

export function addInspect(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("inspect")
    .summary("tell what is in a file and what can serve as a label")
    .description(
      "Shape, storage and state of X, the columns of obs with their classes, and what would go wrong in a run.",
    )
    .argument("<file>", "expression file (.h5ad)")
    .option("--layer <name>", "look at this layer in place of X")
    .option("--use-raw", "look at raw in place of X");
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue inspect tumours.h5ad
  cellhue inspect tumours.h5ad --layer counts --json`,
    )
    .action(async (file: string, options: OutputOptions & { layer?: string; useRaw?: boolean }) => {
      exit(
        // What inspect prints is its whole point, so --quiet silences its progress only.
        await execute({ ...options, quiet: false }, async ({ progress, signal }) => {
          const { formatInspect, inspectFile } = await import("../stages/inspect.js");
          const report = await inspectFile(file, {
            layer: options.layer,
            useRaw: options.useRaw,
            progress,
            signal,
          });
          return { json: report, text: formatInspect(report) };
        }),
      );
    });
}
