import { expect, test } from "bun:test";
import type { Delivery } from "../../src/worker/delivery.ts";
import { TimeLimit } from "../../src/worker/time-limit.ts";

test("time limit - the signal aborts with that of the delivery, before the handler waits or after", async () => {
  for (const isEarly of [true, false]) {
    const caller = new AbortController();
    const limit = new TimeLimit({ signal: caller.signal } as unknown as Delivery, 60_000);
    const { promise, resolve } = Promise.withResolvers<string>();
    if (isEarly) {
      caller.abort("gave up");
    }
    const running = limit.race(promise);
    caller.abort("gave up");
    expect(limit.signal.reason).toBe("gave up");
    resolve("done");
    expect(await running).toBe("done");
    expect(limit.isOver).toBe(false);
    limit.end();
  }
});
