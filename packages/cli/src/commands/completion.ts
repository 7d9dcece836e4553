import type { Command } from "commander";
import { renderBashCompletion, type CommandTree } from "../render/completion.ts";
import type { Screen } from "../surroundings.ts";
import { example } from "./flags.ts";

export function addCompletionCommand(program: Command, stdout: Screen): void {
  program
    .command("completion")
    .description("print a completion script for a shell")
    .command("bash")
    .description("for bash")
    .addHelpText(
      "after",
      example(
        "muster completion bash > /etc/bash_completion.d/muster",
        "source <(muster completion bash)",
      ),
    )
    .action(() => {
      stdout.write(renderBashCompletion(treeOf(program)));
    });
}

function treeOf(command: Command): CommandTree {
  return {
    name: command.name(),
    flags: command.options.flatMap(({ long, short }) =>
      [long, short].filter((flag) => flag != null),
    ),
    flagsWithValue: command.options
      .filter(({ required }) => required)
      .flatMap(({ long, short }) => [long, short].filter((flag) => flag != null)),
    argument: command.registeredArguments[0]?.name() ?? "",
    commands: command.commands.map(treeOf),
  };
}
