/** cellhue export RUN: the model file of one fold, or of the final net. */
import type { Command } from "commander";
import { execute, type OutputOptions } from "./execute.js";
import { addOutput } from "./options.js";

type ExportFlags = OutputOptions & { out: string; net?: string; fold?: string };

export function addExport(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("export")
    .summary("write the model file of one fold's net, or of the final one")
    .description(
      "Writes a file for cellhue predict and for any onnxruntime. A fold's net has not seen the samples that its fold held\nout: what the file predicts for them is what the cross-validation says.",
    )
    .argument("<run>", "folder of a run, done as far as compare")
    .requiredOption("--out <onnx>", "file to write; one that is a model already is replaced")
    .option("--fold <k>", "fold, by the number of its folder folds/<net>/<k> (default: the final model)")
    .option("--net <name>", "net of that fold (default: the only one of the run)");
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue export runs/tumours --out tumours.onnx
  cellhue export runs/tumours --net resnet18 --fold 0 --out fold0.onnx
  cellhue export runs/tumours --fold 3 --out fold3.onnx && cellhue predict fold3.onnx tumours.h5ad`,
    )
    .action(async (run: string, options: ExportFlags) => {
      exit(
        await execute(options, async (ctx) => {
          const { exportModel, formatExport } = await import("../stages/export.js");
          const { out, net, fold } = options;
          // What is not a whole number becomes NaN, which no fold has.
          const number = fold === undefined ? undefined : /^\d+$/.test(fold) ? Number(fold) : Number.NaN;
          const exported = await exportModel(run, { out, net, fold: number }, ctx);
          return { json: exported, text: formatExport(exported) };
        }),
      );
    });
}
