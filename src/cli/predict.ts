/** cellhue predict MODEL FILE: what a trained model says of new samples. */
import type { Command } from "commander";
import { execute, type OutputOptions } from "./execute.js";
import { addOutput } from "./options.js";

type PredictFlags = OutputOptions & {
  out?: string;
  write?: string;
  layer?: string;
  useRaw?: boolean;
  minOverlap?: string;
  threshold?: string;
  abstain?: boolean;
  threads?: string;
  memory?: string;
  device?: string;
};

export function addPredict(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("predict")
    .summary("classify new samples with the model file of a run")
    .description(
      "Matches the file's genes to the model's by name, and writes a CSV: sample, predicted, confidence, a probability a\nclass, distance to training. A gene that the file does not have says nothing; a file with too few is refused.\nGive the matrix as it was in training (counts or logarithms): the model does the rest.",
    )
    .argument("<model>", "model_final.onnx of a run")
    .argument("<file>", "expression file (.h5ad) with the new samples")
    .option(
      "--out <csv>",
      "where predictions go (default: <name of the file>.cellhue.csv in the working folder)",
    )
    .option("--write <h5ad>", "also write a copy of the file with the columns obs.cellhue_predicted, … in it")
    .option("--layer <name>", "read this layer in place of X")
    .option("--use-raw", "read raw in place of X")
    .option(
      "--min-overlap <share>",
      "least share of the model's genes that the file must have (default: 0.5)",
    )
    .option("--threshold <p>", "samples of a lower confidence stay 'unassigned' (default: none does)")
    .option("--abstain", "take the threshold that the model states, with the meaning that it states")
    .option("--threads <n>", "threads; the result does not depend on it (default: all cores)")
    .option("--device <name>", "what computes: cpu, cuda, coreml, dml, webgpu (default: cpu)")
    .option(
      "--memory <gb>",
      "gigabytes that X may take in memory; a larger one is read by blocks of rows, where the format does not allow it of a copy in TMPDIR (default: a quarter of the machine's)",
    );
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue predict runs/tumours/model_final.onnx new.h5ad
  cellhue predict model_final.onnx new.h5ad --out new.csv --write new_labelled.h5ad
  cellhue predict model_final.onnx new.h5ad --layer counts --threshold 0.8
  cellhue predict model_final.onnx panel.h5ad --min-overlap 0.2 --json`,
    )
    .action(async (model: string, file: string, options: PredictFlags) => {
      exit(
        await execute(options, async (ctx) => {
          const { formatPrediction, predictFile } = await import("../stages/predict.js");
          const { out, write, layer, useRaw, abstain } = options;
          const prediction = await predictFile(
            model,
            file,
            {
              out,
              write,
              layer,
              useRaw,
              abstain,
              minOverlap: number(options.minOverlap),
              threshold: number(options.threshold),
              threads: number(options.threads),
              memory: number(options.memory),
              device: options.device,
            },
            ctx,
          );
          return { json: prediction, text: formatPrediction(prediction) };
        }),
      );
    });
}

/** What is not a number becomes NaN, which the stage refuses in its own words. */
const number = (text: string | undefined) =>
  text === undefined ? undefined : /\d/.test(text) ? Number(text) : Number.NaN;
