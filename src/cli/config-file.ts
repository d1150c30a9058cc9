import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { shorten } from "../core/agent-id.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { didYouMean } from "./nearest.ts";
import type { Given } from "./origin.ts";
import { isSettingName, SETTING_NAMES, settingOf } from "./settings.ts";

/**
 * Reads a configuration file: TOML with the settings as top-level keys.
 * @throws AgentrtError `CONFIG_UNREADABLE` when it cannot be read or is no TOML,
 *   `UNKNOWN_OPTION` for a key that is no setting
 */
export function readConfigFile(file: string): readonly Given[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new AgentrtError(
      "CONFIG_UNREADABLE",
      `The configuration file ${file} cannot be read: ${messageOf(error)}. Check the path and its permissions.`,
      { cause: error, data: { file } },
    );
  }
  return readConfigText(text.replace(/^\uFEFF/, ""), file);
}

/** As {@link readConfigFile}, for a text that was read already. */
export function readConfigText(text: string, file: string): readonly Given[] {
  return Object.entries(parseToml(text, file)).map(([name, raw]) => {
    const line = lineOf(name, text);
    if (!isSettingName(name) || settingOf(name).isNotForFiles === true) {
      throw unknownKey(name, file, line);
    }
    return { name, raw, origin: { kind: "file", file, line } };
  });
}

function parseToml(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) {
      throw error;
    }
    // Its message goes on with an excerpt of several lines.
    const [reason = ""] = error.message.split("\n", 1);
    throw new AgentrtError(
      "CONFIG_UNREADABLE",
      `${file} line ${error.line} column ${error.column}: ${reason}.`,
      { cause: error, data: { file, line: error.line } },
    );
  }
}

/** The first line that assigns a top-level key, or begins the table of its name. */
function lineOf(name: string, text: string): number | undefined {
  const spellings = [name, `"${name}"`, `'${name}'`];
  const index = text.split("\n").findIndex((line) => {
    const bare = line.trim().replace(/^\[+\s*/, "");
    return spellings.some(
      (spelling) => bare.startsWith(spelling) && /^\s*[=.\]]/.test(bare.slice(spelling.length)),
    );
  });
  return index < 0 ? undefined : index + 1;
}

function unknownKey(name: string, file: string, line: number | undefined): AgentrtError {
  const place = line === undefined ? file : `${file} line ${line}`;
  if (isSettingName(name)) {
    return new AgentrtError(
      "UNKNOWN_OPTION",
      `${name} in ${place} has no place in a configuration file. Give it as a flag.`,
      { data: { key: name } },
    );
  }
  const known = SETTING_NAMES.filter((key) => settingOf(key).isNotForFiles !== true);
  const spelled = name.toLowerCase().replaceAll("_", "-");
  return new AgentrtError(
    "UNKNOWN_OPTION",
    `${shorten(name)} in ${place} is not a setting.${didYouMean(spelled, known)}`,
    { data: { key: shorten(name) } },
  );
}
