import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatControlAddress, parseControlAddress } from "../../src/core/control.ts";
import { priorityOf } from "../../src/core/priority.ts";
import { agentId, anyText } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";

test("control address - both forms come back as they were written", () => {
  fc.assert(
    fc.property(agentId, (id) => {
      const text = formatControlAddress({ kind: "agent", agentId: id });
      expect(text).toBe(`agentid=${id}`);
      const parsed = parseControlAddress(text);
      expect(parsed.kind === "agent" && parsed.agentId.equals(id)).toBe(true);
    }),
  );
  fc.assert(
    fc.property(anyText, (clientId) => {
      const text = formatControlAddress({ kind: "client", clientId });
      expect(text).toBe(`clientid=${clientId}`);
      expect(parseControlAddress(text)).toEqual({ kind: "client", clientId });
    }),
  );
});

test("control address - another form is refused, and not repeated at length", () => {
  expect(thrownBy(() => parseControlAddress("AgentId=a/b"))).toMatchObject({
    code: "BAD_FRAME",
    message: '"AgentId=a/b" is not a control address. Write agentid=TYPE/KEY or clientid=ID.',
  });
  expect(thrownBy(() => parseControlAddress("agentid=nokey")).code).toBe("INVALID_AGENT_ID");
  expect(thrownBy(() => parseControlAddress("x".repeat(10_000))).message.length).toBeLessThan(300);
  expect(
    thrownBy(() => parseControlAddress(`agentid=${"x".repeat(10_000)}`)).message.length,
  ).toBeLessThan(300);
});

test("priority - anything but high and low is normal", () => {
  const of = (priority: string): string => priorityOf({ priority });
  expect([of("high"), of("low"), of("normal"), of("HIGH"), of(""), priorityOf({})]).toEqual([
    "high",
    "low",
    "normal",
    "normal",
    "normal",
    "normal",
  ]);
});
