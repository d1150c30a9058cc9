import { stringWidth } from "bun";
import { COMMAND_NAMES, commandOf } from "./commands/commands.ts";
import { GROUP_TITLES, GROUPS, WORDS } from "./help-words.ts";
import type { Language } from "./language.ts";
import { ROLE_ABOUT, ROLES } from "./roles.ts";
import { flagOf, type Machine, type Setting } from "./setting.ts";
import { SETTING_NAMES, type SettingName, settingOf } from "./settings.ts";
import type { Styler } from "./terminal.ts";
import { padToWidth, wrapText } from "./wrap-text.ts";

export interface HelpOptions {
  readonly language: Language;
  readonly style: Styler;
  /** Columns to fill. */
  readonly width: number;
  readonly machine: Machine;
}

export type Row = readonly [term: string, text: string];

const COMMAND_ROWS = [
  "agentrt demo",
  "agentrt --role host",
  "agentrt new NAME",
  "agentrt --help",
] as const;

/** What `agentrt` alone says: first the commands that a newcomer needs. */
export function shortHelp({ language, style, width }: HelpOptions): string {
  const texts = [WORDS.demo, WORDS.host, WORDS.newProject, WORDS.help].map(
    (text) => text[language],
  );
  const rows = COMMAND_ROWS.map((command, index): Row => [command, texts[index] ?? ""]);
  return `${renderRows(rows, style, width)}\n\n${wrapText(WORDS.tagline[language], width).join("\n")}\n`;
}

/** What `--help` says: everything. */
export function fullHelp(options: HelpOptions): string {
  const { language, style, width } = options;
  const title = (text: string) => titleOf(text, options);
  const plain = (text: string) =>
    wrapText(text, width - 2)
      .map((line) => `  ${line}`)
      .join("\n");
  const sections = [
    wrapText(WORDS.tagline[language], width).join("\n"),
    `${title(WORDS.usage[language])}\n${renderRows(
      [
        ["agentrt demo", WORDS.demo[language]],
        ["agentrt --role ROLE[,ROLE…]", WORDS.someRoles[language]],
        ["agentrt COMMAND …", WORDS.oneCommand[language]],
      ],
      style,
      width,
    )}`,
    `${title(WORDS.commands[language])}\n${renderRows(
      COMMAND_NAMES.map((name): Row => {
        const { usage, about } = commandOf(name);
        return [`${name} ${usage}`.trimEnd(), about[language]];
      }),
      style,
      width,
    )}`,
    `${title(WORDS.roles[language])}\n${renderRows(
      ROLES.map((role): Row => [role, ROLE_ABOUT[role][language]]),
      style,
      width,
    )}`,
    ...GROUPS.map((group) => {
      const names = SETTING_NAMES.filter((name) => settingOf(name).group === group);
      const rows = names.map((name): Row => [termOf(name), textOf(settingOf(name), options)]);
      const actions: readonly Row[] =
        group === "common"
          ? [
              ["-h, --help", WORDS.showHelp[language]],
              ["-V, --version", WORDS.showVersion[language]],
            ]
          : [];
      return `${title(GROUP_TITLES[group][language])}\n${renderRows([...rows, ...actions], style, width)}`;
    }),
    plain(WORDS.sources[language]),
    `${title(WORDS.exit[language])}\n${plain(WORDS.exitCodes[language])}`,
  ];
  return `${sections.join("\n\n")}\n`;
}

/** A setting's default as help and documentation show it; undefined when it has none. */
export function fallbackTextOf(
  setting: Setting<unknown>,
  machine: Machine,
  language: Language,
): string | undefined {
  const value = setting.fallback(machine);
  const isNothing = value === undefined || (Array.isArray(value) && value.length === 0);
  return setting.fallbackText?.[language] ?? (isNothing ? undefined : setting.type.format(value));
}

export function titleOf(text: string, { language, style }: HelpOptions): string {
  return style.strong(language === "zh" ? `${text}：` : `${text}:`);
}

export function termOf(name: SettingName): string {
  const { placeholder } = settingOf(name).type;
  return placeholder === "" ? flagOf(name) : `${flagOf(name)} ${placeholder}`;
}

export function textOf(setting: Setting<unknown>, { language, machine }: HelpOptions): string {
  const isSwitch = setting.type.placeholder === "";
  const fallback = isSwitch ? undefined : fallbackTextOf(setting, machine, language);
  const text =
    setting.about[language] + (fallback === undefined ? "" : defaultNote(fallback, language));
  // The marks of Markdown are for the documentation.
  return text.replaceAll("`", "");
}

function defaultNote(fallback: string, language: Language): string {
  const note = WORDS.fallback[language];
  return language === "zh" ? `（${note}：${fallback}）` : ` (${note}: ${fallback})`;
}

const MAX_TERM_WIDTH = 30;

export function renderRows(rows: readonly Row[], style: Styler, width: number): string {
  const widest = Math.min(MAX_TERM_WIDTH, Math.max(...rows.map(([term]) => stringWidth(term))));
  const indent = widest + 4;
  return rows
    .flatMap(([term, text]) => {
      const lines = wrapText(text, Math.max(20, width - indent));
      const isLong = stringWidth(term) > widest;
      const head = `  ${style.accent(padToWidth(term, widest))}  `;
      return isLong
        ? [`  ${style.accent(term)}`, ...lines.map((line) => " ".repeat(indent) + line)]
        : lines.map((line, index) => (index === 0 ? head : " ".repeat(indent)) + line);
    })
    .join("\n");
}
