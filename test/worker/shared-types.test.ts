/** Registration policies, retained values and last wills between real runtimes and our host. */
import { describe, expect, test } from "bun:test";
import {
  AGE_HEADER,
  AgentId,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  type JsonValue,
  PRESENCE_TOPIC,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { willMetadata } from "../../src/wire/autogen/last-will.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { joinKnowing, startHost } from "./on-our-host.ts";

const Item = defineMessage("Item", v.object({ number: v.number() }));
const Seen = defineMessage("Seen", v.object({ numbers: v.array(v.number()), worker: v.string() }));

const join = joinKnowing(Seen);

/** Keeps the numbers that it got, in their order, as its state. */
function collector(worker: string) {
  return defineAgent({
    description: "collects",
    setup(agent) {
      let numbers: number[] = [];
      agent.handleEvent(Item, async ({ number }) => {
        // Slow enough for messages to wait while the instance is asked to move.
        await Bun.sleep(number % 3);
        numbers.push(number);
      });
      agent.handleRpc(Item, () => Seen.of({ numbers, worker }));
      return {
        saveState: () => numbers,
        loadState: (state: JsonValue) => {
          numbers = [...(state as number[])];
        },
      };
    },
  });
}

async function share(runtime: GrpcWorkerAgentRuntime, name: string): Promise<void> {
  await runtime.registerFactory("collector", collector(name), { policy: "shared" });
  await runtime.addSubscription(new TypeSubscription("items", "collector"));
}

const KEYS = Array.from({ length: 12 }, (_, index) => `key-${index}`);

async function publish(from: GrpcWorkerAgentRuntime, first: number, last: number): Promise<void> {
  for (let number = first; number <= last; number += 1) {
    for (const key of KEYS) {
      await from.publishMessage(Item.of({ number }), new TopicId("items", key));
    }
  }
}

async function seenBy(from: GrpcWorkerAgentRuntime, key: string) {
  return await from.sendMessage<{ numbers: number[]; worker: string }>(
    Item.of({ number: 0 }),
    new AgentId("collector", key),
  );
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

describe("shared types", () => {
  test("shared - instances move with their state and keep the order when a worker joins and when one leaves", async () => {
    await using host = await startHost();
    await using sender = await join(host);
    const one = await join(host);
    await share(one, "one");
    await publish(sender, 1, 20);
    await using two = await join(host);
    await share(two, "two");
    await publish(sender, 21, 40);
    const workers = new Set<string>();
    for (const key of KEYS) {
      const seen = await seenBy(sender, key);
      expect(seen?.numbers).toEqual(upTo(40));
      workers.add(seen?.worker ?? "");
    }
    expect([...workers].sort()).toEqual(["one", "two"]);
    await publish(sender, 41, 50);
    const stopping = one.stop();
    await publish(sender, 51, 60);
    await stopping;
    for (const key of KEYS) {
      expect(await seenBy(sender, key)).toEqual({ numbers: upTo(60), worker: "two" });
    }
    // What was handed over counts here no more, and what came does.
    expect(one.report().agentTypes).toMatchObject([{ type: "collector", instances: 0 }]);
    expect(two.report().agentTypes).toMatchObject([{ type: "collector", instances: KEYS.length }]);
    const { totals } = host.report();
    expect(totals.instancesMoved).toBeGreaterThanOrEqual(KEYS.length);
    expect(totals.instancesMovedWithoutState).toBe(0);
  });

  test("shared - the only worker that leaves waits for nobody", async () => {
    await using host = await startHost();
    const only = await join(host);
    await share(only, "only");
    await publish(only, 1, 1);
    await only.stop();
    expect(host.report().workers).toEqual([]);
  });

  test("standby - the second registration succeeds, waits, and takes over", async () => {
    await using host = await startHost();
    await using sender = await join(host);
    const [first, second] = [await join(host), await join(host)];
    await using _second = second;
    for (const [name, runtime] of Object.entries({ first, second })) {
      await runtime.registerFactory("collector", collector(name), { policy: "standby" });
      await runtime.addSubscription(new TypeSubscription("items", "collector"));
    }
    expect((await seenBy(sender, "k"))?.worker).toBe("first");
    await first.stop();
    expect((await seenBy(sender, "k"))?.worker).toBe("second");
  });

  test("policy - one that does not exist, and one that conflicts, are refused with their codes", async () => {
    await using host = await startHost();
    await using one = await join(host);
    await using two = await join(host);
    await share(one, "one");
    const conflict = two.registerFactory("collector", collector("two"), { policy: "standby" });
    expect(await rejectionOf(conflict)).toMatchObject({
      code: "POLICY_CONFLICT",
      data: { agentType: "collector", policy: "shared" },
    });
    const unknown = two.registerFactory("other", collector("two"), { policy: "often" as "shared" });
    expect((await rejectionOf(unknown)).code).toBe("INVALID_OPTION");
  });
});

describe("retained values and last wills", () => {
  test("retained - a runtime that subscribes late has the last value at once, and knows its age", async () => {
    await using host = await startHost();
    await using sender = await join(host);
    await sender.publishMessage(Item.of({ number: 7 }), new TopicId("state", "k"), {
      retain: true,
    });
    await waitFor(() => host.report().totals.eventsIn === 1, { what: "the host to have it" });
    await using late = await join(host);
    const ages: (string | undefined)[] = [];
    const got: number[] = [];
    const listener = defineAgent({
      description: "listens",
      setup(agent) {
        agent.handleEvent(Item, ({ number }, { headers }) => {
          got.push(number);
          ages.push(headers[AGE_HEADER]);
        });
      },
    });
    await late.registerFactory("listener", listener);
    await late.registerFactory("other", listener);
    await late.addSubscription(new TypeSubscription("state", "listener"));
    await waitFor(() => got.length === 1, { what: "the kept value" });
    // The second type of the same worker gets it too, and the first one not again.
    await late.addSubscription(new TypeSubscription("state", "other"));
    await waitFor(() => got.length === 2, { what: "the kept value at the other type" });
    await sender.publishMessage(Item.of({ number: 8 }), new TopicId("state", "k"), {
      retain: true,
    });
    await waitFor(() => got.length === 4, { what: "the fresh value at both" });
    expect(got).toEqual([7, 7, 8, 8]);
    expect(ages.map((age) => age !== undefined)).toEqual([true, true, false, false]);
  });

  test("last will - it is published when the connection breaks, not when the worker stops", async () => {
    await using host = await startHost();
    await using listener = await join(host);
    const heard: unknown[] = [];
    const watch = { message: Item.of({ number: 1 }), topic: new TopicId("wills", "k") };
    await listener.subscribe("wills", ({ content }) => {
      heard.push(content);
    });
    const orderly = await join(host, { lastWill: watch });
    await orderly.stop();
    const presence: string[] = [];
    await listener.subscribe(PRESENCE_TOPIC.toString(), ({ content }) => {
      const { client_id, subject, change, reason } = content as Record<string, string>;
      presence.push(`${change} ${subject} ${client_id} ${reason}`);
    });
    const raw = new AgentRpcClient(host.address, "mortal", { maxMessageBytes: 1_000_000 });
    const stream = raw.openChannel(
      willMetadata({
        ...{ kind: "event", id: "w", topic: watch.topic, sender: undefined, headers: {} },
        payload: {
          dataType: "Item",
          contentType: "application/json",
          data: new TextEncoder().encode('{"number":3}'),
        },
      }),
    );
    stream.on("error", () => undefined);
    await waitFor(() => presence.includes("came worker mortal "), { what: "it to be there" });
    stream.cancel();
    raw.close();
    await waitFor(() => heard.length > 0, { what: `the will, with ${presence}` });
    expect(heard).toEqual([{ number: 3 }]);
    expect(presence).toContain("went worker mortal lost");
  });

  test("last will - one that is too long is refused where it is made", () => {
    const Text = defineMessage("Text", v.object({ text: v.string() }));
    const lastWill = {
      message: Text.of({ text: "x".repeat(5_000) }),
      topic: new TopicId("wills", "k"),
    };
    expect(() => new GrpcWorkerAgentRuntime({ lastWill })).toThrow("4096 are the most");
  });
});
