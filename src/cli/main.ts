#!/usr/bin/env node
/** The command line. Loads nothing heavy: a command imports its stage when it runs. */
import { Command, CommanderError } from "commander";
import { CellhueError } from "../errors.js";
import { diskError } from "../io/atomic.js";
import { cellhueVersion } from "../stages/versions.js";
import { addAudit } from "./audit.js";
import { baselines } from "./baselines.js";
import { compare } from "./compare.js";
import { addDemo } from "./demo.js";
import { addEnrich } from "./enrich.js";
import { fail } from "./execute.js";
import { explain } from "./explain.js";
import { addExplainSample } from "./explain-sample.js";
import { addExport } from "./export.js";
import { folds } from "./folds.js";
import { addInspect } from "./inspect.js";
import { addPredict } from "./predict.js";
import { addPreprocess } from "./preprocess.js";
import { report } from "./report.js";
import { addRun } from "./run.js";
import { saliency } from "./saliency.js";
import { addStage } from "./stage.js";
import { train } from "./train.js";

/** @returns the exit code */
async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const exit = (value: number) => {
    code = value;
  };
  const program = new Command("cellhue")
    .description(
      "From a transcriptome (.h5ad) to images, pretrained CNNs in cross-validation, and a report: one command, no Python.",
    )
    .version(cellhueVersion(), "--version")
    .exitOverride()
    .configureOutput({ outputError() {} })
    .addHelpText(
      "after",
      `
Examples:
  cellhue demo
  cellhue inspect tumours.h5ad
  cellhue run tumours.h5ad --label subtype
  cellhue train runs/tumours --epochs 40 && cellhue compare runs/tumours
  cellhue predict runs/tumours/model_final.onnx new.h5ad

cellhue COMMAND --help tells the options of a command.
Exit codes: 0 done, 1 a fault of cellhue, 2 bad input or options, 130 interrupted.`,
    );
  addRun(program, exit);
  addPreprocess(program, exit);
  for (const stage of [folds, baselines, train, compare, saliency, explain, report])
    addStage(program, exit, stage);
  addAudit(program, exit);
  addPredict(program, exit);
  addExport(program, exit);
  addExplainSample(program, exit);
  addEnrich(program, exit);
  addInspect(program, exit);
  addDemo(program, exit);
  try {
    await program.parseAsync(argv.length === 0 ? ["--help"] : argv, { from: "user" });
    return code;
  } catch (error) {
    // Help and version end a parse as "errors" of exit code 0.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const options = { json: argv.includes("--json"), debug: argv.includes("--debug") };
    if (!(error instanceof CommanderError)) return fail(error, options);
    const [message, ...hint] = error.message.replace(/^error: /, "").split("\n");
    const remedy = [
      ...hint.map((line) => line.replace(/^\(Did you mean (one of )?(.*)\?\)$/, "perhaps $2")),
      "cellhue --help, cellhue COMMAND --help",
    ];
    return fail(new CellhueError(message, { remedy, cause: error }), options);
  }
}

// A reader that went away (cellhue … | head) is no fault; a full disk behind a redirection is one of the disk.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  void fail(diskError(error, "standard output", undefined, ">"), {}).then((code) => process.exit(code));
});
process.stderr.on("error", () => {});
// What a library throws out of a timer or a worker of its own.
process.on("uncaughtException", (error) => {
  const options = { json: process.argv.includes("--json"), debug: process.argv.includes("--debug") };
  void fail(error, options).then((code) => process.exit(code));
});

// Threads of the libraries would keep the process alive.
process.exit(await main(process.argv.slice(2)));
