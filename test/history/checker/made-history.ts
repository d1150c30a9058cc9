/** Histories made by hand, for the tests of the checker. */
import type { Fault, HistoryEvent, MessageName, SubscriberDeclared } from "../history.ts";

type Subscriber = Omit<SubscriberDeclared, "at" | "kind">;

const PLAIN_AGENT = {
  topicTypes: ["d.a"],
  isDurable: true,
  isCounting: false,
  mayFail: false,
  isShared: false,
} as const;

export const COUNTER: Subscriber = { ...PLAIN_AGENT, agentType: "counter", isCounting: true };
export const RECORDER: Subscriber = { ...PLAIN_AGENT, agentType: "recorder" };
export const FLAKY: Subscriber = { ...PLAIN_AGENT, agentType: "flaky", mayFail: true };
export const LISTENER: Subscriber = {
  ...PLAIN_AGENT,
  agentType: "listener",
  topicTypes: ["p.a"],
  isDurable: false,
};

export const DURABLE = "p1.1 d.a/k normal";
export const PLAIN = "p1.1 p.a/k normal";

/** Says what happened, a millisecond after what was said before. */
export class MadeHistory {
  readonly events: HistoryEvent[] = [];
  readonly #counted = new Map<string, [number, number][]>();
  now = 1;

  constructor(...subscribers: readonly Subscriber[]) {
    for (const subscriber of subscribers) {
      this.events.push({ at: 0, kind: "subscriber", ...subscriber });
    }
    this.events.push({
      at: 0,
      kind: "process",
      process: "host.1",
      role: "host",
      change: "started",
    });
  }

  later(ms: number): this {
    this.now += ms;
    return this;
  }

  add(event: HistoryEvent): this {
    this.events.push(event);
    this.now += 1;
    return this;
  }

  publish(stream: string, n: number, outcome: string | undefined = "ok"): this {
    this.add({ at: this.now, kind: "publish", stream, n, isDurable: stream.includes(" d.") });
    return outcome === "unknown"
      ? this
      : this.add({ at: this.now, kind: "published", stream, n, outcome });
  }

  handle(agentType: string, stream: string, n: number, process = "s1.1"): this {
    return this.add({ at: this.now, kind: "handled", agentType, key: "k", process, stream, n });
  }

  count(stream: string, n: number): this {
    this.#counted.set(stream, [...(this.#counted.get(stream) ?? []), [n, n]]);
    return this;
  }

  counted(...again: readonly MessageName[]): this {
    const counted = Object.fromEntries(this.#counted);
    return this.add({
      ...{ at: this.now, kind: "counted", agentType: "counter", key: "k" },
      ...{ counted, again },
    } as HistoryEvent);
  }

  fault(name: string, tookMs: number, mayLose = true): this {
    const fault: Fault = { at: this.now, kind: "fault", name, untilAt: this.now + tookMs, mayLose };
    this.add(fault);
    return this.later(tookMs);
  }

  ends(process: string, change: "killed" | "died" | "stopped"): this {
    return this.add({ at: this.now, kind: "process", process, role: "publisher", change });
  }

  call(call: string, outcome: string | undefined, tookMs = 1, answers = call): this {
    this.add({ at: this.now, kind: "call", call, timeoutMs: 1_000 }).later(tookMs);
    return outcome === undefined
      ? this
      : this.add({ at: this.now, kind: "called", call, outcome, answers });
  }

  carryOut(call: string): this {
    return this.add({ at: this.now, kind: "call handled", call, process: "s2.1" });
  }
}
