import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  AgentId,
  assertAgentType,
  isAgentType,
  MAX_AGENT_TYPE_LENGTH,
  shorten,
} from "../../src/core/agent-id.ts";
import { agentId, agentType, someText } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";

describe("agent id", () => {
  test("agent id - prints as type/key and parses back", () => {
    expect(String(new AgentId("device_agent", "kitchen"))).toBe("device_agent/kitchen");
    fc.assert(
      fc.property(agentId, (id) => {
        const parsed = AgentId.parse(id.toString());
        expect([parsed.type, parsed.key]).toEqual([id.type, id.key]);
        expect(parsed.equals(id)).toBe(true);
      }),
    );
  });

  test("agent id - the first slash divides, later ones are the key's", () => {
    const id = AgentId.parse("agent//a/b");
    expect([id.type, id.key]).toEqual(["agent", "/a/b"]);
  });

  test("agent id - equality looks at both parts", () => {
    const id = new AgentId("a", "b");
    expect(id.equals(new AgentId("a", "b"))).toBe(true);
    expect(id.equals(new AgentId("a", "c"))).toBe(false);
    expect(id.equals(new AgentId("c", "b"))).toBe(false);
    expect(id.equals(undefined)).toBe(false);
  });

  test.each(["", "plain", "/key", "type/", "a b/c", "a:b/c", "a\n/c", "é\u0301!/x"])(
    "agent id - %j is not one",
    (text) => {
      expect(thrownBy(() => AgentId.parse(text)).code).toBe("INVALID_AGENT_ID");
    },
  );

  test("agent id - the texts of its errors say what to write", () => {
    expect(thrownBy(() => AgentId.parse("plain")).message).toBe(
      '"plain" is not an agent id. Write it as type/key.',
    );
    expect(thrownBy(() => new AgentId("agent", "")).message).toBe(
      'Agent key of type "agent" is empty. Give a key such as "default".',
    );
    expect(thrownBy(() => assertAgentType("a b")).message).toBe(
      '"a b" is not a legal agent type. Use letters, digits, "_", "-" and "." only, 255 at the most.',
    );
  });

  test("agent id - its types are those of Python's \\w, '-' and '.'", () => {
    fc.assert(fc.property(agentType, (type) => isAgentType(type)));
    fc.assert(
      fc.property(
        agentType,
        fc.constantFrom(..." /:=+*\n\0€😀"),
        agentType,
        (head, illegal, tail) => {
          expect(isAgentType(head + illegal + tail)).toBe(false);
        },
      ),
    );
  });

  test("agent id - types have a longest length, and errors do not repeat long texts", () => {
    expect(isAgentType("a".repeat(MAX_AGENT_TYPE_LENGTH))).toBe(true);
    expect(isAgentType("a".repeat(MAX_AGENT_TYPE_LENGTH + 1))).toBe(false);
    const long = "x".repeat(1_000_000);
    for (const step of [
      () => AgentId.parse(long),
      () => new AgentId(long, "key"),
      () => new AgentId(`${long} `, "key"),
    ]) {
      expect(thrownBy(step).message.length).toBeLessThan(300);
    }
  });
});

describe("shorten", () => {
  test("shorten - leaves what fits, cuts the rest and shows that it did", () => {
    expect(shorten("12345", 5)).toBe("12345");
    expect(shorten("123456", 5)).toBe("12345…");
  });

  test("shorten - never makes half a surrogate pair, which gRPC cannot send", () => {
    expect(shorten("ab😀cd", 3)).toBe("ab…");
    fc.assert(
      fc.property(someText, fc.nat(20), (text, length) => {
        const short = shorten(text, length);
        expect(short.isWellFormed()).toBe(true);
        expect(short.length).toBeLessThanOrEqual(Math.max(length + 1, 0));
        expect(text.startsWith(short.replace(/…$/, ""))).toBe(true);
      }),
    );
  });
});
