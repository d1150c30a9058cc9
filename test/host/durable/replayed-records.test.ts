import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import {
  defineAgent,
  defineMessage,
  type GrpcWorkerAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { DurableAdminClient } from "../../../src/wire/durable-admin/client.ts";
import { waitFor } from "../../kit/wait.ts";
import { joinKnowing, startHost } from "../../worker/on-our-host.ts";

setDefaultTimeout(30_000);

const Item = defineMessage("Item", v.object({ number: v.number() }));
const ORDERS = new TopicId("orders", "a");
const join = joinKnowing(Item);

/** What an agent type has handled; it fails as long as `isBroken` says so. */
async function collect(
  runtime: GrpcWorkerAgentRuntime,
  type: string,
  isBroken: () => boolean = () => false,
): Promise<readonly string[]> {
  const seen: string[] = [];
  const agent = defineAgent({
    description: "collects",
    setup(self) {
      self.handleEvent(Item, ({ number }, { messageId }) => {
        if (isBroken()) {
          throw new Error("not now");
        }
        seen.push(`${number} ${messageId}`);
      });
      return {};
    },
  });
  await runtime.registerFactory(type, agent);
  await runtime.addSubscription(new TypeSubscription("orders", type));
  return seen;
}

test("replayed records - one comes again to the type that gave it up, over a restart, and to no other", async () => {
  const folder = await mkdtemp(joinPath(tmpdir(), "agentrt-replayed-"));
  const open = async () => {
    const messageLog = await openMessageLog(folder);
    const host = await startHost({ messageLog, durable: ["orders"], durableMaxDeliver: 1 });
    return {
      host,
      async [Symbol.asyncDispose]() {
        await host.stop({ drainTimeoutMs: 200 });
        await messageLog.close();
      },
    };
  };
  try {
    {
      await using first = await open();
      await using worker = await join(first.host);
      const good = await collect(worker, "good");
      await collect(worker, "bad", () => true);
      await using publisher = await join(first.host);
      const options = { messageId: "one" };
      await publisher.publishMessage(Item.of({ number: 1 }), ORDERS, options);
      await waitFor(() => first.host.report().durable?.dead === 1, { what: "the dead record" });
      expect(good).toEqual(["1 one"]);
      using client = new DurableAdminClient(first.host.address, { maxMessageBytes: 65_536 });
      const { dead } = await client.call("listDead", {}, 5_000);
      expect(dead).toMatchObject([{ cursor: "bad", attempts: 1 }]);
      // It stays dead as often as it fails, and is replayed again.
      await client.call("replayDead", { id: 1n }, 5_000);
      await waitFor(() => first.host.report().durable?.dead === 2, { what: "it to die again" });
    }
    await using second = await open();
    using client = new DurableAdminClient(second.host.address, { maxMessageBytes: 65_536 });
    const { dead } = await client.call("listDead", {}, 5_000);
    expect(dead).toMatchObject([{ id: 2, cursor: "bad" }]);
    await client.call("replayDead", { id: 2n }, 5_000);
    await using worker = await join(second.host);
    const good = await collect(worker, "good");
    const bad = await collect(worker, "bad");
    await waitFor(() => bad.length === 1, { what: "the replayed record" });
    await using publisher = await join(second.host);
    await publisher.publishMessage(Item.of({ number: 2 }), ORDERS, { messageId: "two" });
    await waitFor(() => good.length === 1 && bad.length === 2, { what: "what comes behind it" });
    expect([good, bad]).toEqual([["2 two"], ["1 one", "2 two"]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
