/** cellhue enrich RUN: gene sets among the genes that decided. */
import type { Command } from "commander";
import { execute, type OutputOptions } from "./execute.js";
import { addOutput } from "./options.js";

type EnrichFlags = OutputOptions & { geneSets: string; top?: string };

export function addEnrich(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("enrich")
    .summary("gene sets among the genes that decided")
    .description(
      "Looks for the sets of a .gmt file among the genes of every class: over-representation among the strongest, and rank\nenrichment over all genes. Writes genes/gene_sets_<class>.csv into the run.",
    )
    .argument("<run>", "folder of a run, done as far as explain")
    .requiredOption("--gene-sets <gmt>", "file of gene sets (.gmt or .gmt.gz), e.g. of MSigDB")
    .option("--top <n>", "strongest genes of a class that count as found (default: 50)");
  addOutput(command)
    .addHelpText("after", "\nExamples:\n  cellhue enrich runs/tumours --gene-sets h.all.symbols.gmt")
    .action(async (run: string, options: EnrichFlags) => {
      exit(
        await execute(options, async (ctx) => {
          const { enrichRun, formatEnrichment } = await import("../stages/enrich.js");
          const { geneSets, top } = options;
          const found = await enrichRun(
            run,
            { geneSets, top: top === undefined ? undefined : Number(top) },
            ctx,
          );
          const { visible } = await import("../io/visible.js");
          const text = formatEnrichment(found)
            .split("\n")
            .map((line) => visible(line, 300))
            .join("\n");
          return { json: found, text };
        }),
      );
    });
}
