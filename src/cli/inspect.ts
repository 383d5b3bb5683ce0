/** cellhue inspect FILE: what is in a file. */
import { type Command, Option } from "commander";
import type { Orientation } from "../io/reader.js";
import { execute, type OutputOptions } from "./execute.js";
import { addOutput } from "./options.js";

type InspectCommandOptions = OutputOptions & {
  layer?: string;
  useRaw?: boolean;
  labels?: string;
  orientation?: Orientation;
};

export function addInspect(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("inspect")
    .summary("tell what is in a file and what can serve as a label")
    .description(
      "Shape, storage and state of X, the columns of obs with their classes, and what would go wrong in a run.",
    )
    .argument("<file>", "expression file: .h5ad, zarr, 10x .h5 or folder, .mtx, .loom, .csv/.tsv, .rds")
    .option("--layer <name>", "look at this layer in place of X")
    .option("--use-raw", "look at raw in place of X")
    .option("--labels <file>", "table of labels, a line a sample, joined to obs by name")
    .addOption(
      new Option("--orientation <way>", "of a table of text").choices([
        "auto",
        "genes-in-rows",
        "samples-in-rows",
      ]),
    );
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue inspect tumours.h5ad
  cellhue inspect tumours.h5ad --layer counts --json
  cellhue inspect counts.csv.gz --labels annotations.tsv`,
    )
    .action(async (file: string, options: InspectCommandOptions) => {
      exit(
        // What inspect prints is its whole point, so --quiet silences its progress only.
        await execute({ ...options, quiet: false }, async ({ progress, signal }) => {
          const { formatInspect, inspectFile } = await import("../stages/inspect.js");
          const report = await inspectFile(file, {
            layer: options.layer,
            useRaw: options.useRaw,
            labels: options.labels,
            orientation: options.orientation,
            progress,
            signal,
          });
          return { json: report, text: formatInspect(report) };
        }),
      );
    });
}
