import { expect, test } from "bun:test";
import { languageOf } from "../../src/cli/language.ts";

test.each([
  [{}, "en"],
  [{ LANG: "zh_CN.UTF-8" }, "zh"],
  [{ LANG: "zh" }, "zh"],
  [{ LANG: "zh-TW" }, "zh"],
  [{ LANG: "de_DE.UTF-8" }, "en"],
  [{ LANG: "zha" }, "en"],
  [{ LANG: "zh_CN.UTF-8", LC_MESSAGES: "en_US.UTF-8" }, "en"],
  [{ LANG: "en_US.UTF-8", LC_ALL: "zh_CN.UTF-8", LC_MESSAGES: "en" }, "zh"],
  [{ LANG: "zh_CN.UTF-8", LC_ALL: "" }, "zh"],
  [{ LANG: "zh_CN.UTF-8", LC_ALL: "C" }, "en"],
])("language - %o is %s", (environment, language) => {
  expect(languageOf(environment)).toBe(language as "en" | "zh");
});

test("language - the system's own counts only where no variable says one", () => {
  expect(languageOf({}, "zh-CN")).toBe("zh");
  expect(languageOf({ LANG: "en" }, "zh-CN")).toBe("en");
});
