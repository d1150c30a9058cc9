import { expect, test } from "bun:test";
import { AgentrtError, ERROR_CODES, messageOf } from "../../src/core/errors.ts";

test("errors - each code says when it occurs and whether to try again", () => {
  for (const [code, { retry, when }] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[A-Z_]+$/);
    expect(["never", "after", "now"]).toContain(retry);
    expect(when.length).toBeGreaterThan(10);
  }
  expect(new AgentrtError("QUEUE_FULL", "full").retry).toBe("after");
  expect(new AgentrtError("INTERNAL", "defect").retry).toBe("never");
});

test("errors - an error carries code, text, frozen data and its cause", () => {
  const cause = new Error("inner");
  const error = new AgentrtError("TOO_MANY", "too many", { cause, data: { limit: 3 } });
  expect(error).toMatchObject({
    name: "AgentrtError",
    code: "TOO_MANY",
    message: "too many",
    cause,
  });
  expect(error.data).toEqual({ limit: 3 });
  expect(Object.isFrozen(error.data)).toBe(true);
  expect("cause" in new AgentrtError("TOO_MANY", "too many")).toBe(false);
});

test("errors - anything thrown becomes an AgentrtError, and one of ours stays itself", () => {
  const ours = new AgentrtError("DEADLINE", "late");
  expect(AgentrtError.from(ours, "INTERNAL")).toBe(ours);
  const other = new TypeError("no");
  expect(AgentrtError.from(other)).toMatchObject({ code: "INTERNAL", message: "no", cause: other });
  expect(AgentrtError.from("text", "BAD_FRAME")).toMatchObject({
    code: "BAD_FRAME",
    message: "text",
  });
});

test("errors - whatever was thrown has a text", () => {
  expect(messageOf(Object.assign(new TypeError("why"), { message: "" }))).toBe("TypeError");
  expect(messageOf(new Error("why"))).toBe("why");
  expect(messageOf(undefined)).toBe("undefined");
  expect(messageOf(Object.create(null))).toBe("a value that cannot be shown was thrown");
});
