import { COMMAND_NAMES, type CommandName, commandOf } from "./commands/commands.ts";
import { exampleLine } from "./commands/example-line.ts";
import { optionOf } from "./commands/options.ts";
import { usageOf } from "./commands/read-invocation.ts";
import { flagOf } from "./setting.ts";

const INTRODUCTION = `# Commands

<!-- Written by scripts/write-config-docs.ts from src/cli/commands/commands.ts and src/cli/cli-docs.ts. -->

A command does one thing and ends. \`new\`, \`test\` and \`types\` are for [agents of your own](agents.md)
and need no host, nor does \`completion\`. All others work with a running host, with every one that
speaks AutoGen's protocol, here or elsewhere: \`--host-address house:50051\`, \`AGENTRT_HOST_ADDRESS\` or
the key of the \`--config\` file name it. \`ls\` (but for subscriptions) and \`top\` need agentrt's own
host, which reports on itself by the service \`agentrt.v1.HostInfo\` on the same port; the status page
may be off. \`topic\`, \`schedule\`, \`dead\`, \`data\` and \`sub --from\` need one with a data folder
([durable topics](host.md#durable-topics)), which they ask by \`agentrt.v1.Durable\`.

Results go to standard output, everything else to standard error. With \`--json\` a result is one
JSON value on a line, and with \`sub\` one a message. Only errors of the command itself are shown;
\`--log-level\` adds the log of the connection. Text of peers is printed with its control characters
spelt out, so that it cannot steer the terminal. What is printed for people is in Chinese when
\`LC_ALL\`, \`LC_MESSAGES\` or \`LANG\` begins with \`zh\`, otherwise in English; errors and JSON are the
same everywhere.

## Exit codes

| code     | when                                                                                                                       |
| -------- | -------------------------------------------------------------------------------------------------------------------------- |
| 0        | done; for \`sub\`, \`top\` and a \`pub\` that repeats also: ended by Ctrl-C, SIGTERM, or a reader of the output that went away |
| 1        | failed: no host within \`--connect-timeout\`, the agent's error, a time-out, a step that \`doctor\` found broken, a test, damage that \`data check\` found |
| 2        | wrong usage: an unknown flag, a topic, an agent id, a file or data that cannot be read                                     |
| 130, 143 | a second SIGINT or SIGTERM stopped it at once                                                                              |

An error is one line on standard error, with its stable code at the end:
\`agentrt: No host answered at … [NOT_CONNECTED]\`.

## Data

A text, or a JSON object or array, becomes the content of a \`Message\`, the type of the short API.
With \`--type NAME\` the data is JSON of that type and goes out as it was written. \`@FILE\` takes the
data from a file. \`-\` reads standard input: \`pub\` makes a message of each line that is not empty,
\`call\` and \`state load\` take all of it. A text that begins with \`@\` goes through \`-\`.

What arrives is shown as it came, whatever its type: JSON as JSON on one line, with numbers spelt as
they were; the text of a \`Message\` as text; other bytes, such as protobuf, in base64 (\`dataBase64\`).

\`pub\` is done when the messages were given to the connection and the host has ended it in order.
Whether anybody received them it cannot know; a connection that broke meanwhile is reported. On a
durable topic it is done when the host has stored each of them, and fails when one could not be.

## Shell completion

The script asks the program at each tab, so that it needs no renewal. What was typed is passed on
as plain words, and nothing of it is run.

\`\`\`sh
agentrt completion bash > ~/.local/share/bash-completion/completions/agentrt
agentrt completion zsh > ~/.zfunc/_agentrt   # a folder of $fpath
agentrt completion fish > ~/.config/fish/completions/agentrt.fish
\`\`\`
`;

/** The text of `docs/cli.md`. */
export function commandsPage(): string {
  return [INTRODUCTION, ...COMMAND_NAMES.map(commandSection)].join("\n");
}

function commandSection(name: CommandName): string {
  const { about, details, options, settings, examples } = commandOf(name);
  const flags = options.map((option) => {
    const { type, about: text } = optionOf(option);
    return `- \`${`${flagOf(option)} ${type.placeholder}`.trimEnd()}\`: ${text.en}`;
  });
  const known = settings.map((setting) => `\`${flagOf(setting)}\``).join(", ");
  return [
    `## ${name}`,
    "",
    `\`${usageOf(name)}\` ${about.en}.`,
    "",
    ...(details === undefined ? [] : [details.en, ""]),
    ...(flags.length === 0 ? [] : [...flags, ""]),
    ...(known === "" ? [] : [`Settings: ${known}, see [configuration](configuration.md).`, ""]),
    "```sh",
    ...examples.map(exampleLine),
    "```",
    "",
  ].join("\n");
}
