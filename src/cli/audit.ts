/** cellhue audit RUN|FILE: leaks, batches, duplicates, chance. */
import type { Command } from "commander";
import { execute } from "./execute.js";
import {
  addOutput,
  addSettings,
  foldsSettings,
  type ParsedOptions,
  preprocessSettings,
  sourcesOf,
  trainSettings,
} from "./options.js";

type AuditCommandOptions = ParsedOptions & { batchColumns?: string; shuffled?: boolean };

export function addAudit(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("audit")
    .summary("tell what the accuracy owes to leaks and batches")
    .description(
      "Runs the other protocol (published or inductive) and shuffled labels on the same folds, and prints how much the\npublished one flatters each model; tells how far the label is predictable from batch columns and the batch from the\nimage; finds samples that are in the data twice. Takes about twice the time of the run. Of a FILE the run is made first.",
    )
    .argument("<run>", "folder of a run, or an expression file")
    .option(
      "--batch-columns <names>",
      "columns of obs that say where samples come from, by commas (default: found by name)",
    )
    .option("--no-shuffled", "leave the run on shuffled labels out");
  addSettings(command, [
    "label",
    "out",
    ...preprocessSettings,
    ...foldsSettings,
    ...trainSettings,
    "seed",
    "threads",
    "memory",
  ]);
  addOutput(command)
    .addHelpText(
      "after",
      `
Examples:
  cellhue audit runs/tumours
  cellhue audit runs/tumours --batch-columns patient,plate --json
  cellhue audit tumours.h5ad --label subtype --group patient --net efficientnet_lite0`,
    )
    .action(async (run: string, options: AuditCommandOptions) => {
      exit(
        await execute(options, async (ctx) => {
          const { existsSync } = await import("node:fs");
          const { join } = await import("node:path");
          const { auditRun, formatAudit } = await import("../stages/audit.js");
          let folder = run;
          if (!existsSync(join(run, "run.json"))) {
            const [{ resolveSettings }, { runAll }] = await Promise.all([
              import("../config.js"),
              import("../stages/run.js"),
            ]);
            folder = (await runAll(resolveSettings(await sourcesOf(options, run)), ctx)).run;
          }
          const batchColumns = (options.batchColumns ?? "")
            .split(",")
            .map((name) => name.trim())
            .filter((name) => name !== "");
          const report = await auditRun(folder, { batchColumns, shuffled: options.shuffled }, ctx);
          return { json: report, text: formatAudit(report) };
        }),
      );
    });
}
