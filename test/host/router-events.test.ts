import { describe, expect, test } from "bun:test";
import { TypePrefixSubscription } from "../../src/core/subscription.ts";
import { event, exact, InMemoryHost, textOf } from "./in-memory-host.ts";
import { idsOf } from "./router-outcomes.ts";

describe("router - events", () => {
  test("events - each worker gets one copy, however many of its subscriptions match", () => {
    using host = new InMemoryHost();
    const [first, second, third] = [host.join("1"), host.join("2"), host.join("3")];
    first.register("a", "b");
    second.register("c");
    third.register("d");
    first.subscribe(
      exact("topic", "a"),
      exact("topic", "b"),
      new TypePrefixSubscription("to", "a"),
    );
    second.subscribe(exact("topic", "c"));
    third.subscribe(exact("other", "d"));
    second.send(event("e1", "topic"));
    expect([first, second, third].map((worker) => idsOf(worker.received()))).toEqual([
      ["e1"],
      ["e1"],
      [],
    ]);
    expect(host.totals).toMatchObject({ eventsIn: 1, eventsDelivered: 2, eventsUnmatched: 0 });
  });

  test("events - the bytes go out as they came in", () => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.register("a");
    worker.subscribe(exact("topic", "a"));
    worker.send(event("e1", "topic", { traceparent: "00-1-2-01" }, "data"));
    const [received] = worker.received();
    expect(received).toMatchObject({ id: "e1", headers: { traceparent: "00-1-2-01" } });
    expect(received && textOf(received)).toBe("data");
  });

  test("events - a subscription counts for the holder of its agent type, whoever made it", () => {
    using host = new InMemoryHost();
    const [holder, other] = [host.join("1"), host.join("2")];
    holder.register("a");
    other.subscribe(exact("topic", "a"));
    other.send(event("e1", "topic"));
    expect(idsOf(holder.received())).toEqual(["e1"]);
    expect(idsOf(other.received())).toEqual([]);
  });

  test("events - one that nobody wants is counted, and one whose agent type nobody holds is kept", () => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.subscribe(exact("orphan", "a"));
    worker.send(event("e1", "nothing"));
    worker.send(event("e2", "orphan"));
    expect(host.totals).toMatchObject({ eventsIn: 2, eventsDelivered: 0, eventsUnmatched: 2 });
    expect(host.deadLetters.recent).toMatchObject([
      {
        reason: "NO_SUCH_AGENT",
        detail: 'Agent type "a" is subscribed, but no worker holds it.',
        messageId: "e2",
        destination: "orphan/source",
      },
    ]);
  });

  test("events - those of an urgent priority overtake the ones that wait", () => {
    using host = new InMemoryHost();
    const worker = host.join("1", 0);
    worker.register("a");
    worker.subscribe(exact("topic", "a"));
    for (const [id, priority] of [
      ["n1", "normal"],
      ["l1", "low"],
      ["h1", "high"],
      ["n2", "?"],
      ["h2", "high"],
    ] as const) {
      worker.send(event(id, "topic", { priority }));
    }
    worker.stream.drain();
    expect(idsOf(worker.received())).toEqual(["h1", "h2", "n1", "n2", "l1"]);
  });
});
