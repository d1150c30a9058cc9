/** What hosts of each version said to a worker of their time is said again to today's worker. */
import { describe, expect, test } from "bun:test";
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import {
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TypePrefixSubscription,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { AGENT_RPC } from "../../src/wire/autogen/service.ts";
import { LINK } from "../../src/wire/link/service.ts";
import { waitFor } from "../kit/wait.ts";
import { CORPUS_VERSIONS, type CorpusLine, recordedCalls } from "../wire/corpus/frame-corpus.ts";

type Stream = ServerDuplexStream<Uint8Array, Uint8Array>;
type Answer = (error: null, bytes: Uint8Array) => void;

const Note = defineMessage("Note", v.object({ text: v.string() }));
const Question = defineMessage("Question", v.object({ text: v.string() }));

/** Answers a worker's first stream with a recorded host's messages, and later ones with nothing. */
class RecordedHost implements AsyncDisposable {
  readonly #server = new Server();
  readonly #lines: readonly CorpusLine[];
  #isSaid = false;
  address = "";

  constructor(lines: readonly CorpusLine[]) {
    this.#lines = lines.filter(({ from }) => from === "host");
    const empty = (_call: unknown, answer: Answer): void => answer(null, new Uint8Array(0));
    const isLink = lines[0]?.method === LINK.Open.path;
    if (isLink) {
      this.#server.addService(LINK, {
        Open: (stream: Stream) => stream.once("data", () => this.#say(stream)),
      });
    }
    this.#server.addService(AGENT_RPC, {
      OpenChannel: (stream: Stream) => {
        stream.sendMetadata(new Metadata());
        stream.on("data", () => undefined);
        this.#say(stream);
      },
      OpenControlChannel: (stream: Stream) => stream.on("data", () => undefined),
      RegisterAgent: empty,
      AddSubscription: empty,
      RemoveSubscription: empty,
      GetSubscriptions: empty,
    });
  }

  async start(): Promise<void> {
    const port = await new Promise<number>((resolve, reject) => {
      const insecure = ServerCredentials.createInsecure();
      this.#server.bindAsync("127.0.0.1:0", insecure, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.address = `127.0.0.1:${port}`;
  }

  #say(stream: Stream): void {
    stream.on("error", () => undefined);
    stream.on("data", () => undefined);
    if (!this.#isSaid) {
      this.#isSaid = true;
      for (const { bytes } of this.#lines) {
        stream.write(bytes);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

interface Payload {
  readonly payload: string | { readonly data: string };
}
interface Said {
  readonly kind: string;
  readonly data?: string;
  readonly records?: readonly Payload[];
  readonly message?: Said;
  readonly payload?: { readonly data: string };
}

/** The texts of the events and calls that a host sent, in their order. */
function textsIn(said: Said): string[] {
  const { kind, message, records = [], payload, data = "" } = said;
  const text = (json: string): string => JSON.parse(json).text;
  switch (kind) {
    case "message":
      return message === undefined ? [] : textsIn(message);
    case "batch":
      return records.map((record) => text(String(record.payload)));
    case "call":
      return [text(data)];
    case "event":
    case "request":
      return payload?.data ? [text(payload.data)] : [];
    default:
      return [];
  }
}

/** The recorded streams of the worker that reads, by the dialect. */
function readersCalls(version: string): readonly (readonly [string, readonly CorpusLine[]])[] {
  return (["agentrt", "autogen"] as const).flatMap((dialect) => {
    const method = dialect === "agentrt" ? LINK.Open.path : AGENT_RPC.OpenChannel.path;
    const lines = recordedCalls(version).find(
      ([first]) => first?.client === `corpus-reader-${dialect}` && first.method === method,
    );
    return lines === undefined ? [] : [[dialect, lines] as const];
  });
}

const cases = CORPUS_VERSIONS.flatMap((version) =>
  readersCalls(version).map(([dialect, lines]) => ({ version, dialect, lines })),
);

describe.each(cases)(
  "the corpus of frames - a host of version $version in $dialect's dialect",
  ({ dialect, lines }) => {
    test("today's worker has its agent handle all that it said", async () => {
      const expected = lines
        .filter(({ from }) => from === "host")
        .flatMap(({ decoded }) => [decoded].flat().flatMap((said) => textsIn(said as Said)));
      expect(expected.length).toBeGreaterThan(20);
      await using host = new RecordedHost(lines);
      await host.start();
      const seen: string[] = [];
      const agentType = `reader_${dialect}`;
      await using runtime = new GrpcWorkerAgentRuntime({
        ...{ hostAddress: host.address, drainTimeoutMs: 1 },
      });
      runtime.addMessageType(Note);
      await runtime.registerFactory(
        agentType,
        defineAgent({
          description: "reads",
          setup(self) {
            self.handleEvent(Note, ({ text }) => {
              seen.push(text);
            });
            self.handleRpc(Question, ({ text }) => {
              seen.push(text);
              return Note.of({ text });
            });
          },
        }),
      );
      await runtime.addSubscription(new TypePrefixSubscription("news", agentType));
      await runtime.addSubscription(new TypeSubscription("orders", agentType));
      await runtime.start();
      await waitFor(() => seen.length >= expected.length, { what: "all messages" });
      expect(seen.toSorted()).toEqual(expected.toSorted());
    });
  },
);
