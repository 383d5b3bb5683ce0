/** The commands that do one stage on a run folder. */
import type { Command } from "commander";
import type { SettingName } from "../config.js";
import type { StageName } from "../io/run-folder.js";
import { execute } from "./execute.js";
import { addOutput, addSettings, type ParsedOptions, sourcesOf } from "./options.js";

export interface StageCommand {
  stage: Exclude<StageName, "audit">;
  summary: string;
  description: string;
  settings: readonly SettingName[];
  examples: readonly string[];
}

export function addStage(program: Command, exit: (code: number) => void, stage: StageCommand): void {
  const command = program
    .command(stage.stage)
    .summary(stage.summary)
    .description(stage.description)
    .argument("<run>", "folder of a run");
  if (stage.settings.length > 0) addSettings(command, stage.settings);
  addOutput(command)
    .addHelpText("after", `\nExamples:\n${stage.examples.map((example) => `  ${example}`).join("\n")}`)
    .action(async (run: string, options: ParsedOptions) => {
      exit(
        await execute(options, async (ctx) => {
          const [sources, { runStage }, { outcomeOf }] = await Promise.all([
            sourcesOf(options),
            import("../stages/run.js"),
            import("./summary.js"),
          ]);
          return outcomeOf(await runStage(run, stage.stage, sources, ctx));
        }),
      );
    });
}
