import { expect, test } from "bun:test";
import { waitFor } from "../kit/wait.ts";
import { event, request, response } from "./in-memory-host.ts";
import { DEADLINE_MS, startHost, WireWorker } from "./wire-worker.ts";

const MANY = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`h${index}`, "x"]));
const LARGE = { large: "é".repeat(100) };

test.each([
  ["TOO_MANY", MANY, "The message has 5 headers; the host takes 4 (max-headers)."],
  [
    "TOO_LARGE",
    LARGE,
    "The headers of the message have 205 bytes; the host takes 128 (max-header-size).",
  ],
] as const)(
  "header limits - a message over them is refused with %s and counted, a call is answered so",
  async (code, headers, message) => {
    await using host = await startHost({ maxHeaders: 4, maxHeaderBytes: 128 });
    using worker = await WireWorker.join(host.address, "w");
    worker.send(event("e", "topic", headers));
    worker.send({ ...request("1", "a"), headers });
    worker.send(event("fits", "topic", { h: "x" }));
    const [answer] = await worker.channel.waitFor(1);
    expect(answer).toMatchObject({ kind: "response", id: "1", headers: { "agentrt-code": code } });
    await waitFor(() => host.report().totals.eventsIn === 1, { what: "the event that fits" });
    const { totals, errors } = host.report();
    expect(totals.limitsHit).toBe(2);
    expect(errors.map((error) => error.message)).toEqual([message, message]);
  },
);

test("header limits - an answer over them ends its call at once with TOO_LARGE, and is counted", async () => {
  await using host = await startHost({ maxHeaderBytes: 128, rpcTimeoutMs: 3_600_000 });
  using callee = await WireWorker.join(host.address, "callee");
  using caller = await WireWorker.join(host.address, "caller");
  await callee.client.registerAgent("a", DEADLINE_MS);
  caller.send(request("7", "a"));
  const [asked] = await callee.channel.waitFor(1);
  callee.send({ ...response(asked?.id ?? "", "done"), headers: LARGE });
  const [answer] = await caller.channel.waitFor(1);
  expect(answer).toMatchObject({
    ...{ kind: "response", id: "7", headers: { "agentrt-code": "TOO_LARGE" } },
    error:
      "RESOURCE_EXHAUSTED: The headers of the answer have 205 bytes; the host takes 128 (max-header-size).",
  });
  callee.send({ ...response(asked?.id ?? ""), headers: LARGE });
  await waitFor(() => host.report().totals.strayResponses === 1, { what: "the stray answer" });
  const { pendingCalls, totals, errors } = host.report();
  expect(pendingCalls).toBe(0);
  expect(totals).toMatchObject({ limitsHit: 2, callsFailed: 1, callsTimedOut: 0, badFrames: 2 });
  expect(errors[0]).toMatchObject({ code: "TOO_LARGE", where: "callee" });
});
