import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { stringWidth } from "bun";
import { configurationPage } from "../../src/cli/config-docs.ts";
import { fullHelp, type HelpOptions, shortHelp } from "../../src/cli/help.ts";
import { LANGUAGES, type Language } from "../../src/cli/language.ts";
import { ROLES } from "../../src/cli/roles.ts";
import { SETTING_NAMES, settingOf } from "../../src/cli/settings.ts";
import { createStyler } from "../../src/cli/terminal.ts";
import { wrapText } from "../../src/cli/wrap-text.ts";

function options(language: Language, hasColors = false): HelpOptions {
  return {
    language,
    style: createStyler(hasColors),
    width: 80,
    machine: { platform: "linux", environment: {}, home: "/home/user" },
  };
}

for (const language of LANGUAGES) {
  test(`help ${language} - the short one begins with the two commands of a newcomer`, () => {
    const lines = shortHelp(options(language)).split("\n");
    expect(lines[0]).toStartWith("  agentrt demo ");
    expect(lines[1]).toStartWith("  agentrt --role host ");
    expect(lines[2]).toStartWith("  agentrt new NAME ");
    expect(lines.length).toBeLessThan(10);
  });

  test(`help ${language} - the full one names every setting and role`, () => {
    const text = fullHelp(options(language));
    for (const word of [...SETTING_NAMES.map((name) => `--${name}`), ...ROLES, "--version"]) {
      expect(text).toContain(word);
    }
  });

  test(`help ${language} - no line is wider than the terminal, none has colours`, () => {
    const text = fullHelp(options(language));
    expect(text.split("\n").filter((line) => stringWidth(line) > 80)).toEqual([]);
    expect(text).not.toContain("\u001b");
    expect(fullHelp(options(language, true))).toContain("\u001b[1m");
  });
}

test("help - every text is there in both languages, and Chinese where it should be", () => {
  for (const name of SETTING_NAMES) {
    const { about, prevents, type } = settingOf(name);
    for (const text of [about, type.accepts, ...(prevents === undefined ? [] : [prevents])]) {
      expect(text.en).toMatch(/^[\p{ASCII}°…]+$/u);
      expect(text.zh).toMatch(/\p{Script=Han}/u);
    }
  }
});

test("wrap - words stay whole, Chinese breaks anywhere but before punctuation", () => {
  expect(wrapText("one two three", 8)).toEqual(["one two", "three"]);
  expect(wrapText("读数之间的时间。", 8)).toEqual(["读数之间", "的时间。"]);
  expect(wrapText("时间长（默认：5s）", 8)).toEqual(["时间长", "（默认：", "5s）"]);
  expect(wrapText("unbreakable", 5)).toEqual(["unbreakable"]);
  expect(wrapText("", 5)).toEqual([""]);
});

test("configuration page - docs/configuration.md is what the table of settings makes", () => {
  const url = new URL("../../docs/configuration.md", import.meta.url);
  // When this fails: bun scripts/write-config-docs.ts
  expect(readFileSync(url, "utf8")).toBe(configurationPage());
});
