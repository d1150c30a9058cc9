/** Random lives of a few workers with policies and retained topics, against a plain account of who must get what. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Envelope, EventEnvelope } from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { PRESENCE_TOPIC } from "../../src/core/presence.ts";
import { AGE_HEADER, receiversIn } from "../../src/core/routing-headers.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { TYPE_POLICIES, type TypePolicy } from "../../src/core/type-policy.ts";
import { placeOf } from "../../src/host/placement.ts";
import {
  event,
  exact,
  type FakeWorker,
  InMemoryHost,
  request,
  response,
  textOf,
} from "./in-memory-host.ts";

const WORKERS = 4;
const worker = fc.nat(WORKERS - 1);
const agentType = fc.constantFrom("x", "y", "z");
const topicType = fc.constantFrom("t", "u");
const source = fc.constantFrom("1", "2", "3");
const act = <A extends string>(name: A) => fc.constant(name);

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: act("join"), worker }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ act: act("leave"), worker },
      how: fc.constantFrom("left" as const, "lost" as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ act: act("register"), worker, agentType },
      policy: fc.constantFrom(...TYPE_POLICIES),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ act: act("subscribe"), worker, agentType, topicType },
      id: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: act("unsubscribe"), worker, id: fc.nat(20) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      ...{ act: act("publish"), worker, topicType, source },
      retain: fc.constantFrom("", "", "true", "clear"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: act("call"), worker, agentType, source }) },
  { weight: 1, arbitrary: fc.record({ act: act("forge"), worker }) },
  { weight: 1, arbitrary: fc.record({ act: act("stray"), worker }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Subscribed {
  readonly owner: number;
  readonly id: string;
  readonly topicType: string;
  readonly agentType: string;
}

/** Plain lists that are looked through. */
class Reference {
  readonly holders = new Map<string, { policy: TypePolicy; members: number[] }>();
  readonly retained = new Map<string, string>();
  /** Where instances of shared types live. */
  readonly located = new Map<string, number>();
  subscriptions: Subscribed[] = [];
  /** By worker: what it must get in this step. */
  expected: string[][] = Array.from({ length: WORKERS }, () => []);

  leave(one: number): void {
    for (const [name, at] of this.located) {
      if (at === one) {
        this.located.delete(name);
      }
    }
    this.subscriptions = this.subscriptions.filter(({ owner }) => owner !== one);
    for (const [type, held] of this.holders) {
      held.members = held.members.filter((member) => member !== one);
      if (held.members.length === 0) {
        this.holders.delete(type);
      }
    }
  }

  /** The code of the refusal, or undefined. */
  register(one: number, type: string, policy: TypePolicy): string | undefined {
    const held = this.holders.get(type);
    if (held !== undefined) {
      if (policy === "exclusive" || held.members.includes(one)) {
        return "AGENT_TYPE_TAKEN";
      }
      if (policy !== held.policy) {
        return "POLICY_CONFLICT";
      }
    }
    this.holders.set(type, { policy, members: [...(held?.members ?? []), one] });
    const topicTypes = this.subscriptions
      .filter((subscribed) => subscribed.agentType === type)
      .map((subscribed) => subscribed.topicType);
    for (const topic of new Set(topicTypes)) {
      this.#replay(one, type, topic);
    }
    return undefined;
  }

  subscribe(made: Subscribed): string | undefined {
    const held = this.holders.get(made.agentType);
    const mayShare = held?.members.includes(made.owner) === true && held.policy !== "exclusive";
    const isThere = this.subscriptions.some(
      (other) =>
        other.id === made.id ||
        (other.topicType === made.topicType &&
          other.agentType === made.agentType &&
          (!mayShare || other.owner === made.owner)),
    );
    if (isThere) {
      return "SUBSCRIPTION_EXISTS";
    }
    this.subscriptions.push(made);
    this.#replay(made.owner, made.agentType, made.topicType);
    return undefined;
  }

  publish(id: string, type: string, from: string, retain: string): void {
    const topic = `${type}/${from}`;
    if (retain !== "") {
      this.retained.delete(topic);
    }
    if (retain === "true") {
      this.retained.set(topic, id);
    }
    const matched = new Set(
      this.subscriptions
        .filter((subscribed) => subscribed.topicType === type)
        .map((subscribed) => subscribed.agentType),
    );
    const byWorker = new Map<number, string[]>();
    for (const agent of matched) {
      for (const receiver of this.locate(agent, from)) {
        byWorker.set(receiver, [...(byWorker.get(receiver) ?? []), agent]);
      }
    }
    for (const [receiver, types] of byWorker) {
      this.expected[receiver]?.push(`event ${id} for ${types.sort()}`);
    }
  }

  /** The receivers, who have the instance from now on. */
  locate(type: string, key: string): readonly number[] {
    const receivers = this.receivers(type, key);
    const [first] = receivers;
    if (this.holders.get(type)?.policy === "shared" && first !== undefined) {
      this.located.set(`${type}/${key}`, first);
    }
    return receivers;
  }

  receivers(type: string, key: string): readonly number[] {
    const held = this.holders.get(type);
    if (held === undefined) {
      return [];
    }
    const ready = this.#ready(type, held.members);
    switch (held.policy) {
      case "broadcast":
        return held.members;
      case "shared": {
        const place = placeOf(
          ready.map((member) => ({ clientId: `w${member}` })),
          `${type}/${key}`,
        );
        return place === undefined ? [] : [Number(place.clientId.slice(1))];
      }
      case "exclusive":
        return held.members;
      case "standby":
        return ready.slice(0, 1);
      default:
        throw held.policy satisfies never;
    }
  }

  /** Those with as many subscriptions of the type as any. */
  #ready(type: string, members: readonly number[]): readonly number[] {
    const count = (member: number): number =>
      this.subscriptions.filter((one) => one.owner === member && one.agentType === type).length;
    const most = Math.max(...members.map(count));
    return members.filter((member) => count(member) === most);
  }

  #replay(one: number, type: string, topic: string): void {
    if (this.holders.get(type)?.members.includes(one) !== true) {
      return;
    }
    for (const [name, id] of this.retained) {
      const { type: kept, source: key } = TopicId.parse(name);
      const isElsewhere = (this.located.get(`${type}/${key}`) ?? one) !== one;
      if (kept === topic && !isElsewhere && this.receivers(type, key).includes(one)) {
        this.locate(type, key);
        this.expected[one]?.push(`replay ${id} for ${type}`);
      }
    }
  }

  /** What a received envelope says, with the agent types at its worker that it is for. */
  describe(one: number, envelope: Envelope): string {
    switch (envelope.kind) {
      case "event":
        return this.#describeEvent(one, envelope);
      case "request":
        return `request ${textOf(envelope)}`;
      case "response":
        return `response ${envelope.headers["agentrt-code"]}`;
      default:
        throw envelope satisfies never;
    }
  }

  #describeEvent(one: number, { id, topic, headers }: EventEnvelope): string {
    const subscribed = this.subscriptions
      .filter(({ topicType: type }) => type === topic.type)
      .map(({ agentType: type }) => type)
      .filter((type) => this.holders.get(type)?.members.includes(one) === true);
    const types = [...(receiversIn(headers) ?? new Set(subscribed))].sort();
    return `${headers[AGE_HEADER] === undefined ? "event" : "replay"} ${id} for ${types}`;
  }
}

function codeOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return AgentrtError.from(error).code;
  }
}

/** Does one step at the host and in the account, and compares what they say of it. */
function take(
  one: Step,
  number: number,
  from: FakeWorker,
  host: InMemoryHost,
  reference: Reference,
): void {
  switch (one.act) {
    case "join":
      return;
    case "leave":
      reference.leave(one.worker);
      from.leave(one.how);
      return;
    case "register": {
      const refusal = reference.register(one.worker, one.agentType, one.policy);
      expect(codeOf(() => from.registerAs(one.policy, one.agentType))).toBe(refusal as string);
      return;
    }
    case "subscribe": {
      const { worker: owner, agentType: type, topicType: topic } = one;
      const id = String(one.id);
      const refusal = reference.subscribe({ owner, id, agentType: type, topicType: topic });
      expect(codeOf(() => from.subscribe(exact(topic, type, id)))).toBe(refusal as string);
      return;
    }
    case "unsubscribe": {
      const id = String(one.id);
      const isThere = reference.subscriptions.some((other) => other.id === id);
      reference.subscriptions = reference.subscriptions.filter((other) => other.id !== id);
      expect(codeOf(() => host.enrolment.removeSubscription(id)) === undefined).toBe(isThere);
      return;
    }
    case "publish": {
      reference.publish(String(number), one.topicType, one.source, one.retain);
      const headers = one.retain === "" ? {} : { retain: one.retain };
      from.send({
        ...event(String(number), one.topicType, headers, "data"),
        topic: new TopicId(one.topicType, one.source),
      });
      return;
    }
    case "call": {
      if (reference.holders.get(one.agentType)?.policy === "broadcast") {
        return;
      }
      const [target] = reference.locate(one.agentType, one.source);
      if (target === undefined) {
        reference.expected[one.worker]?.push("response NO_SUCH_AGENT");
      } else {
        reference.expected[target]?.push(`request ${number}`);
      }
      const made = request(String(number), one.agentType, String(number));
      from.send({ ...made, target: { type: one.agentType, key: one.source } as never });
      return;
    }
    case "forge":
      from.send({ ...event(String(number), "system"), topic: PRESENCE_TOPIC });
      return;
    case "stray":
      from.send(response(`move-${number}`, "nobody asked"));
      return;
    default:
      throw one satisfies never;
  }
}

test("policy model - everybody gets what a plain account says, for the agent types that it says", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      using host = new InMemoryHost();
      const reference = new Reference();
      const workers: (FakeWorker | undefined)[] = [];
      for (const [number, one] of steps.entries()) {
        const from = workers[one.worker];
        if (from === undefined && one.act === "join") {
          workers[one.worker] = host.join(`w${one.worker}`);
        } else if (from !== undefined) {
          take(one, number, from, host, reference);
        }
        for (const [at, other] of workers.entries()) {
          // The caller whose callee left hears of it; calls are the other model's business.
          const got = (other?.received() ?? [])
            .map((envelope) => reference.describe(at, envelope))
            .filter((line) => line !== "response WORKER_GONE");
          expect(got.sort()).toEqual((reference.expected[at] ?? []).sort());
          reference.expected[at] = [];
        }
        if (one.act === "leave") {
          workers[one.worker] = undefined;
        }
      }
      expect(host.retained.size).toBe(reference.retained.size);
    }),
    { numRuns: 300 },
  );
});
