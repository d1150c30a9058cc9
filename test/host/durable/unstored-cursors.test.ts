/** Subscriptions that are made and given up while the log cannot store them. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { AgentrtError, defineAgent, defineMessage, TopicId, TypeSubscription } from "agentrt";
import * as v from "valibot";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { waitFor } from "../../kit/wait.ts";
import { joinKnowing, startHost } from "../../worker/on-our-host.ts";

const Item = defineMessage("Item", v.object({ number: v.number() }));
const join = joinKnowing(Item);
const ORDERS = new TopicId("orders", "a");

/** A log that refuses the calls that are named, and counts how often. */
function refusing(log: MessageLog): { readonly log: MessageLog; names: string[]; refused: number } {
  const world = {
    names: [] as string[],
    refused: 0,
    log: new Proxy(log, {
      get: (target, name) => {
        if (world.names.includes(String(name))) {
          return () => {
            world.refused += 1;
            return Promise.reject(new AgentrtError("STORE_FULL", "no room"));
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
  };
  return world;
}

test("unstored cursors - what is subscribed and given up on a full disk is so when there is room", async () => {
  const folder = await mkdtemp(joinPath(tmpdir(), "agentrt-unstored-"));
  try {
    await using inner = await openMessageLog(folder);
    const world = refusing(inner);
    const host = await startHost({ messageLog: world.log, durable: ["orders"] });
    const worker = await join(host);
    const seen: number[] = [];
    const agent = defineAgent({
      description: "notes",
      setup: (self) => self.handleEvent(Item, ({ number }) => void seen.push(number)),
    });
    await worker.registerFactory("noter", agent);

    world.names = ["openCursor"];
    const subscription = new TypeSubscription("orders", "noter");
    await worker.addSubscription(subscription);
    await waitFor(() => world.refused > 0, { what: "a refusal" });
    // There is room for messages before there is one for the cursor.
    await worker.publishMessage(Item.of({ number: 1 }), ORDERS);
    world.names = [];
    await worker.publishMessage(Item.of({ number: 2 }), ORDERS);
    await waitFor(() => seen.length >= 2, { what: "both messages" });
    expect(seen).toEqual([1, 2]);
    expect((await inner.listCursors()).map(({ name }) => name)).toEqual(["noter"]);

    world.names = ["removeCursor"];
    world.refused = 0;
    await worker.removeSubscription(subscription.id);
    await waitFor(() => world.refused > 0, { what: "a refusal" });
    world.names = [];
    await waitFor(async () => (await inner.listCursors()).length === 0, { what: "the removal" });

    await worker.stop();
    await host.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
