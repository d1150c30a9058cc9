/** Random lives of a few workers against a plain account of who must have got what. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Envelope } from "../../src/core/envelope.ts";
import { isSameSubscription, type Subscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { closeSubscription, closeTopicType } from "../kit/arbitraries.ts";
import {
  event,
  type FakeWorker,
  InMemoryHost,
  request,
  response,
  textOf,
} from "./in-memory-host.ts";

const worker = fc.nat(3);
const agentType = fc.constantFrom("x", "y", "z");
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant("join" as const), worker }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("leave" as const), worker }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("register" as const), worker, agentType }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("subscribe" as const),
      worker,
      subscription: closeSubscription,
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("unsubscribe" as const), id: fc.nat(40) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant("publish" as const),
      worker,
      topicType: closeTopicType,
    }),
  },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("call" as const), worker, agentType }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant("answer" as const),
      worker,
      which: fc.nat(),
      mine: fc.nat(4),
    }),
  },
);

interface Call {
  readonly caller: number;
  readonly callerId: string;
  readonly target: number;
  readonly text: string;
  /** The id under which the target was asked. */
  hostId: string;
}

/** Plain lists that are looked through: who is here, holds, is subscribed, waits; and what each must have got. */
class Reference {
  readonly present = new Set<number>();
  readonly holders = new Map<string, number>();
  subscriptions: { owner: number; subscription: Subscription }[] = [];
  calls: Call[] = [];
  strays = 0;
  expected: string[][] = [[], [], [], []];

  leave(one: number): void {
    this.present.delete(one);
    for (const [type, holder] of this.holders) {
      if (holder === one) {
        this.holders.delete(type);
      }
    }
    this.subscriptions = this.subscriptions.filter(({ owner }) => owner !== one);
    for (const call of this.calls.filter(
      ({ caller, target }) => target === one && caller !== one,
    )) {
      this.expected[call.caller]?.push(`response ${call.callerId} WORKER_GONE`);
    }
    this.calls = this.calls.filter(({ caller, target }) => target !== one && caller !== one);
  }

  publish(id: string, topicType: string): void {
    const topic = new TopicId(topicType, "source");
    const receivers = new Set(
      this.subscriptions
        .filter(({ subscription }) => subscription.matches(topic))
        .map(({ subscription }) => this.holders.get(subscription.agentType)),
    );
    for (const receiver of receivers) {
      if (receiver !== undefined) {
        this.expected[receiver]?.push(`event ${id}`);
      }
    }
  }
}

function describe(envelope: Envelope): string {
  switch (envelope.kind) {
    case "event":
      return `event ${envelope.id}`;
    case "request":
      return `request ${textOf(envelope)}`;
    case "response":
      return `response ${envelope.id} ${envelope.headers["agentrt-code"] ?? textOf(envelope)}`;
    default:
      throw envelope satisfies never;
  }
}

test("router model - everybody gets what a plain account says, nobody anything else", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      using host = new InMemoryHost();
      const reference = new Reference();
      const workers: (FakeWorker | undefined)[] = [];
      /** Ids count from one at each worker, as AutoGen's do. */
      const lastIds = [0, 0, 0, 0];
      for (const [number, one] of steps.entries()) {
        const index = "worker" in one ? one.worker : 0;
        const from = workers[index];
        if (one.act === "join") {
          if (from === undefined) {
            workers[index] = host.join(`worker ${index}`);
            reference.present.add(index);
            lastIds[index] = 0;
          }
        } else if (one.act === "unsubscribe") {
          const id = String(one.id);
          const { length } = reference.subscriptions;
          reference.subscriptions = reference.subscriptions.filter(
            ({ subscription }) => subscription.id !== id,
          );
          if (reference.subscriptions.length < length) {
            host.registry.removeSubscription(id);
          } else {
            expect(() => host.registry.removeSubscription(id)).toThrow("does not exist");
          }
        } else if (from !== undefined) {
          act(one, number, from);
        }
        for (const [at, other] of workers.entries()) {
          const got = other?.received() ?? [];
          for (const envelope of got) {
            const asked = reference.calls.find(
              ({ text }) => envelope.kind === "request" && text === textOf(envelope),
            );
            if (asked !== undefined) {
              asked.hostId = envelope.id;
            }
          }
          expect(got.map(describe)).toEqual(reference.expected[at] ?? []);
        }
        reference.expected = [[], [], [], []];
      }
      expect(host.router.pendingCalls).toBe(reference.calls.length);
      expect(host.totals.strayResponses).toBe(reference.strays);
      expect(host.registry.size).toBe(reference.present.size);

      function act(
        one: Exclude<(typeof steps)[number], { act: "join" | "unsubscribe" }>,
        number: number,
        from: FakeWorker,
      ): void {
        switch (one.act) {
          case "leave":
            reference.leave(one.worker);
            from.leave();
            workers[one.worker] = undefined;
            return;
          case "register":
            if (reference.holders.has(one.agentType)) {
              expect(() => from.register(one.agentType)).toThrow("already registered");
            } else {
              reference.holders.set(one.agentType, one.worker);
              from.register(one.agentType);
            }
            return;
          case "subscribe": {
            const { subscription, worker: owner } = one;
            if (
              reference.subscriptions.some((o) => isSameSubscription(o.subscription, subscription))
            ) {
              expect(() => from.subscribe(subscription)).toThrow("already exists");
            } else {
              reference.subscriptions.push({ owner, subscription });
              from.subscribe(subscription);
            }
            return;
          }
          case "publish":
            reference.publish(String(number), one.topicType);
            from.send(event(String(number), one.topicType));
            return;
          case "call": {
            lastIds[one.worker] = (lastIds[one.worker] ?? 0) + 1;
            const callerId = String(lastIds[one.worker]);
            const text = `call ${number}`;
            const target = reference.holders.get(one.agentType);
            if (target === undefined) {
              reference.expected[one.worker]?.push(`response ${callerId} NO_SUCH_AGENT`);
            } else {
              reference.calls.push({ caller: one.worker, callerId, target, text, hostId: "" });
              reference.expected[target]?.push(`request ${text}`);
            }
            from.send(request(callerId, one.agentType, text));
            return;
          }
          case "answer": {
            // Mostly a call that it was asked, sometimes one that another was.
            const isMine = (call: Call): boolean => one.mine === 0 || call.target === one.worker;
            const candidates = reference.calls.filter(isMine);
            const call = candidates[one.which % Math.max(candidates.length, 1)];
            if (call === undefined || call.target !== one.worker) {
              reference.strays += 1;
            } else {
              reference.calls = reference.calls.filter((other) => other !== call);
              reference.expected[call.caller]?.push(`response ${call.callerId} answer ${number}`);
            }
            from.send(response(call?.hostId ?? "unknown", `answer ${number}`));
            return;
          }
          default:
            throw one satisfies never;
        }
      }
    }),
    { numRuns: 200 },
  );
});
