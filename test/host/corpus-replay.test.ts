/** What workers of each version said to a host of their time is said again to today's host. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata, type MethodDefinition } from "@grpc/grpc-js";
import { AGE_HEADER, type GrpcWorkerAgentRuntimeHost } from "agentrt";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { AGENT_RPC } from "../../src/wire/autogen/service.ts";
import { LINK } from "../../src/wire/link/service.ts";
import { waitFor } from "../kit/wait.ts";
import { CORPUS_VERSIONS, type CorpusLine, recordedCalls } from "../wire/corpus/frame-corpus.ts";
import { startHost } from "../worker/on-our-host.ts";

const METHODS = new Map<string, MethodDefinition<Uint8Array, Uint8Array>>(
  [LINK.Open, ...Object.values(AGENT_RPC)].map((method) => [method.path, method]),
);

interface Said {
  readonly kind: string;
  readonly count?: number;
  readonly sequence?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: Said;
}

/** How many events, calls and control messages a host finds in them, what comes again included. */
interface Account {
  events: number;
  calls: number;
  controls: number;
}

function add(account: Account, { kind, count = 0, headers, message }: Said): void {
  if (message !== undefined) {
    add(account, message);
  } else if (kind === "batch") {
    account.events += count;
  } else if (kind === "event" && headers?.[AGE_HEADER] === undefined) {
    // One with an age is a retained value that is handed in again, which is not counted.
    account.events += 1;
  } else if ((kind === "request" && headers?.["agentrt-cancel"] === undefined) || kind === "call") {
    account.calls += 1;
  }
}

function addAll(account: Account, { method, decoded }: CorpusLine): void {
  if (method === AGENT_RPC.OpenControlChannel.path) {
    account.controls += 1;
    return;
  }
  for (const said of [decoded].flat()) {
    add(account, said as Said);
  }
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentrt-corpus-replay-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Says it all in its order, and waits after each call until the host has read it. */
async function sayAll(host: GrpcWorkerAgentRuntimeHost, version: string): Promise<Account> {
  const account: Account = { events: 0, calls: 0, controls: 0 };
  const clients: Client[] = [];
  try {
    for (const lines of recordedCalls(version)) {
      const [first] = lines;
      const method = METHODS.get(first?.method ?? "");
      const spoken = lines.filter(({ from }) => from === "worker");
      if (method === undefined) {
        throw new Error(`There is no ${first?.method} any more.`);
      }
      const metadata = new Metadata();
      metadata.set("client-id", first?.client ?? "");
      metadata.set("agentrt-capabilities", "cancel,hand-in,leave,leave-type");
      const client = new Client(host.address, credentials.createInsecure());
      clients.push(client);
      const [serialize, deserialize] = [method.requestSerialize, method.responseDeserialize];
      if (!method.requestStream) {
        await new Promise<void>((resolve, reject) => {
          const request = spoken[0]?.bytes ?? new Uint8Array(0);
          client.makeUnaryRequest(
            ...([method.path, serialize, deserialize, request, metadata] as const),
            (error) => (error === null ? resolve() : reject(error)),
          );
        });
        continue;
      }
      const stream = client.makeBidiStreamRequest(method.path, serialize, deserialize, metadata);
      // A stream that is replaced by the next one ends with an error.
      stream.on("error", () => undefined);
      stream.resume();
      for (const line of spoken) {
        stream.write(line.bytes);
        addAll(account, line);
      }
      await waitFor(
        () => {
          const { totals } = host.report();
          const { eventsIn, duplicates, callsIn, controlMessages } = totals;
          const read = {
            events: eventsIn + duplicates,
            calls: callsIn,
            controls: controlMessages,
          };
          return Bun.deepEquals(read, account) || totals.badFrames > 0;
        },
        { what: `${JSON.stringify(account)} of ${method.path}` },
      );
    }
  } finally {
    for (const client of clients) {
      client.close();
    }
  }
  return account;
}

describe.each(CORPUS_VERSIONS)("the corpus of frames - workers of version %s", (version) => {
  test("today's host reads all that they said, and takes each record once", async () => {
    await using messageLog = await openMessageLog(folder);
    await using host = await startHost({ messageLog, durable: ["orders"], drainTimeoutMs: 1 });
    const account = await sayAll(host, version);
    const { totals } = host.report();
    expect(totals.badFrames).toBe(0);
    expect(account.events).toBeGreaterThan(40);
    // What a recorded worker sent on two connections because the first one broke.
    const batches = recordedCalls(version)
      .flat()
      .filter(({ from }) => from === "worker")
      .flatMap(({ decoded, client }) =>
        [decoded].flat().map((said) => ({ client, said: said as Said })),
      )
      .filter(({ said }) => said.kind === "batch");
    const distinct = new Map(
      batches.map(({ client, said }) => [`${client} ${said.sequence}`, said]),
    );
    const sum = (some: Iterable<Said>): number =>
      Array.from(some, ({ count = 0 }) => count).reduce((a, b) => a + b, 0);
    expect(totals.duplicates).toBe(sum(batches.map(({ said }) => said)) - sum(distinct.values()));
  });
});
