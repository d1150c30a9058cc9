import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  patternOf,
  type Subscription,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../../src/core/subscription.ts";
import { encodeSubscription } from "../../../src/wire/autogen/subscription-codec.ts";
import {
  decodeAddSubscription,
  decodeRegisterAgent,
  decodeRemoveSubscription,
  decodeSubscriptions,
  EMPTY_ANSWER,
  encodeSubscriptions,
} from "../../../src/wire/autogen/unary-codec.ts";
import {
  AddSubscriptionRequestSchema,
  RegisterAgentTypeRequestSchema,
  RemoveSubscriptionRequestSchema,
} from "../../../src/wire/gen/agents/agent_worker_pb.ts";
import { agentType, anyText, someText, topicType } from "../../kit/arbitraries.ts";
import { thrownBy } from "../../kit/thrown.ts";

const subscription: fc.Arbitrary<Subscription> = fc
  .tuple(fc.boolean(), topicType, agentType, someText)
  .map(([isPrefix, topic, agent, id]) =>
    isPrefix
      ? new TypePrefixSubscription(topic, agent, id)
      : new TypeSubscription(topic, agent, id),
  );

const plain = (one: Subscription): string[] => [one.kind, one.id, patternOf(one), one.agentType];

function addRequest(value: object): Uint8Array {
  return toBinary(
    AddSubscriptionRequestSchema,
    create(AddSubscriptionRequestSchema, { subscription: value }),
  );
}

test("subscription codec - requests and lists come back as they were", () => {
  fc.assert(
    fc.property(subscription, (one) => {
      expect(plain(decodeAddSubscription(addRequest(encodeSubscription(one))))).toEqual(plain(one));
    }),
  );
  fc.assert(
    fc.property(fc.array(subscription), (list) => {
      expect(decodeSubscriptions(encodeSubscriptions(list)).map(plain)).toEqual(list.map(plain));
    }),
  );
  expect(encodeSubscriptions([])).toEqual(EMPTY_ANSWER);
});

test("subscription codec - agent types and ids are read as they are", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const register = create(RegisterAgentTypeRequestSchema, { type: text });
      expect(decodeRegisterAgent(toBinary(RegisterAgentTypeRequestSchema, register))).toBe(text);
      const remove = create(RemoveSubscriptionRequestSchema, { id: text });
      expect(decodeRemoveSubscription(toBinary(RemoveSubscriptionRequestSchema, remove))).toBe(
        text,
      );
    }),
  );
});

const typed = (value: object): object => ({ case: "typeSubscription", value });

test.each([
  ["neither kind", addRequest({ id: "1" }), "INVALID_SUBSCRIPTION"],
  ["no subscription", new Uint8Array(0), "INVALID_SUBSCRIPTION"],
  [
    "no id",
    addRequest({ subscription: typed({ topicType: "t", agentType: "a" }) }),
    "INVALID_SUBSCRIPTION",
  ],
  [
    "an illegal topic type",
    addRequest({ id: "1", subscription: typed({ topicType: "a b", agentType: "a" }) }),
    "INVALID_TOPIC",
  ],
  [
    "an illegal agent type",
    addRequest({ id: "1", subscription: typed({ topicType: "t", agentType: "" }) }),
    "INVALID_AGENT_ID",
  ],
  ["bytes that are no request", Uint8Array.of(0xff), "BAD_FRAME"],
] as const)("subscription codec - %s is refused", (_what, bytes, code) => {
  expect(thrownBy(() => decodeAddSubscription(bytes)).code).toBe(code);
});

test("subscription codec - random bytes never throw anything but an AgentrtError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      for (const decode of [
        decodeRegisterAgent,
        decodeAddSubscription,
        decodeRemoveSubscription,
        decodeSubscriptions,
      ]) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toHaveProperty("name", "AgentrtError");
        }
      }
    }),
    { numRuns: 500 },
  );
});
