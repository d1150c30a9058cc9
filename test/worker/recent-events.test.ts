import { describe, expect, test } from "bun:test";
import {
  defineAgent,
  defineMessage,
  SingleThreadedAgentRuntime,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
} from "agentrt";
import fc from "fast-check";
import * as v from "valibot";
import { EMPTY_PAYLOAD, type EventEnvelope } from "../../src/core/envelope.ts";
import { RecentEvents } from "../../src/worker/recent-events.ts";
import { rejectionOf } from "../kit/thrown.ts";

const Note = defineMessage("Note", v.object({ n: v.number() }));

const event = (id: string, source = "s", type = "t"): EventEnvelope => ({
  kind: "event",
  id,
  topic: new TopicId(type, source),
  sender: undefined,
  headers: {},
  payload: EMPTY_PAYLOAD,
});

describe("recent events", () => {
  test("property - what was added within the window is known, what is older than three windows is not", () => {
    const steps = fc.array(
      fc.record({ id: fc.constantFrom("a", "b", "c"), pauseMs: fc.integer({ min: 0, max: 150 }) }),
      { maxLength: 50 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let now = 0;
        const recent = new RecentEvents(100, 1_000, () => now);
        const added = new Map<string, number>();
        for (const { id, pauseMs } of list) {
          now += pauseMs;
          const ageMs = now - (added.get(id) ?? Number.NEGATIVE_INFINITY);
          const isRepeated = recent.isRepeated(event(id));
          if (ageMs < 100) {
            expect(isRepeated).toBe(true);
          } else if (ageMs >= 300) {
            expect(isRepeated).toBe(false);
          }
          if (!isRepeated) {
            added.set(id, now);
          }
        }
      }),
    );
  });

  test("entries - never more than their limit, and the newest are kept", () => {
    const recent = new RecentEvents(1_000_000, 100);
    for (let n = 0; n < 1_000; n += 1) {
      expect(recent.isRepeated(event(`${n}`))).toBe(false);
      expect(recent.size).toBeLessThanOrEqual(100);
    }
    for (let n = 950; n < 1_000; n += 1) {
      expect(recent.isRepeated(event(`${n}`))).toBe(true);
    }
  });

  test("another source or topic is another event; no window knows nothing; what is forgotten may come again", () => {
    const recent = new RecentEvents(1_000_000, 100);
    expect(recent.isRepeated(event("1"))).toBe(false);
    expect(recent.isRepeated(event("1", "other"))).toBe(false);
    expect(recent.isRepeated(event("1", "s", "other"))).toBe(false);
    expect(recent.isRepeated(event("1"))).toBe(true);
    recent.forget(event("1"));
    expect(recent.isRepeated(event("1"))).toBe(false);
    const none = new RecentEvents(0, 100);
    expect([none.isRepeated(event("1")), none.isRepeated(event("1"))]).toEqual([false, false]);
  });
});

describe("duplicates", () => {
  /** Publishes the same message id three times and tells how often the handler saw it. */
  async function timesHandled(dedupWindowMs: number | undefined) {
    let handled = 0;
    await using runtime = new SingleThreadedAgentRuntime({ dedupWindowMs });
    await runtime.registerFactory(
      "notes",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleEvent(Note, () => {
            handled += 1;
          });
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("note", "notes"));
    await runtime.addSubscription(new TypePrefixSubscription("no", "notes"));
    const again = await rejectionOf(runtime.addSubscription(new TypeSubscription("note", "notes")));
    expect(again.code).toBe("SUBSCRIPTION_EXISTS");
    await runtime.start();
    for (let n = 0; n < 3; n += 1) {
      await runtime.publishMessage(Note.of({ n }), new TopicId("note", "a"), { messageId: "same" });
    }
    await runtime.idle();
    return { handled, duplicates: runtime.counts.duplicates };
  }

  test("the same source and id within the window reach a handler once, by several subscriptions too", async () => {
    expect(await timesHandled(undefined)).toEqual({ handled: 1, duplicates: 2 });
  });

  test("a window of 0 hands over everything", async () => {
    expect(await timesHandled(0)).toEqual({ handled: 3, duplicates: 0 });
  });
});
