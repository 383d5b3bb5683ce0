/** cellhue demo: the main job on the embedded example. */
import type { Command } from "commander";
import { execute } from "./execute.js";
import {
  addOutput,
  addSettings,
  foldsSettings,
  type ParsedOptions,
  sourcesOf,
  trainSettings,
} from "./options.js";

export function addDemo(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("demo")
    .summary("do all stages on the example that comes with cellhue")
    .description(
      "184 single cells of oligodendroglioma, six cell types, as images of their 2,000 most variable genes; the compact net, and\nSqueezeNet 1.1 with ImageNet weights. Needs no network. Writes runs/demo.\nIts own defaults: --encoder triptych --normalize log1p-cp10k --net compact,squeezenet1_1.",
    );
  addSettings(command, ["out", ...foldsSettings, ...trainSettings, "size", "seed", "threads"]);
  addOutput(command)
    .addHelpText(
      "after",
      "\nExamples:\n  cellhue demo\n  cellhue demo --net efficientnet_lite0 --out runs/quick",
    )
    .action(async (options: ParsedOptions) => {
      exit(
        await execute(options, async (ctx) => {
          const [{ resolveSettings }, { demoSettings }, { runAll }, { outcomeOf }] = await Promise.all([
            import("../config.js"),
            import("../stages/demo.js"),
            import("../stages/run.js"),
            import("./summary.js"),
          ]);
          const settings = resolveSettings(await sourcesOf(options), demoSettings());
          return outcomeOf(await runAll(settings, ctx));
        }),
      );
    });
}
