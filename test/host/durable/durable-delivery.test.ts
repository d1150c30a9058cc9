/** Durable topics between real runtimes and our host, all in this process. */
import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import {
  createMemoryStore,
  defineAgent,
  defineMessage,
  type GrpcWorkerAgentRuntime,
  type GrpcWorkerAgentRuntimeHost,
  type HostOptions,
  type JsonValue,
  type Store,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { waitFor } from "../../kit/wait.ts";
import { joinKnowing, startHost } from "../../worker/on-our-host.ts";

const Item = defineMessage("Item", v.object({ number: v.number() }));
const join = joinKnowing(Item);

interface World {
  readonly folder: string;
  host(options?: Partial<HostOptions>): Promise<GrpcWorkerAgentRuntimeHost>;
}

/** Hosts on one data folder, one after the other. */
async function inWorld(
  run: (world: World) => Promise<void>,
  logOptions: Parameters<typeof openMessageLog>[1] = {},
): Promise<void> {
  const folder = await mkdtemp(joinPath(tmpdir(), "agentrt-durable-"));
  let stop = async (): Promise<void> => undefined;
  try {
    await run({
      folder,
      host: async (options = {}) => {
        await stop();
        const messageLog = await openMessageLog(folder, logOptions);
        const host = await startHost({ messageLog, durable: ["orders"], ...options });
        stop = async () => {
          await host.stop({ drainTimeoutMs: 200 });
          await messageLog.close();
        };
        return host;
      },
    });
  } finally {
    await stop();
    await rm(folder, { recursive: true });
  }
}

interface Counter {
  readonly seen: number[];
}

/** Keeps all numbers that it got as its state; fails as often as `failures` says. */
async function count(
  runtime: GrpcWorkerAgentRuntime,
  onItem: (number: number) => void = () => undefined,
): Promise<Counter> {
  const counter: { seen: number[] } = { seen: [] };
  const agent = defineAgent({
    description: "counts",
    setup(self) {
      self.handleEvent(Item, ({ number }) => {
        onItem(number);
        counter.seen.push(number);
      });
      return {
        saveState: () => [...counter.seen],
        loadState: (state: JsonValue) => {
          counter.seen = [...(state as number[])];
        },
      };
    },
  });
  await runtime.registerFactory("counter", agent);
  await runtime.addSubscription(new TypeSubscription("orders", "counter"));
  return counter;
}

const ORDERS = new TopicId("orders", "a");

async function publish(from: GrpcWorkerAgentRuntime, first: number, last: number): Promise<void> {
  const sent: Promise<void>[] = [];
  for (let number = first; number <= last; number += 1) {
    sent.push(from.publishMessage(Item.of({ number }), ORDERS));
  }
  await Promise.all(sent);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

describe("durable delivery", () => {
  test("durable delivery - an agent gets each message once and in order, and acknowledges it", async () => {
    await inWorld(async ({ host }) => {
      const there = await host();
      await using worker = await join(there);
      const counter = await count(worker);
      await using publisher = await join(there);
      await publish(publisher, 1, 500);
      await waitFor(() => counter.seen.length >= 500, { what: "all messages" });
      expect(counter.seen).toEqual(upTo(500));
      await waitFor(() => there.report().durable?.cursors[0]?.inFlight === 0, {
        what: "the agent",
      });
      expect(there.report().durable).toMatchObject({
        ...{ appended: 500, acknowledged: 500, delivered: 500, redelivered: 0, dead: 0 },
        topics: ["orders"],
      });
    });
  });

  test("durable delivery - what comes while the worker is away waits for it, over a restart of the host too", async () => {
    await inWorld(async ({ host }) => {
      const store = createMemoryStore();
      const first = await host();
      {
        await using worker = await join(first, { stateStore: store });
        const counter = await count(worker);
        await using publisher = await join(first);
        await publish(publisher, 1, 10);
        await waitFor(() => counter.seen.length === 10, { what: "the agent" });
      }
      {
        await using publisher = await join(first);
        await publish(publisher, 11, 20);
      }
      const second = await host();
      await using worker = await join(second, { stateStore: store });
      const counter = await count(worker);
      await waitFor(() => counter.seen.length >= 20, { what: "what was kept" });
      expect(counter.seen).toEqual(upTo(20));
    });
  });

  test("durable delivery - a worker that comes back gets nothing before it is subscribed, and nothing out of turn", async () => {
    await inWorld(async ({ host }) => {
      const first = await host({ durable: ["orders", "bills"], durableMaxDeliver: 1 });
      const BILLS = new TopicId("bills", "a");
      const subscribe = async (worker: GrpcWorkerAgentRuntime): Promise<void> => {
        await worker.addSubscription(new TypeSubscription("bills", "counter"));
      };
      {
        await using worker = await join(first);
        await count(worker);
        await subscribe(worker);
      }
      await using publisher = await join(first);
      for (let number = 1; number <= 40; number += 1) {
        const topic = number % 2 === 0 ? ORDERS : BILLS;
        await publisher.publishMessage(Item.of({ number }), topic);
      }
      await using worker = await join(first);
      const counter = await count(worker);
      // Each takes the host longer than to give the worker what it has.
      await publish(publisher, 41, 50);
      expect(counter.seen).toEqual([]);
      await subscribe(worker);
      await waitFor(() => counter.seen.length >= 50, { what: "all messages" });
      expect(counter.seen).toEqual(upTo(50));
      expect(first.report().durable).toMatchObject({ failed: 0, dead: 0, redelivered: 0 });
    });
  });

  test("durable delivery - a topic that the agent type does not subscribe to any more holds up no other", async () => {
    await inWorld(async ({ host }) => {
      const there = await host({ durable: ["orders", "bills"], durableMaxDeliver: 1 });
      {
        await using worker = await join(there);
        await count(worker);
        await worker.addSubscription(new TypeSubscription("bills", "counter"));
      }
      await using publisher = await join(there);
      await publisher.publishMessage(Item.of({ number: 0 }), new TopicId("bills", "a"));
      await publish(publisher, 1, 3);
      await using worker = await join(there);
      const counter = await count(worker);
      await waitFor(() => counter.seen.length >= 3, { what: "the others", timeoutMs: 20_000 });
      expect(counter.seen).toEqual(upTo(3));
      await waitFor(() => there.report().durable?.dead === 1, { what: "the one given up" });
    });
  }, 30_000);

  test("durable delivery - a handler that fails gets the message again, and in the end it is with the dead", async () => {
    await inWorld(async ({ host, folder }) => {
      const there = await host({ durableMaxDeliver: 2 });
      await using worker = await join(there);
      let failures = 0;
      const counter = await count(worker, (number) => {
        if (number === 2 || (number === 3 && failures === 0)) {
          failures += number === 3 ? 1 : 0;
          throw new Error(`no ${number}`);
        }
      });
      await using publisher = await join(there);
      await publish(publisher, 1, 4);
      await waitFor(() => there.report().durable?.dead === 1, { what: "the dead message" });
      await waitFor(() => counter.seen.length === 3, { what: "the agent" });
      expect([...counter.seen].sort()).toEqual([1, 3, 4]);
      await there.stop();
      expect(folder).not.toBe("");
    });
  });

  test("durable delivery - a message that is delayed comes when its time has come", async () => {
    await inWorld(async ({ host }) => {
      const there = await host();
      await using worker = await join(there);
      const counter = await count(worker);
      await using publisher = await join(there);
      await publisher.publishMessage(Item.of({ number: 2 }), ORDERS, { delayMs: 300 });
      await publish(publisher, 1, 1);
      await waitFor(() => counter.seen.length === 2, { what: "the delayed message" });
      expect(counter.seen).toEqual([1, 2]);
    });
  });

  test("durable delivery - a full disk refuses the publisher by its code, and plain topics go on", async () => {
    await inWorld(
      async ({ host }) => {
        const there = await host();
        await using publisher = await join(there);
        const Blob = Item;
        let refused: unknown;
        const topic = new TopicId("orders", "x".repeat(1_000));
        for (let number = 0; number < 5_000 && refused === undefined; number += 1) {
          refused = await publisher
            .publishMessage(Blob.of({ number }), topic, { headers: { pad: "x".repeat(1_000) } })
            .then(
              () => undefined,
              (error: unknown) => error,
            );
        }
        expect(refused).toMatchObject({ code: "STORE_FULL" });
        const again = await rejectionOf(
          publisher.publishMessage(Blob.of({ number: 1 }), topic, {
            headers: { pad: "y".repeat(10_000) },
          }),
        );
        expect(again).toMatchObject({ code: "STORE_FULL" });
        await publisher.publishMessage(Item.of({ number: 1 }), new TopicId("plain", "a"));
      },
      { maxFileBytes: 512 * 1_024 },
    );
  });

  test("durable delivery - a worker that is lost before it has acknowledged counts exactly", async () => {
    await inWorld(async ({ host }) => {
      const there = await host();
      const store: Store = createMemoryStore();
      await using publisher = await join(there);
      {
        await using worker = await join(there, { stateStore: store });
        await count(worker);
      }
      await publish(publisher, 1, 300);
      for (let round = 1; round <= 3; round += 1) {
        const worker = await join(there, { stateStore: store });
        const counter = await count(worker);
        await publish(publisher, 300 + round, 300 + round);
        await waitFor(() => counter.seen.includes(300 + round), { what: "the newest" });
        // What was handled is stored, and the host hears nothing of the last of it.
        worker["dispatcher"].durable.outcomes = undefined;
        await worker.stop();
      }
      await using worker = await join(there, { stateStore: store });
      const counter = await count(worker);
      await publish(publisher, 304, 304);
      await waitFor(() => counter.seen.includes(304), { what: "the last" });
      expect([...counter.seen].sort((a, b) => a - b)).toEqual(upTo(304));
    });
  });
});
