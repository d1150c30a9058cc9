/** Registrations in a hello against the unary calls that they stand for, in any order of workers. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { AgentrtError } from "../../src/core/errors.ts";
import type { Registration } from "../../src/core/registration.ts";
import { TypePrefixSubscription, TypeSubscription } from "../../src/core/subscription.ts";
import { TYPE_POLICIES, type TypePolicy } from "../../src/core/type-policy.ts";
import type { AgentRpcParts } from "../../src/host/admission.ts";
import { takeRegistrations } from "../../src/host/link/hello-registrations.ts";
import type { Session } from "../../src/host/session.ts";
import { encodeRegistrations } from "../../src/wire/link/registration-frames.ts";
import { FakeStream, InMemoryHost } from "./in-memory-host.ts";

const TYPES = ["a", "b", "c", "not a type"] as const;
const LIMITS = { maxAgentTypesPerWorker: 2, maxSubscriptionsPerWorker: 3, sessionGraceMs: 60_000 };

const registration: fc.Arbitrary<Registration> = fc.oneof(
  fc.record({
    kind: fc.constant("type" as const),
    agentType: fc.constantFrom(...TYPES),
    policy: fc.option(fc.constantFrom(...TYPE_POLICIES), { nil: undefined }),
  }),
  fc
    .tuple(fc.constantFrom("t", "u"), fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2", ""))
    .map(([topicType, agentType, id]) => ({
      kind: "subscription" as const,
      subscription: new TypeSubscription(topicType, agentType, id === "" ? undefined : id),
    })),
  fc.constantFrom("a", "b").map((agentType) => ({
    kind: "subscription" as const,
    subscription: new TypePrefixSubscription("t", agentType),
  })),
);

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("hello" as const),
      worker: fc.constantFrom("w1", "w2", "w3"),
      registrations: fc.array(registration, { maxLength: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("left" as const, "lost" as const),
      worker: fc.constantFrom("w1", "w2", "w3"),
    }),
  },
);

/** A host, and the streams of its workers. */
class Side {
  readonly host = new InMemoryHost(LIMITS);
  readonly #streams = new Map<string, FakeStream>();

  session(worker: string): Session {
    return this.host.sessions.obtain(worker, "127.0.0.1:1");
  }

  connect(worker: string): void {
    if (!this.#streams.has(worker)) {
      const stream = new FakeStream();
      this.#streams.set(worker, stream);
      this.host.sessions.connected(this.session(worker), stream.asHostStream, "127.0.0.1:2");
    }
  }

  part(worker: string, how: "left" | "lost"): void {
    const stream = this.#streams.get(worker);
    if (stream !== undefined) {
      this.#streams.delete(worker);
      this.host.sessions.left(this.session(worker), stream.asHostStream, how);
    }
  }

  get parts(): AgentRpcParts {
    return { ...this.host, isDraining: () => false } as unknown as AgentRpcParts;
  }

  /** Who holds what, and who is subscribed to what. */
  get picture(): unknown {
    const { registry } = this.host;
    return {
      holders: TYPES.map((type) => {
        const holders = registry.holdersOf(type);
        return [type, holders?.policy, holders?.members.map(({ clientId }) => clientId)];
      }),
      subscriptions: Array.from(registry.subscriptions, (subscription) => [
        JSON.stringify(subscription),
        registry.ownerOf(subscription.id)?.clientId,
      ]),
    };
  }
}

/** As a worker does by unary calls: nothing for a type that was refused. */
function byCalls(side: Side, worker: string, wanted: readonly Registration[]): unknown[] {
  const { enrolment } = side.host;
  const refused = new Set<string>();
  return wanted.map((one) => {
    if (one.kind === "subscription" && refused.has(one.subscription.agentType)) {
      return "untried";
    }
    try {
      if (one.kind === "type") {
        enrolment.registerAgentType(side.session(worker), one.agentType, one.policy as TypePolicy);
      } else {
        enrolment.addSubscription(side.session(worker), one.subscription);
      }
      return "accepted";
    } catch (thrown) {
      if (one.kind === "type") {
        refused.add(one.agentType);
      }
      const { code, message, data } = AgentrtError.from(thrown);
      return [code, message, data];
    }
  });
}

test("property - a hello registers what the unary calls would, whoever came and went before", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), (steps) => {
      const [hellos, calls] = [new Side(), new Side()];
      using _one = hellos.host;
      using _other = calls.host;
      for (const one of steps) {
        if (one.kind !== "hello") {
          hellos.part(one.worker, one.kind);
          calls.part(one.worker, one.kind);
          continue;
        }
        const frames = encodeRegistrations(one.registrations, 1_000_000);
        const results = takeRegistrations(hellos.parts, hellos.session(one.worker), frames);
        hellos.connect(one.worker);
        calls.connect(one.worker);
        expect<unknown>(
          results.map((result) =>
            result.kind === "refused"
              ? [result.error.code, result.error.message, result.error.data]
              : result.kind,
          ),
        ).toEqual(byCalls(calls, one.worker, one.registrations));
        expect(hellos.picture).toEqual(calls.picture);
      }
    }),
  );
});
