/** What an urgent message overtakes in the host's outbox and in a worker's mailbox. */
import { expect, test } from "bun:test";
import {
  defineAgent,
  defineMessage,
  SingleThreadedAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { TURNS_BEFORE_LOWER } from "../../src/core/prioritized-queue.ts";
import { event, exact, InMemoryHost } from "./in-memory-host.ts";

const QUEUED = 100_000;
const Note = defineMessage("Note", v.object({ text: v.string() }));

test("priority - a fire alarm behind 100,000 normal messages in the outbox of a slow worker goes out next", () => {
  using host = new InMemoryHost({ outboxMaxMessages: QUEUED + 1, outboxMaxBytes: 1024 ** 3 });
  const [slow, sender] = [host.join("slow", 0), host.join("sender")];
  slow.register("a");
  slow.subscribe(exact("topic", "a"));
  for (let number = 0; number < QUEUED; number += 1) {
    sender.send(event(`n${number}`, "topic"));
  }
  sender.send(event("fire", "topic", { priority: "high" }));
  expect(slow.received()).toEqual([]);
  expect(slow.session.outbox.queuedMessages).toBe(QUEUED + 1);
  slow.stream.drain(2);
  expect(slow.received().map(({ id }) => id)).toEqual(["fire", "n0"]);
});

test("priority - a fire alarm behind 100,000 normal messages in the mailbox of a slow agent is handled next", async () => {
  const runtime = new SingleThreadedAgentRuntime({
    mailboxMaxMessages: QUEUED + 10,
    mailboxMaxBytes: 1024 ** 3,
    bufferMaxMessages: QUEUED + 10,
    drainTimeoutMs: 0,
  });
  const handled: string[] = [];
  const [began, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = defineAgent({
    description: "slow",
    setup(agent) {
      agent.handleEvent(Note, async ({ text }) => {
        handled.push(text);
        if (handled.length === 1) {
          began.resolve();
          await gate.promise;
        }
      });
    },
  });
  await runtime.registerFactory("slow", slow);
  await runtime.addSubscription(new TypeSubscription("notes", "slow"));
  await runtime.start();
  const topic = new TopicId("notes", "k");
  await runtime.publishMessage(Note.of({ text: "first" }), topic);
  await began.promise;
  const note = Note.of({ text: "normal" });
  for (let number = 0; number < QUEUED; number += 1) {
    await runtime.publishMessage(note, topic);
  }
  await runtime.publishMessage(Note.of({ text: "fire" }), topic, { priority: "high" });
  expect(handled).toEqual(["first"]);
  gate.resolve();
  await runtime.stopWhen(() => handled.length >= 3);
  expect(handled.slice(0, 3)).toEqual(["first", "fire", "normal"]);
});

test("priority - in an outbox that is never empty of normal messages, low ones get the declared share", () => {
  using host = new InMemoryHost();
  const [slow, sender] = [host.join("slow", 0), host.join("sender")];
  slow.register("a");
  slow.subscribe(exact("topic", "a"));
  for (let number = 0; number < 1_000; number += 1) {
    sender.send(event("normal", "topic"));
    sender.send(event("low", "topic", { priority: "low" }));
  }
  const { normal } = TURNS_BEFORE_LOWER;
  slow.stream.drain(10 * (normal + 1));
  const ids = slow.received().map(({ id }) => id);
  expect(ids.filter((id) => id === "low")).toHaveLength(10);
});
