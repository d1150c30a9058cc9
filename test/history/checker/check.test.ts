/** Each promise is seen to be found broken, in a history that breaks it, and kept in one that keeps it. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { HistoryEvent } from "../history.ts";
import { check } from "./check.ts";
import { COUNTER, DURABLE, FLAKY, LISTENER, MadeHistory, PLAIN, RECORDER } from "./made-history.ts";

const SLACK_MS = 100;

function broken(history: MadeHistory): readonly string[] {
  return check(history.events, { slackMs: SLACK_MS }).map(
    ({ invariant, text }) => `${invariant}: ${text}`,
  );
}

describe("lost", () => {
  test("checker - an acknowledged durable message that does not reach a subscriber is lost", () => {
    const history = new MadeHistory(RECORDER, COUNTER).publish(DURABLE, 1).publish(DURABLE, 2);
    history.handle("recorder", DURABLE, 1).count(DURABLE, 1).count(DURABLE, 2).counted();
    expect(broken(history)).toEqual([
      `lost: ${DURABLE} 2 was acknowledged and did not reach recorder`,
    ]);
  });

  test("checker - of one that counts its state counts, not what it noted", () => {
    const history = new MadeHistory(COUNTER).publish(DURABLE, 1).handle("counter", DURABLE, 1);
    expect(broken(history.counted())).toEqual([
      `lost: ${DURABLE} 1 was acknowledged and did not reach counter`,
    ]);
  });

  test("checker - nothing is lost that was refused, is unknown, is kept as dead, or came before the subscription", () => {
    const history = new MadeHistory(FLAKY).publish(DURABLE, 1, "STORE_FULL");
    history.publish(DURABLE, 2, "unknown").publish(DURABLE, 3);
    history.add({
      ...{ at: history.now, kind: "dead", agentType: "flaky", reason: "MAX_DELIVER" },
      ...{ stream: DURABLE, n: 3 },
    });
    history.add({ at: history.now, kind: "subscriber", ...RECORDER });
    expect(broken(history)).toEqual([]);
  });

  test("checker - as much as is reported as damaged may be missing, and no more", () => {
    const history = new MadeHistory(RECORDER).publish(DURABLE, 1).publish(DURABLE, 2);
    history.add({ at: history.now, kind: "damaged", records: 1, topicType: "d.b" });
    expect(broken(history)).toHaveLength(2);
    history.add({ at: history.now, kind: "damaged", records: 1, topicType: "d.a" });
    expect(broken(history)).toHaveLength(1);
    history.add({ at: history.now, kind: "damaged", records: 1, topicType: undefined });
    expect(broken(history)).toEqual([]);
  });
});

describe("invented", () => {
  const reasons: readonly (readonly [string, (history: MadeHistory) => unknown])[] = [
    ["which was never published", (history) => history.handle("recorder", DURABLE, 1)],
    [
      "which was refused (STORE_FULL)",
      (history) => history.publish(DURABLE, 1, "STORE_FULL").handle("recorder", DURABLE, 1),
    ],
    [
      "which is on a topic that it is not subscribed to",
      (history) => history.publish(PLAIN, 1).handle("recorder", PLAIN, 1),
    ],
    [
      "which is not for its key k",
      (history) =>
        history.publish("p1.1 d.a/x normal", 1).handle("recorder", "p1.1 d.a/x normal", 1),
    ],
  ];
  test.each(reasons)("checker - a message is invented %s", (why, make) => {
    const history = new MadeHistory(RECORDER);
    make(history);
    expect(broken(history)).toEqual([expect.stringMatching(/^invented: recorder got /)]);
    expect(broken(history)[0]).toEndWith(why);
  });

  test("checker - one that a state has counted, or that is kept as dead, may be invented too", () => {
    expect(broken(new MadeHistory(COUNTER).count(DURABLE, 7).counted())).toHaveLength(1);
    const history = new MadeHistory(FLAKY).add({
      ...{ at: 0, kind: "dead", agentType: "flaky", reason: "MAX_DELIVER", stream: DURABLE, n: 1 },
    });
    expect(broken(history)).toHaveLength(1);
  });
});

describe("order", () => {
  const published = (): MadeHistory =>
    new MadeHistory(RECORDER).publish(DURABLE, 1).publish(DURABLE, 2).publish(DURABLE, 3);

  test("checker - a message after a later one of its stream is out of order", () => {
    const history = published().handle("recorder", DURABLE, 1).handle("recorder", DURABLE, 3);
    expect(broken(history.handle("recorder", DURABLE, 2))).toEqual([
      `order: recorder got ${DURABLE} 2 after number 3 of it`,
    ]);
  });

  test("checker - one that comes again counts where it came first", () => {
    const history = published().handle("recorder", DURABLE, 1).handle("recorder", DURABLE, 2);
    history.fault("kill s1", 1).handle("recorder", DURABLE, 1, "s1.2");
    history.handle("recorder", DURABLE, 2, "s1.2").handle("recorder", DURABLE, 3, "s1.2");
    expect(broken(history)).toEqual([]);
  });

  test("checker - streams do not wait for each other, and an agent that fails gets some later", () => {
    const high = DURABLE.replace("normal", "high");
    const history = new MadeHistory(RECORDER, FLAKY).publish(DURABLE, 1).publish(high, 1);
    history.publish(DURABLE, 2);
    for (const [stream, n] of [
      [high, 1],
      [DURABLE, 1],
      [DURABLE, 2],
    ] as const) {
      history.handle("recorder", stream, n);
    }
    for (const [stream, n] of [
      [DURABLE, 2],
      [DURABLE, 1],
      [high, 1],
    ] as const) {
      history.handle("flaky", stream, n);
    }
    expect(broken(history)).toEqual([]);
  });
});

describe("repeated", () => {
  const handled = (): MadeHistory =>
    new MadeHistory(RECORDER).publish(DURABLE, 1).handle("recorder", DURABLE, 1);

  test("checker - one that counts may count nothing twice, whatever happens", () => {
    const history = new MadeHistory(COUNTER).publish(DURABLE, 1).fault("kill host", 5);
    history.count(DURABLE, 1).counted({ stream: DURABLE, n: 1 });
    expect(broken(history)).toEqual([`repeated: counter has counted ${DURABLE} 1 more than once`]);
  });

  test("checker - nothing comes twice in one life, whatever happens", () => {
    expect(broken(handled().fault("kill host", 5).handle("recorder", DURABLE, 1))).toEqual([
      `repeated: recorder got ${DURABLE} 1 twice in s1.1`,
    ]);
  });

  test("checker - in another life it may come again, when there was a fault between", () => {
    const again = (history: MadeHistory): MadeHistory =>
      history.handle("recorder", DURABLE, 1, "s1.2");
    expect(broken(again(handled()))).toEqual([
      `repeated: recorder got ${DURABLE} 1 in s1.1 and in s1.2, without a fault between`,
    ]);
    expect(broken(again(handled().fault("kill s1", 5)))).toEqual([]);
    const long = new MadeHistory(RECORDER).fault("kill s1", 5).later(SLACK_MS + 1);
    long.publish(DURABLE, 1).handle("recorder", DURABLE, 1);
    expect(broken(again(long))).toHaveLength(1);
  });
});

describe("unaccounted", () => {
  test("checker - a plain message that vanishes without a fault is unaccounted for", () => {
    const history = new MadeHistory(LISTENER).publish(PLAIN, 1).publish(PLAIN, 2);
    expect(broken(history.handle("listener", PLAIN, 2))).toEqual([
      `unaccounted: ${PLAIN} 1 was accepted, did not reach listener, and there was no fault`,
    ]);
  });

  test("checker - a fault that loses nothing, or comes after a later one was handled, is no cause", () => {
    const paused = new MadeHistory(LISTENER).publish(PLAIN, 1).fault("pause host.1", 5, false);
    expect(broken(paused)).toHaveLength(1);
    const late = new MadeHistory(LISTENER).publish(PLAIN, 1).publish(PLAIN, 2);
    late.handle("listener", PLAIN, 2).fault("kill host", 5);
    expect(broken(late)).toHaveLength(1);
    const early = new MadeHistory(LISTENER).fault("kill host", 5).later(SLACK_MS + 1);
    expect(broken(early.publish(PLAIN, 1))).toHaveLength(1);
  });

  test("checker - a kill may lose what was under way", () => {
    expect(broken(new MadeHistory(LISTENER).publish(PLAIN, 1).fault("kill host", 5))).toEqual([]);
  });

  test("checker - of what a cut loses, the host has counted each", () => {
    const cut = (counted: number): MadeHistory => {
      const history = new MadeHistory(LISTENER)
        .publish(PLAIN, 1)
        .publish(PLAIN, 2)
        .fault("cut s1", 5);
      return history.add({
        ...{ at: history.now, kind: "host counted", process: "host.1" },
        ...{ unmatched: counted, deadLetters: 1 },
      });
    };
    expect(broken(cut(1))).toEqual([]);
    expect(broken(cut(0))).toEqual([
      `unaccounted: 2 messages did not reach listener, and host.1 has counted 1; the first is ${PLAIN} 1`,
    ]);
  });
});

describe("calls", () => {
  const bad: readonly (readonly [string, (history: MadeHistory) => unknown])[] = [
    ["never ended", (h) => h.call("p1.1 1", undefined)],
    ["ended more than once", (h) => answered(h).add(end(h, "p1.1 1"))],
    ["ended and was never made", (h) => h.add(end(h, "p1.1 1"))],
    ["took 1102 ms and had 1000", (h) => h.call("p1.1 1", "DEADLINE", 1_101)],
    ["ended with INTERNAL", (h) => h.call("p1.1 1", "INTERNAL")],
    ["was answered for p1.1 9", (h) => h.call("p1.1 1", "ok", 1, "p1.1 9").carryOut("p1.1 1")],
    ["had a result and was not carried out", (h) => h.call("p1.1 1", "ok")],
    ["was carried out more than once", (h) => answered(h).carryOut("p1.1 1")],
    ["was carried out and never made", (h) => h.carryOut("p1.1 1")],
  ];
  test("checker - calls that end in one of their ways, late by a pause of their caller, or die with it, are well", () => {
    const history = answered(new MadeHistory()).call("p1.1 2", "DEADLINE", 1_000);
    history.call("p1.1 3", "HANDLER_FAILED").carryOut("p1.1 3").call("p1.1 4", "WORKER_GONE");
    history.add({ at: history.now, kind: "call", call: "p1.1 5", timeoutMs: 1_000 });
    history.fault("pause p1.1", 3_000, false).add(end(history, "p1.1 5"));
    history.call("p1.1 6", undefined).ends("p1.1", "killed");
    expect(broken(history)).toEqual([]);
  });

  test.each(bad)("checker - a call that %s breaks the promise", (what, make) => {
    const history = new MadeHistory();
    make(history);
    expect(broken(history)).toEqual([`call: p1.1 1 ${what}`]);
  });
});

function answered(history: MadeHistory): MadeHistory {
  return history.call("p1.1 1", "ok").carryOut("p1.1 1");
}

function end(history: MadeHistory, call: string): HistoryEvent {
  return { at: history.now, kind: "called", call, outcome: "DEADLINE", answers: undefined };
}

describe("processes", () => {
  test("checker - one that ends by itself, and a message that is given up for an agent that fails none, are found", () => {
    const history = new MadeHistory(RECORDER).publish(DURABLE, 1).ends("host.1", "died");
    history.add({
      ...{ at: history.now, kind: "dead", agentType: "recorder", reason: "MAX_DELIVER" },
      ...{ stream: DURABLE, n: 1 },
    });
    expect(broken(history)).toEqual([
      `given up: ${DURABLE} 1 was given up for recorder: MAX_DELIVER`,
      "process: host.1 ended by itself",
    ]);
  });
});

/** A good history of so many messages, acknowledged or unknown, with kills between some. */
const goodRuns = fc.array(
  fc.record({ isKnown: fc.boolean(), isKill: fc.boolean(), isPlainLost: fc.boolean() }),
  { minLength: 1, maxLength: 30 },
);

function goodHistory(
  steps: readonly { isKnown: boolean; isKill: boolean; isPlainLost: boolean }[],
) {
  const history = new MadeHistory(COUNTER, RECORDER, LISTENER);
  let life = 1;
  for (const [index, { isKnown, isKill, isPlainLost }] of steps.entries()) {
    const n = index + 1;
    history.publish(DURABLE, n, isKnown ? "ok" : "unknown").publish(PLAIN, n);
    history.handle("recorder", DURABLE, n, `s1.${life}`).count(DURABLE, n);
    if (!isKill || !isPlainLost) {
      history.handle("listener", PLAIN, n, `s1.${life}`);
    }
    if (isKill) {
      history.fault("kill s1", 2);
      life += 1;
      history.handle("recorder", DURABLE, n, `s1.${life}`);
    }
    history.later(3 * SLACK_MS);
  }
  return history.counted();
}

test("checker - a history without a fault of the product is found to be good, whatever the faults around it", () => {
  fc.assert(
    fc.property(goodRuns, (steps) => {
      expect(broken(goodHistory(steps))).toEqual([]);
    }),
  );
});

/** What a faulty product would do to a good history: each is to be found. */
const MUTATIONS = {
  lost: (events) =>
    without(events, (one) => one.kind === "handled" && one.agentType === "recorder"),
  repeated: (events) => {
    const found = events.find((one) => one.kind === "handled" && one.agentType === "listener");
    return found === undefined ? [] : [...events, found];
  },
  invented: (events) =>
    events.map((one) =>
      one.kind === "publish" && one.isDurable ? { ...one, n: one.n + 0.5 } : one,
    ),
  unaccounted: (events) =>
    without(
      events,
      (one) => one.kind === "fault" || (one.kind === "handled" && one.stream === PLAIN),
    ),
  order: (events) => {
    const mine = events.filter((one) => one.kind === "handled" && one.agentType === "recorder");
    const times = mine.map(({ at }) => at).toReversed();
    const turned = mine.map((one, index) => ({ ...one, at: times[index] ?? 0 }));
    const others = events.filter((one) => !mine.includes(one));
    return new Set(mine.map((one) => (one.kind === "handled" ? one.n : 0))).size < 2
      ? []
      : [...others, ...turned].sort((one, other) => one.at - other.at);
  },
} as const satisfies Record<string, (events: readonly HistoryEvent[]) => readonly HistoryEvent[]>;

function without(
  events: readonly HistoryEvent[],
  isGone: (event: HistoryEvent) => boolean,
): readonly HistoryEvent[] {
  return events.filter((one) => !isGone(one));
}

test.each(Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[])(
  "checker - a good history that is made bad is found to be: %s",
  (kind) => {
    fc.assert(
      fc.property(goodRuns, (steps) => {
        const known = steps.map((step) => ({ ...step, isKnown: true }));
        const bad = MUTATIONS[kind](goodHistory(known).events);
        fc.pre(bad.length > 0);
        const kinds = check(bad, { slackMs: SLACK_MS }).map(({ invariant }) => invariant);
        expect(kinds).toContain(kind);
      }),
    );
  },
);
