import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  durationType,
  formatDuration,
  formatSize,
  numberType,
  sizeType,
} from "../../src/cli/quantity-types.ts";
import {
  addressType,
  choiceListType,
  choiceType,
  folderType,
  type SettingType,
  switchType,
  textListType,
  textType,
} from "../../src/cli/setting-types.ts";

function read<T>(type: SettingType<T>, raw: unknown): T {
  const parsed = type.parse(raw);
  if (!parsed.ok) {
    throw new Error(parsed.problem);
  }
  return parsed.value;
}

function problemOf(type: SettingType<unknown>, raw: unknown): string {
  const parsed = type.parse(raw);
  return parsed.ok ? "" : parsed.problem;
}

const duration = durationType({ min: 10, max: 86_400_000 });
const size = sizeType({ min: 1024, max: 1024 ** 3 });
const whole = numberType({ min: 0, max: 10, isInteger: true });
const temperature = numberType({ min: -50, max: 100, isInteger: false, unit: " °C" });

test.each([
  ["10ms", 10],
  ["250ms", 250],
  ["5s", 5_000],
  ["1.5s", 1_500],
  ["2m", 120_000],
  ["1 h", 3_600_000],
  ["1D", 86_400_000],
  [" 5s ", 5_000],
])("duration - %p is read", (text, value) => {
  expect(read(duration, text)).toBe(value);
});

test.each(["5", 5, "", "s", "-5s", "5 seconds", "1h30m", "1e3s", "٥s", true, null])(
  "duration - %p has no unit or no number",
  (raw) => {
    expect(problemOf(duration, raw)).toEndWith(
      "is not a time with a unit. Write it as 250ms, 5s, 2m or 1h.",
    );
  },
);

test("duration - beyond its bounds is refused with the bound", () => {
  expect(problemOf(duration, "9ms")).toBe('"9ms" is below the least that is allowed, 10ms.');
  expect(problemOf(duration, "25h")).toBe('"25h" is above the most that is allowed, 1d.');
  expect(problemOf(duration, `${"9".repeat(400)}s`)).not.toBe("");
});

test("duration - formatting is undone by reading", () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 86_400_000 }), (value) => {
      expect(read(duration, formatDuration(value))).toBe(value);
    }),
  );
  expect([0, 90_000, 86_400_000, 1_001].map(formatDuration)).toEqual([
    "0ms",
    "90s",
    "1d",
    "1001ms",
  ]);
});

test.each([
  ["1024", 1024],
  [1024, 1024],
  ["1024B", 1024],
  ["4MiB", 4 * 1024 ** 2],
  ["4 mib", 4 * 1024 ** 2],
  ["1.5KiB", 1536],
  ["1GiB", 1024 ** 3],
  ["2MB", 2_000_000],
])("size - %p is read", (raw, value) => {
  expect(read(size, raw)).toBe(value);
});

test.each(["", "4M", "4 megabytes", "-1", "1e6", "0.3B", true, null])(
  "size - %p is refused",
  (raw) => {
    expect(problemOf(size, raw)).toEndWith(
      "is not a size. Write it as 64KiB, 4MiB or a number of bytes.",
    );
  },
);

test("size - beyond its bounds is refused with the bound", () => {
  expect(problemOf(size, "1023")).toBe('"1023" is below the least that is allowed, 1KiB.');
  expect(problemOf(size, "2GiB")).toBe('"2GiB" is above the most that is allowed, 1GiB.');
});

test("size - formatting is undone by reading", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1024, max: 1024 ** 3 }), (value) => {
      expect(read(size, formatSize(value))).toBe(value);
    }),
  );
});

test("number - bounds are in, beyond is out", () => {
  expect([read(whole, "0"), read(whole, 10)]).toEqual([0, 10]);
  expect(problemOf(whole, "11")).toBe('"11" is above the most that is allowed, 10.');
  expect(problemOf(whole, -1)).toBe('"-1" is below the least that is allowed, 0.');
  expect(problemOf(temperature, "100.1")).toBe(
    '"100.1" is above the most that is allowed, 100 °C.',
  );
  expect(read(temperature, "-3.5")).toBe(-3.5);
});

test.each(["1.5", 1.5, "", "x", "0x1", "Infinity", Number.NaN, true])(
  "number - %p is not a whole number",
  (raw) => {
    expect(problemOf(whole, raw)).toEndWith("is not a whole number. Give one from 0 to 10.");
  },
);

test("switch - words of both kinds, in any case", () => {
  expect([true, "true", "1", "YES", "on"].map((raw) => read(switchType, raw))).not.toContain(false);
  expect([false, "false", "0", "No", "off"].map((raw) => read(switchType, raw))).not.toContain(
    true,
  );
  expect(problemOf(switchType, "maybe")).toBe('"maybe" is neither true nor false.');
});

test("choice - another word is refused with the choices and the nearest", () => {
  const type = choiceType(["pretty", "json"]);
  expect(read(type, "json")).toBe("json");
  expect(problemOf(type, "jsno")).toBe('"jsno" is not one of pretty, json. Did you mean "json"?');
  expect(problemOf(type, "xml")).toBe('"xml" is not one of pretty, json.');
});

test("choice list - commas or an array, each once", () => {
  const type = choiceListType("ROLE", ["host", "ui-agent"]);
  expect(read(type, "host, ui-agent")).toEqual(["host", "ui-agent"]);
  expect(read(type, ["ui-agent"])).toEqual(["ui-agent"]);
  expect(problemOf(type, "host,host")).toBe('"host" is given twice. Name each once.');
  expect(problemOf(type, "host,ui")).toBe('"ui" is not one of host, ui-agent.');
  expect(problemOf(type, "hots")).toBe('"hots" is not one of host, ui-agent. Did you mean "host"?');
  expect(problemOf(type, [])).toBe("The list is empty. Choose from host, ui-agent.");
  expect(problemOf(type, "host,")).not.toBe("");
  expect(problemOf(type, [1])).not.toBe("");
});

test("text list - each text fits, none is fine", () => {
  const type = textListType({
    placeholder: "N",
    accepts: { en: "", zh: "" },
    pattern: /^[a-z]+$/,
    hint: "is no name.",
  });
  expect(read(type, "a,b")).toEqual(["a", "b"]);
  expect(read(type, "")).toEqual([]);
  expect(read(type, [])).toEqual([]);
  expect(problemOf(type, "a,1")).toBe('"1" is no name.');
  expect(problemOf(type, [2])).toBe('"2" is no name.');
});

test("text - only what fits the pattern", () => {
  const type = textType({
    placeholder: "N",
    accepts: { en: "", zh: "" },
    pattern: /^[a-z]{1,3}$/,
    hint: "is no name.",
  });
  expect(read(type, "abc")).toBe("abc");
  expect(problemOf(type, "abcd")).toBe('"abcd" is no name.');
  expect(problemOf(type, 3)).toBe('"3" is no name.');
});

test("address - off and port 0 only where they mean something", () => {
  const listen = addressType({ minPort: 0, hasOff: true });
  const dial = addressType({ minPort: 1, hasOff: false });
  expect(read(listen, "off")).toBeUndefined();
  expect(read(listen, "[::1]:0")).toBe("[::1]:0");
  expect(read(dial, "localhost:1")).toBe("localhost:1");
  expect(problemOf(dial, "off")).not.toBe("");
  expect(problemOf(dial, "localhost:0")).toBe(
    '"localhost:0" has port 0, which nothing can be dialled at.',
  );
  expect(problemOf(dial, 50051)).toBe('"50051" is not a text such as "127.0.0.1:50051".');
});

test("folder - a path or none", () => {
  expect(read(folderType, "none")).toBeUndefined();
  expect(read(folderType, "data")).toBe("data");
  expect(problemOf(folderType, "")).toBe('"" is not a folder. Give a path, or none.');
  expect(problemOf(folderType, "a\0b")).not.toBe("");
});
