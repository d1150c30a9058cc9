import { resolve } from "node:path";
import type { MessageContext, MessageType } from "agentrt";
import type { Envelope, EventEnvelope } from "../src/core/envelope.ts";

/** One thing to measure; it is made once and run several times. */
export interface HotPathCase {
  readonly name: string;
  /** Takes so many messages through, and ends when each was handled. */
  readonly run: (messages: number) => Promise<void>;
}

type Api = typeof import("agentrt");

/** Messages that are there at once, as those of one batch from a host are. */
const AT_ONCE = 1_024;
const PAYLOAD_BYTES = 128;

/** The cases, of the checkout in a folder. */
export async function hotPathCases(folder: string): Promise<readonly HotPathCase[]> {
  const api = (await import(resolve(folder, "src/index.ts"))) as Api;
  const codec = (await import(
    resolve(folder, "src/wire/autogen/codec.ts")
  )) as typeof import("../src/wire/autogen/codec.ts");

  const Text = api.defineMessage("Text", (value) => value as { readonly text: string });
  const text = Text.of({ text: "x".repeat(PAYLOAD_BYTES - 11) });
  const bytes = new api.UnknownPayload(
    "Raw",
    "application/octet-stream",
    new Uint8Array(PAYLOAD_BYTES).fill(120),
  );
  const topic = new api.TopicId("readings", "kitchen");

  /** A runtime with one agent that counts what it gets. */
  class Counting extends api.SingleThreadedAgentRuntime {
    handled = 0;

    async prepare(type: MessageType | undefined, handle: () => unknown): Promise<this> {
      const handler = (_data: object, _context: MessageContext): undefined => {
        this.handled += 1;
        return handle() as undefined;
      };
      const agent = api.defineAgent({
        description: "Counts",
        setup: (made) => {
          if (type === undefined) {
            made.handleAnything(handler);
          } else {
            made.handleEvent(type, handler);
          }
        },
      });
      await this.registerFactory("counter", agent);
      await this.addSubscription(new api.TypeSubscription("readings", "counter"));
      await this.start();
      return this;
    }

    give(envelope: Envelope): void {
      this.dispatcher.deliverEvent(envelope as EventEnvelope);
    }

    async expect(handled: number): Promise<void> {
      await this.idle();
      if (this.handled !== handled) {
        throw new Error(`${this.handled} messages were handled, not ${handled}.`);
      }
      this.handled = 0;
    }
  }

  const nothing = (): undefined => undefined;

  async function publishing(
    name: string,
    message: object,
    type: MessageType | undefined,
    options: ConstructorParameters<Api["SingleThreadedAgentRuntime"]>[0] = {},
    handle: () => unknown = nothing,
  ): Promise<HotPathCase> {
    const runtime = await new Counting(options).prepare(type, handle);
    const run = async (messages: number): Promise<void> => {
      for (let sent = 0; sent < messages; sent += AT_ONCE) {
        const end = Math.min(messages, sent + AT_ONCE);
        for (let index = sent; index < end; index += 1) {
          void runtime.publishMessage(message, topic);
        }
        await runtime.idle();
      }
      await runtime.expect(messages);
    };
    return { name, run };
  }

  async function awaited(name: string): Promise<HotPathCase> {
    const runtime = await new Counting().prepare(undefined, nothing);
    const run = async (messages: number): Promise<void> => {
      for (let sent = 0; sent < messages; sent += 1) {
        await runtime.publishMessage(bytes, topic);
        if (sent % AT_ONCE === 0) {
          await runtime.idle();
        }
      }
      await runtime.expect(messages);
    };
    return { name, run };
  }

  const event = (id: string, payload: EventEnvelope["payload"]): EventEnvelope => ({
    kind: "event",
    id,
    topic,
    sender: undefined,
    headers: {},
    payload,
  });

  async function dispatching(
    name: string,
    payload: EventEnvelope["payload"],
    type: MessageType | undefined,
    options: ConstructorParameters<Api["SingleThreadedAgentRuntime"]>[0],
    atOnce: number,
  ): Promise<HotPathCase> {
    const runtime = await new Counting(options).prepare(type, nothing);
    // Where events are remembered, no id comes again within what is.
    const envelopes = Array.from({ length: options?.dedupWindowMs === 0 ? AT_ONCE : 250_000 }, () =>
      event(crypto.randomUUID(), payload),
    );
    let next = 0;
    const run = async (messages: number): Promise<void> => {
      for (let given = 0; given < messages; given += atOnce) {
        const end = Math.min(messages, given + atOnce);
        for (let index = given; index < end; index += 1) {
          next = next + 1 < envelopes.length ? next + 1 : 0;
          const envelope = envelopes[next];
          if (envelope !== undefined) {
            runtime.give(envelope);
          }
        }
        await runtime.idle();
      }
      await runtime.expect(messages);
    };
    return { name, run };
  }

  /** From the bytes of a frame on, as they come from a host. */
  async function decoding(name: string, isDispatched: boolean): Promise<HotPathCase> {
    const runtime = await new Counting({ dedupWindowMs: 0 }).prepare(undefined, nothing);
    const frame = codec.encodeMessage(event(crypto.randomUUID(), bytes));
    const run = async (messages: number): Promise<void> => {
      for (let given = 0; given < messages; given += AT_ONCE) {
        const end = Math.min(messages, given + AT_ONCE);
        for (let index = given; index < end; index += 1) {
          const envelope = codec.decodeMessage(frame);
          if (isDispatched) {
            runtime.give(envelope);
          }
        }
        await runtime.idle();
      }
      await runtime.expect(isDispatched ? messages : 0);
    };
    return { name, run };
  }

  const json = { dataType: "Text", contentType: "application/json", data: Text.encode(text) };
  const off = { dedupWindowMs: 0 };
  const limited = { ...off, agentDefaults: { handlerTimeoutMs: 60_000 } };
  return [
    await publishing("publish, raw bytes", bytes, undefined),
    await publishing("publish, raw bytes, no dedup", bytes, undefined, off),
    await publishing("publish, JSON", text, Text),
    await publishing(
      "publish, raw bytes, async handler",
      bytes,
      undefined,
      {},
      async () => undefined,
    ),
    await awaited("publish and await each, raw bytes"),
    await dispatching("dispatch, raw bytes", bytes, undefined, {}, AT_ONCE),
    await dispatching("dispatch, raw bytes, no dedup", bytes, undefined, off, AT_ONCE),
    await dispatching("dispatch, raw bytes, no dedup, 16 at once", bytes, undefined, off, 16),
    await dispatching("dispatch, raw bytes, no dedup, 1 at once", bytes, undefined, off, 1),
    await dispatching(
      "dispatch, raw bytes, no dedup, time limit",
      bytes,
      undefined,
      limited,
      AT_ONCE,
    ),
    await dispatching("dispatch, JSON, no dedup", json, Text, off, AT_ONCE),
    await decoding("decode a frame", false),
    await decoding("decode a frame and dispatch, no dedup", true),
  ];
}
