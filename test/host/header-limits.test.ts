import { expect, test } from "bun:test";
import { waitFor } from "../kit/wait.ts";
import { event, request } from "./in-memory-host.ts";
import { startHost, WireWorker } from "./wire-worker.ts";

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
