import { expect, test } from "bun:test";
import type { RequestEnvelope } from "../../src/core/envelope.ts";
import { InMemoryHost, request, response } from "./in-memory-host.ts";

const giveUp = (id: string, type: string): RequestEnvelope => ({
  ...request(id, type),
  headers: { "agentrt-cancel": id },
});

test("giving up - reaches a worker that understands it, under the id of its own hop", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  callee.session.capabilities = new Set(["cancel"]);
  callee.register("a");
  caller.send(request("7", "a"));
  caller.send(giveUp("7", "a"));
  const [asked, cancel] = callee.received();
  expect(cancel).toMatchObject({
    kind: "request",
    id: asked?.id,
    headers: { "agentrt-cancel": asked?.id },
  });
  expect(host.router.pendingCalls).toBe(0);
  callee.send(response(asked?.id ?? ""));
  expect(caller.received()).toEqual([]);
  expect(host.totals).toMatchObject({ callsIn: 1, callsGivenUp: 1, strayResponses: 1 });
});

test("giving up - is kept from a worker that does not understand it", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  callee.register("a");
  caller.send(request("7", "a"));
  caller.send(giveUp("7", "a"));
  expect(callee.received()).toHaveLength(1);
  expect(host.router.pendingCalls).toBe(0);
});

test("giving up - nobody ends the calls of others, and an unknown id is nothing", () => {
  using host = new InMemoryHost();
  const [callee, caller, thief] = [host.join("callee"), host.join("caller"), host.join("thief")];
  callee.session.capabilities = new Set(["cancel"]);
  callee.register("a");
  caller.send(request("7", "a"));
  thief.send(giveUp("7", "a"));
  caller.send(giveUp("8", "a"));
  const [asked, ...rest] = callee.received();
  expect(rest).toEqual([]);
  callee.send(response(asked?.id ?? "", "done"));
  expect(caller.received()).toMatchObject([{ kind: "response", id: "7", error: "" }]);
  expect([thief.received(), host.totals.callsGivenUp]).toEqual([[], 0]);
});

test("giving up - a second call with the same id of the caller is another call", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  callee.register("a");
  caller.send(request("7", "a"));
  const [first] = callee.received();
  callee.send(response(first?.id ?? ""));
  caller.send(giveUp("7", "a"));
  expect(host.totals).toMatchObject({ callsAnswered: 1, callsGivenUp: 0 });
});
