import { expect, test } from "bun:test";
import { AgentrtError } from "../../src/core/errors.ts";
import { Turnstile } from "../../src/worker/turnstile.ts";

async function pass<T>(turnstile: Turnstile, work: () => Promise<T>): Promise<T> {
  await turnstile.enter();
  try {
    return await work();
  } finally {
    turnstile.leave();
  }
}

test("turnstile - tryEnter does not wait: it comes in, or says that it did not", async () => {
  const turnstile = new Turnstile();
  expect(turnstile.tryEnter()).toBe(true);
  const hold = turnstile.hold(async () => turnstile.tryEnter(), 60_000);
  expect(turnstile.tryEnter()).toBe(false);
  turnstile.leave();
  expect(await hold).toBe(false);
  expect(turnstile.tryEnter()).toBe(true);
});

test("turnstile - who holds it waits for those inside and keeps the others out", async () => {
  const turnstile = new Turnstile();
  const inside = Promise.withResolvers<void>();
  const holding = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = pass(turnstile, async () => {
    await inside.promise;
    order.push("first left");
  });
  const hold = turnstile.hold(async () => {
    order.push("holds");
    await holding.promise;
    order.push("lets go");
  }, 60_000);
  const second = pass(turnstile, async () => {
    order.push("second in");
  });
  inside.resolve();
  await first;
  holding.resolve();
  await Promise.all([hold, second]);
  expect(order).toEqual(["first left", "holds", "lets go", "second in"]);
});

test("turnstile - several pass at once", async () => {
  const turnstile = new Turnstile();
  const both = Promise.withResolvers<void>();
  let inside = 0;
  const enter = async () => {
    inside += 1;
    if (inside === 2) {
      both.resolve();
    }
    await both.promise;
  };
  await Promise.all([pass(turnstile, enter), pass(turnstile, enter)]);
  expect(inside).toBe(2);
});

test("turnstile - who waits too long gives up, and the others go on", async () => {
  const turnstile = new Turnstile();
  const inside = Promise.withResolvers<void>();
  const first = pass(turnstile, async () => await inside.promise);
  let hasRun = false;
  const failure = await turnstile
    .hold(async () => {
      hasRun = true;
    }, 1)
    .catch((error: unknown) => error);
  expect(AgentrtError.from(failure).code).toBe("DEADLINE");
  expect(hasRun).toBe(false);
  expect(await pass(turnstile, async () => "through")).toBe("through");
  inside.resolve();
  await first;
  expect(await turnstile.hold(async () => "held", 60_000)).toBe("held");
});

test("turnstile - work that fails leaves it open", async () => {
  const turnstile = new Turnstile();
  const fails = async () => {
    throw new TypeError("no");
  };
  expect(await pass(turnstile, fails).catch(String)).toBe("TypeError: no");
  expect(await turnstile.hold(fails, 1).catch(String)).toBe("TypeError: no");
  expect(await turnstile.hold(async () => "held", 1)).toBe("held");
});
