import { fallbackTextOf } from "./help.ts";
import { GROUP_TITLES, GROUPS } from "./help-words.ts";
import { flagOf, type Machine, type Setting, type SettingGroup, variableOf } from "./setting.ts";
import { SETTING_NAMES, type SettingName, settingOf } from "./settings.ts";

/** Any will do: what depends on the machine says its default in words. */
const MACHINE: Machine = { platform: "linux", environment: {}, home: "/home/user" };

const INTRODUCTION = `# Configuration

<!-- Written by scripts/write-config-docs.ts from src/cli/settings.ts. Change it there. -->

Every setting can be given in three ways:

| way                  | spelling                                         | example                     |
| -------------------- | ------------------------------------------------ | --------------------------- |
| flag                 | \`--\` and the setting's name                      | \`--drain-timeout 10s\`       |
| environment variable | \`AGENTRT_\` and the name in capitals, \`_\` for \`-\` | \`AGENTRT_DRAIN_TIMEOUT=10s\` |
| configuration file   | the name as a top-level TOML key                 | \`drain-timeout = "10s"\`     |

A flag goes before the environment, the environment before the file, and the file before the default.

- \`--config FILE\` names the configuration file; none is read without it. Numbers, booleans and lists may be written as TOML's own: \`seed = 7\`, \`insecure = false\`, \`role = ["host", "ui-agent"]\`.
- A list is divided by commas, and repeating its flag adds to it. Of any other flag that is given twice, the last counts.
- A switch is turned on by \`--insecure\` and off by \`--no-insecure\`.
- An environment variable that is empty counts as not set. Variables that Kubernetes makes for a service called \`agentrt\` are ignored.
- Every value that is given must be valid, also one that a stronger way overrides. An unknown flag, variable or key is an error that names the nearest known one.
- A flag that means nothing to the roles of the process is an error. A variable or key is not, since several processes may share it.
- \`NO_COLOR\` turns colours off and \`FORCE_COLOR\` on. \`LC_ALL\`, \`LC_MESSAGES\` or \`LANG\` choose the language of help: English or Chinese.
- No \`.env\` file is read.

\`\`\`toml
# agentrt.toml: a host and the smart home in one process
role = ["host", "environment-agent", "device-agent", "security-agent", "ui-agent"]
listen = "127.0.0.1:50051"
http = "127.0.0.1:8080"
name = "kitchen"
interval = "10s"
manual-hold = "1h"
\`\`\`

## Exit codes

| code     | when                                                                                                                     |
| -------- | ------------------------------------------------------------------------------------------------------------------------ |
| 0        | stopped by SIGTERM or SIGINT (Ctrl-C), or nothing to run: \`agentrt\` alone, \`--help\`, \`--version\`                         |
| 1        | could not run: a port is taken, a folder cannot be written, a defect                                                     |
| 2        | wrong usage: an unknown or invalid setting, a configuration file that cannot be read, an address that needs \`--insecure\` |
| 130, 143 | a second SIGINT or SIGTERM stopped it at once                                                                            |

The first signal stops gracefully: nothing new is accepted, workers are told, what is in flight may finish for \`--drain-timeout\`. Signals within 200 ms of the first count as one with it, because a terminal and a script may both pass on Ctrl-C.
`;

/** The text of `docs/configuration.md`. */
export function configurationPage(): string {
  return [INTRODUCTION, ...GROUPS.map(groupSection)].join("\n");
}

function groupSection(group: SettingGroup): string {
  const names = SETTING_NAMES.filter((name) => settingOf(name).group === group);
  return `## ${GROUP_TITLES[group].en}\n\n${names.map(settingSection).join("\n")}`;
}

function settingSection(name: SettingName): string {
  const setting: Setting<unknown> = settingOf(name);
  const { about, roles, prevents, type } = setting;
  const key = setting.isNotForFiles === true ? "not in a file" : `key \`${name}\``;
  return [
    `### ${name}`,
    "",
    about.en,
    "",
    `- Flag \`${usageOf(name, type.placeholder)}\`, variable \`${variableOf(name)}\`, ${key}`,
    `- Takes ${type.accepts.en}`,
    `- Default: ${fallbackOf(setting)}`,
    `- Roles: ${roles.length === 0 ? "all" : roles.map((role) => `\`${role}\``).join(", ")}`,
    ...(prevents === undefined ? [] : [`- Prevents ${prevents.en}`]),
    "",
  ].join("\n");
}

function usageOf(name: string, placeholder: string): string {
  return placeholder === "" ? flagOf(name) : `${flagOf(name)} ${placeholder}`;
}

function fallbackOf(setting: Setting<unknown>): string {
  const text = fallbackTextOf(setting, MACHINE, "en");
  if (text === undefined) {
    return "none";
  }
  return setting.fallbackText === undefined ? `\`${text}\`` : text;
}
