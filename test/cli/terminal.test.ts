import { expect, test } from "bun:test";
import { createStyler, isColorWanted } from "../../src/cli/terminal.ts";

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ TERM: "dumb" }, true, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, false],
])("colour - %o on a terminal %p is %p", (environment, isTerminal, isWanted) => {
  expect(isColorWanted(environment, isTerminal)).toBe(isWanted);
});

test("colour - a styler without colours leaves text as it is", () => {
  expect(createStyler(false).strong("x")).toBe("x");
  expect(createStyler(true).strong("x")).toBe("\u001b[1mx\u001b[22m");
});
