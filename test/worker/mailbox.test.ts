import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";
import { Mailbox, type MailboxFullPolicy, type MailboxItem } from "../../src/worker/mailbox.ts";

interface Item extends MailboxItem {
  readonly n: number;
}

const item = (n: number, priority: Priority = "normal", canPushOut = true, bytes = 1): Item => ({
  n,
  priority,
  canPushOut,
  bytes,
});

const rank = (priority: Priority | undefined): number => PRIORITIES.indexOf(priority ?? "normal");

/** A mailbox whose handler waits until the test lets it go on. */
function gated(maxMessages: number, policy: MailboxFullPolicy, maxBytes = 1_000) {
  const handled: number[] = [];
  const dropped: number[] = [];
  let inside = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  let expected = Number.POSITIVE_INFINITY;
  const check = (): void => {
    if (handled.length + dropped.length === expected) {
      done.resolve();
    }
  };
  const mailbox = new Mailbox<Item>({
    limits: { maxMessages, maxBytes },
    policy,
    handle: async ({ n }) => {
      inside += 1;
      most = Math.max(most, inside);
      await gate.promise;
      inside -= 1;
      handled.push(n);
      check();
    },
    onDropped: ({ n }) => {
      dropped.push(n);
      check();
    },
  });
  const finish = async (count: number): Promise<void> => {
    expected = count;
    gate.resolve();
    check();
    await done.promise;
  };
  return { mailbox, handled, dropped, finish, most: () => most };
}

describe("mailbox", () => {
  test("order - the urgent first, each level in order of arrival", async () => {
    const { mailbox, handled, finish } = gated(100, "drop-oldest");
    const priorities: Priority[] = ["low", "normal", "high", "low", "normal", "high"];
    for (const [n, priority] of priorities.entries()) {
      mailbox.offer(item(n, priority));
    }
    await finish(6);
    expect(handled).toEqual([2, 5, 1, 4, 0, 3]);
  });

  test("full, drop-oldest - the oldest of the least urgent level goes, never a more urgent one", async () => {
    const { mailbox, handled, dropped, finish } = gated(2, "drop-oldest");
    mailbox.offer(item(1, "high"));
    mailbox.offer(item(2, "low"));
    mailbox.offer(item(3, "normal"));
    mailbox.offer(item(4, "low"));
    mailbox.offer(item(5, "high"));
    mailbox.offer(item(6, "normal"));
    await finish(6);
    expect(dropped).toEqual([2, 4, 3, 6]);
    expect(handled).toEqual([1, 5]);
  });

  test("full, drop-newest - what waits stays", async () => {
    const { mailbox, handled, dropped, finish } = gated(2, "drop-newest");
    for (const n of [1, 2, 3]) {
      mailbox.offer(item(n, "high"));
    }
    await finish(3);
    expect([handled, dropped]).toEqual([[1, 2], [3]]);
  });

  test("full - a call is refused and pushes nothing out; one that is too large neither", async () => {
    const { mailbox, dropped, handled, finish } = gated(2, "drop-oldest", 10);
    mailbox.offer(item(1));
    mailbox.offer(item(2));
    mailbox.offer(item(3, "high", false));
    mailbox.offer(item(4, "high", true, 11));
    await finish(4);
    expect([handled, dropped]).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test("clear - lets go of what waits, not of what is being handled", async () => {
    const { mailbox, dropped, handled, finish } = gated(10, "drop-oldest");
    mailbox.offer(item(1));
    await Promise.resolve();
    mailbox.offer(item(2));
    mailbox.offer(item(3));
    mailbox.clear();
    expect(dropped).toEqual([2, 3]);
    await finish(3);
    expect(handled).toEqual([1]);
    await Promise.resolve();
    expect(mailbox.isIdle).toBe(true);
  });

  test("a handle function that rejects does not stop the next item", async () => {
    const handled: number[] = [];
    const done = Promise.withResolvers<void>();
    const mailbox = new Mailbox<Item>({
      limits: { maxMessages: 10, maxBytes: 10 },
      policy: "drop-oldest",
      handle: async ({ n }) => {
        if (n === 1) {
          throw new Error("must not happen");
        }
        handled.push(n);
        done.resolve();
      },
      onDropped: () => undefined,
    });
    mailbox.offer(item(1));
    mailbox.offer(item(2));
    await done.promise;
    expect(handled).toEqual([2]);
  });

  test("items that end at once - one after the other, and other mailboxes get turns meanwhile", async () => {
    const order: string[] = [];
    const done = Promise.withResolvers<void>();
    let left = 600;
    const make = (name: string): Mailbox<Item> => {
      const mailbox = new Mailbox<Item>({
        limits: { maxMessages: 1_000, maxBytes: 1_000 },
        policy: "drop-oldest",
        handle: ({ n }) => {
          order.push(`${name} ${n}`);
          if (name === "a" && n === 0) {
            // What comes while an item is handled waits for its end.
            mailbox.offer(item(300));
            expect(order).toEqual(["a 0"]);
          }
          left -= 1;
          if (left < 0) {
            done.resolve();
          }
          return undefined;
        },
        onDropped: () => undefined,
      });
      return mailbox;
    };
    const [a, b] = [make("a"), make("b")];
    for (let n = 0; n < 300; n += 1) {
      a.offer(item(n));
      b.offer(item(n));
    }
    expect(order).toEqual([]);
    await done.promise;
    const of = (name: string): string[] => order.filter((entry) => entry.startsWith(name));
    expect(of("a")).toEqual(Array.from({ length: 301 }, (_, n) => `a ${n}`));
    expect(of("b")).toEqual(Array.from({ length: 300 }, (_, n) => `b ${n}`));
    expect(order.indexOf("b 0")).toBeLessThan(order.indexOf("a 299"));
    expect([a.isIdle, b.isIdle]).toEqual([true, true]);
  });

  test("a handle function that throws does not stop the next item", async () => {
    const handled: number[] = [];
    const done = Promise.withResolvers<void>();
    const mailbox = new Mailbox<Item>({
      limits: { maxMessages: 10, maxBytes: 10 },
      policy: "drop-oldest",
      handle: ({ n }) => {
        if (n === 1) {
          throw new Error("must not happen");
        }
        handled.push(n);
        done.resolve();
        return undefined;
      },
      onDropped: () => undefined,
    });
    mailbox.offer(item(1));
    mailbox.offer(item(2));
    await done.promise;
    expect(handled).toEqual([2]);
  });

  test("property - every item ends once, one at a time, within the bound, and none is lost for a less urgent one", async () => {
    const offers = fc.array(
      fc.record({
        priority: fc.constantFrom(...PRIORITIES),
        canPushOut: fc.boolean(),
        bytes: fc.integer({ min: 1, max: 5 }),
        pause: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    const policies = fc.constantFrom<MailboxFullPolicy>("drop-oldest", "drop-newest");
    await fc.assert(
      fc.asyncProperty(
        offers,
        policies,
        fc.integer({ min: 1, max: 8 }),
        async (list, policy, max) => {
          const { mailbox, handled, dropped, finish, most } = gated(max, policy, 12);
          for (const [n, { pause, ...rest }] of list.entries()) {
            const before = dropped.length;
            mailbox.offer({ n, ...rest });
            expect(mailbox.length).toBeLessThanOrEqual(max);
            for (const lost of dropped.slice(before)) {
              const isArriving = lost === n;
              const wasPushedOut = policy === "drop-oldest" && rest.canPushOut;
              expect(isArriving || wasPushedOut).toBe(true);
              expect(rank(list[lost]?.priority)).toBeGreaterThanOrEqual(rank(rest.priority));
            }
            if (pause) {
              await Promise.resolve();
            }
          }
          await finish(list.length);
          expect([...handled, ...dropped].toSorted((a, b) => a - b)).toEqual([...list.keys()]);
          expect(most()).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
