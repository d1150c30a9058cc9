import { expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import {
  isSameSubscription,
  type Subscription,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../src/core/subscription.ts";
import { SubscriptionIndex } from "../../src/core/subscription-index.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { closeSubscription, closeTopicType } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";

/** The plain reference: a list that is looked through. */
class ScannedSubscriptions {
  list: Subscription[] = [];

  add(subscription: Subscription): boolean {
    if (this.list.some((other) => isSameSubscription(other, subscription))) {
      return false;
    }
    this.list.push(subscription);
    return true;
  }

  remove(id: string): boolean {
    const before = this.list.length;
    this.list = this.list.filter((subscription) => subscription.id !== id);
    return this.list.length < before;
  }

  matching(topicType: string): Subscription[] {
    return this.list.filter((one) => one.matches(new TopicId(topicType, "source")));
  }
}

function matching(index: SubscriptionIndex, topicType: string): Subscription[] {
  const found: Subscription[] = [];
  index.forEachMatch(topicType, (subscription) => found.push(subscription));
  return found;
}

const byId = (a: Subscription, b: Subscription): number => a.id.localeCompare(b.id);

const step = fc.oneof(
  { weight: 3, arbitrary: closeSubscription.map((add) => ({ add })) },
  { weight: 2, arbitrary: fc.nat(40).map((id) => ({ remove: String(id) })) },
);

test("subscription index - agrees with a scanned list after any adding and removing", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80, size: "max" }),
      fc.array(closeTopicType, { maxLength: 10 }),
      (steps, topicTypes) => {
        const index = new SubscriptionIndex();
        const reference = new ScannedSubscriptions();
        for (const change of steps) {
          if ("add" in change) {
            if (reference.add(change.add)) {
              index.add(change.add);
            } else {
              expect(thrownBy(() => index.add(change.add)).code).toBe("SUBSCRIPTION_EXISTS");
            }
          } else {
            const there = index.get(change.remove);
            if (reference.remove(change.remove)) {
              expect(index.remove(change.remove)).toBe(there as Subscription);
            } else {
              expect(thrownBy(() => index.remove(change.remove)).code).toBe("NO_SUCH_SUBSCRIPTION");
            }
          }
        }
        expect(index.size).toBe(reference.list.length);
        expect([...index.values()]).toEqual(reference.list);
        for (const topicType of [...topicTypes, "a", "ab", "abab:"]) {
          expect(matching(index, topicType).sort(byId)).toEqual(
            reference.matching(topicType).sort(byId),
          );
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("subscription index - the errors have AutoGen's texts", () => {
  const index = new SubscriptionIndex();
  index.add(new TypeSubscription("t", "a", "1"));
  const taken = thrownBy(() => index.add(new TypeSubscription("t", "a", "2")));
  expect([taken.message, taken.data]).toEqual([
    "Subscription already exists",
    { id: "1", agentType: "a" },
  ]);
  expect(thrownBy(() => index.remove("2")).message).toBe("Subscription does not exist");
});

test("subscription index - a refused subscription leaves nothing behind", () => {
  const index = new SubscriptionIndex();
  index.add(new TypeSubscription("t", "a", "1"));
  expect(thrownBy(() => index.add(new TypePrefixSubscription("p", "b", "1"))).code).toBe(
    "SUBSCRIPTION_EXISTS",
  );
  index.add(new TypePrefixSubscription("p", "b", "2"));
  expect(matching(index, "p").map(({ id }) => id)).toEqual(["2"]);
});

/** How many map look-ups and map steps a match takes, and whom it visits. */
function costOf(index: SubscriptionIndex, topicType: string): { lookUps: number; visits: number } {
  const get = spyOn(Map.prototype, "get");
  try {
    const visits = matching(index, topicType).length;
    return { lookUps: get.mock.calls.length, visits };
  } finally {
    get.mockRestore();
  }
}

test("subscription index - a match among 10,000 looks at no more than one among 10", () => {
  const filled = (count: number): SubscriptionIndex => {
    const index = new SubscriptionIndex();
    for (let number = 0; number < count; number += 1) {
      // Padded, so that both have the same number of distinct prefix lengths.
      const name = String(number).padStart(6, "0");
      index.add(new TypeSubscription(`topic_${name}`, "agent"));
      index.add(new TypePrefixSubscription(`prefix_${name}:`, "agent"));
    }
    return index;
  };
  const small = filled(10);
  const large = filled(10_000);
  for (const [topicType, visits] of [
    ["topic_000003", 1],
    ["prefix_000003:more", 1],
    ["prefix_unknown:more", 0],
  ] as const) {
    const cost = costOf(large, topicType);
    expect(cost).toEqual(costOf(small, topicType));
    expect(cost.visits).toBe(visits);
    expect(cost.lookUps).toBeLessThanOrEqual(2);
  }
});

test("subscription index - prefix lengths that are no longer in use cost nothing", () => {
  const index = new SubscriptionIndex();
  const ids = Array.from({ length: 100 }, (_, number) => String(number));
  for (const id of ids) {
    index.add(new TypePrefixSubscription("p".repeat(Number(id) + 1), "agent", id));
  }
  const topicType = "p".repeat(200);
  expect(costOf(index, topicType)).toEqual({ lookUps: 101, visits: 100 });
  for (const id of ids) {
    index.remove(id);
  }
  expect(costOf(index, topicType)).toEqual({ lookUps: 1, visits: 0 });
});
