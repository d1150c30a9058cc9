import { describe, expect, test } from "bun:test";
import { fromType, type ReplayStart } from "../../../src/cli/commands/from-type.ts";
import { parseTopicTypes, showTopicTypes } from "../../../src/cli/commands/topic-types.ts";
import { thrownBy } from "../../kit/thrown.ts";

function startOf(text: unknown): ReplayStart | string {
  const parsed = fromType.parse(text);
  return parsed.ok ? parsed.value : parsed.problem;
}

describe("--from", () => {
  test("from - a number is a position", () => {
    expect(startOf("17")).toEqual({ kind: "position", position: 17 });
  });

  test("from - a moment in ISO 8601, with a zone or local; a date is its local midnight", () => {
    const zoned = Date.UTC(2026, 0, 31, 8);
    expect(startOf("2026-01-31T08:00:00Z")).toEqual({ kind: "time", timeMs: zoned });
    expect(startOf("2026-01-31T09:00:00.000+01:00")).toEqual({ kind: "time", timeMs: zoned });
    const local = new Date(2026, 0, 31, 8, 30).getTime();
    expect(startOf("2026-01-31 08:30")).toEqual({ kind: "time", timeMs: local });
    const midnight = new Date(2026, 0, 31).getTime();
    expect(startOf("2026-01-31")).toEqual({ kind: "time", timeMs: midnight });
  });

  test("from - a time with a unit is so long ago", () => {
    expect(startOf("10m")).toEqual({ kind: "ago", ms: 600_000 });
  });

  test.each(["0", "-1", "99999999999999999999", "soon", "2026-13-01", "2026-01-31T25:00"])(
    "from - %s is refused with all three ways to write it",
    (text) => {
      expect(startOf(text)).toContain("Write a position such as 1");
    },
  );

  test("from - what was read is shown so that it is read again", () => {
    for (const text of ["17", "2026-01-31T08:00:00.000Z", "10m"]) {
      const parsed = fromType.parse(text);
      expect(parsed.ok ? fromType.format(parsed.value) : "").toBe(text);
    }
  });
});

describe("topics of declarations", () => {
  test("topic types - a type, a beginning, and all", () => {
    expect(parseTopicTypes("orders")).toEqual({ text: "orders", isPrefix: false });
    expect(parseTopicTypes("orders.*")).toEqual({ text: "orders.", isPrefix: true });
    expect(parseTopicTypes("*")).toEqual({ text: "", isPrefix: true });
    for (const text of ["orders", "orders.*", "*"]) {
      expect(showTopicTypes(parseTopicTypes(text))).toBe(text);
    }
  });

  test.each(["", "or ders", "*orders", "a**", "orders/shop"])(
    "topic types - %j is refused",
    (text) => {
      expect(thrownBy(() => parseTopicTypes(text)).code).toBe("INVALID_TOPIC");
    },
  );
});
