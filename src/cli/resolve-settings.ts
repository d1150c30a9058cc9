import { AgentrtError } from "../core/errors.ts";
import { readConfigFile } from "./config-file.ts";
import { readEnvironment } from "./environment-variables.ts";
import { describeOrigin, type Given, type Origin } from "./origin.ts";
import type { Machine } from "./setting.ts";
import { SETTING_NAMES, type SettingName, type SettingValues, settingOf } from "./settings.ts";

/** All settings with their values, and where each came from. */
export class ResolvedSettings {
  readonly values: SettingValues;
  readonly #origins: ReadonlyMap<SettingName, Origin>;

  constructor(values: SettingValues, origins: ReadonlyMap<SettingName, Origin>) {
    this.values = values;
    this.#origins = origins;
  }

  originOf(name: SettingName): Origin {
    return this.#origins.get(name) ?? { kind: "default" };
  }

  /** Names the place that a value came from, for an error's text. */
  whereIs(name: SettingName): string {
    return describeOrigin(name, this.originOf(name));
  }

  isGiven(name: SettingName): boolean {
    return this.originOf(name).kind !== "default";
  }
}

/**
 * Puts all sources together: flag before environment before configuration file before default.
 * A value that a stronger source overrides must be valid all the same.
 * @throws AgentrtError `INVALID_OPTION`, `UNKNOWN_OPTION`, `CONFIG_UNREADABLE`
 */
export function resolveSettings(
  flags: readonly Given[],
  machine: Machine,
  readFile: (file: string) => readonly Given[] = readConfigFile,
): ResolvedSettings {
  const environment = readEnvironment(machine.environment);
  const direct = layer([environment, flags]);
  const file = direct.get("config")?.value;
  const inFile = typeof file === "string" ? readFile(file) : [];
  const found = layer([inFile, environment, flags]);

  const values = Object.fromEntries(
    SETTING_NAMES.map((name) => {
      const entry = found.get(name);
      return [name, entry === undefined ? settingOf(name).fallback(machine) : entry.value];
    }),
  );
  const origins = new Map([...found].map(([name, { origin }]) => [name, origin] as const));
  // Each value comes from its own setting's `parse` or `fallback`, which the table types.
  return new ResolvedSettings(Object.freeze(values) as SettingValues, origins);
}

interface Entry {
  readonly value: unknown;
  readonly origin: Origin;
}

/** Later sources win. */
function layer(sources: readonly (readonly Given[])[]): ReadonlyMap<SettingName, Entry> {
  const entries = new Map<SettingName, Entry>();
  for (const { name, raw, origin } of sources.flat()) {
    const parsed = settingOf(name).type.parse(raw);
    if (!parsed.ok) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `${describeOrigin(name, origin)}: ${parsed.problem}`,
        {
          data: { setting: name },
        },
      );
    }
    entries.set(name, { value: parsed.value, origin });
  }
  return entries;
}
