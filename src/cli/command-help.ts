import { type CommandName, commandOf } from "./commands/commands.ts";
import { exampleLine } from "./commands/example-line.ts";
import { optionOf } from "./commands/options.ts";
import { usageOf } from "./commands/read-invocation.ts";
import { type HelpOptions, type Row, renderRows, termOf, textOf, titleOf } from "./help.ts";
import { WORDS } from "./help-words.ts";
import { flagOf } from "./setting.ts";
import { settingOf } from "./settings.ts";
import { wrapText } from "./wrap-text.ts";

/** What `agentrt COMMAND --help` says. */
export function commandHelp(name: CommandName, help: HelpOptions): string {
  const { language, style, width } = help;
  const command = commandOf(name);
  const rows: readonly Row[] = [
    ...command.options.map((option): Row => {
      const { type, about } = optionOf(option);
      return [`${flagOf(option)} ${type.placeholder}`.trimEnd(), about[language]];
    }),
    ...command.settings.map((setting): Row => [termOf(setting), textOf(settingOf(setting), help)]),
    ["-h, --help", WORDS.showHelp[language]],
  ];
  const sections = [
    wrapText(`agentrt ${name}: ${command.about[language]}`, width).join("\n"),
    `${titleOf(WORDS.usage[language], help)}\n  ${usageOf(name)}`,
    ...(command.details === undefined
      ? []
      : [wrapText(command.details[language], width).join("\n")]),
    `${titleOf(WORDS.flags[language], help)}\n${renderRows(rows, style, width)}`,
    `${titleOf(WORDS.examples[language], help)}\n${command.examples.map((example) => `  ${exampleLine(example)}`).join("\n")}`,
  ];
  return `${sections.join("\n\n")}\n`;
}
