import { AgentrtError } from "../../core/errors.ts";
import { type BenchRow, measureAll } from "../bench/measure.ts";
import { Arrived, Payload } from "../bench/messages.ts";
import { type PartProcess, startPart } from "../bench/processes.ts";
import { BUILD } from "../build-info.ts";
import { EXIT } from "../exit-codes.ts";
import type { Localized } from "../language.ts";
import type { Invocation } from "./command.ts";
import { SENTENCES, TITLES } from "./command-words.ts";
import { type Column, renderTable } from "./table.ts";
import { CONNECT_TIMEOUT_MS, withClient } from "./with-client.ts";

const DEFAULT_PAYLOAD_BYTES = 128;
const DEFAULT_DURATION_MS = 2_000;
/** What a message has beside its payload fits in here. */
const ENVELOPE_BYTES = 4_096;

/** `agentrt bench` */
export async function runBench(invocation: Invocation): Promise<number> {
  const { options, settings, io } = invocation;
  const payloadBytes = options["payload-size"] ?? DEFAULT_PAYLOAD_BYTES;
  const maxMessageBytes = settings.values["max-message-size"];
  if (payloadBytes > maxMessageBytes - ENVELOPE_BYTES) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `--payload-size ${payloadBytes} does not fit into a message of at most ${maxMessageBytes} bytes. Raise --max-message-size here and at the host.`,
    );
  }
  const hasOwnHost = !settings.isGiven("host-address");
  const limit = String(maxMessageBytes);
  // Before there is a worker that Ctrl-C could end, it ends this process, and its parts end with it.
  await using host = hasOwnHost
    ? await startPart(["host", limit], io.outputClosed)
    : givenHost(settings.values["host-address"]);
  const dialect = options.dialect ?? "agentrt";
  const needs = { hostAddress: host.address, connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const rows = await withClient(invocation, needs, async ({ runtime, stop, connect }) => {
    await connect();
    const runId = crypto.randomUUID().slice(0, 8);
    await using _receiver = await startPart(
      ["receiver", limit, host.address, runId, dialect],
      stop,
    );
    runtime.addMessageType(Payload);
    runtime.addMessageType(Arrived);
    const durationMs = options.duration ?? DEFAULT_DURATION_MS;
    const all: BenchRow[] = [];
    for await (const row of measureAll({ runtime, runId, payloadBytes, durationMs, stop })) {
      all.push(row);
    }
    return all;
  });
  const facts = { address: host.address, hasOwnHost, payloadBytes };
  await io.print(
    options.json === true
      ? `${JSON.stringify({ version: BUILD.version, ...facts, results: rows })}\n`
      : textOf(invocation, facts, rows),
  );
  if (rows.some(({ lost, duplicates }) => lost + duplicates > 0)) {
    await io.printError("agentrt: Messages were lost or came twice; the rates count what came.\n");
    return EXIT.failed;
  }
  return EXIT.done;
}

function givenHost(address: string): PartProcess {
  return { address, [Symbol.asyncDispose]: () => Promise.resolve() };
}

interface Facts {
  readonly address: string;
  readonly hasOwnHost: boolean;
  readonly payloadBytes: number;
}

function textOf(
  { io }: Invocation,
  { address, hasOwnHost, payloadBytes }: Facts,
  rows: readonly BenchRow[],
): string {
  const head = SENTENCES.benched(hasOwnHost ? undefined : address, payloadBytes)[io.language];
  const table = renderTable(columnsFor(payloadBytes), rows, io);
  return `${[`agentrt ${BUILD.version}${head}`, "", ...table].join("\n")}\n`;
}

function columnsFor(payloadBytes: number): readonly Column<BenchRow>[] {
  const number = (title: Localized, text: (row: BenchRow) => string): Column<BenchRow> => ({
    title,
    text,
    isNumber: true,
  });
  const ms = (value: number | undefined): string => value?.toFixed(2) ?? "-";
  return [
    { title: TITLES.work, text: ({ work }) => work },
    number(TITLES.count, ({ count }) => count.toLocaleString("en-US")),
    number(TITLES.perSecond, ({ perSecond }) => Math.round(perSecond).toLocaleString("en-US")),
    number(TITLES.megabytes, ({ perSecond }) => ((perSecond * payloadBytes) / 1e6).toFixed(1)),
    number(TITLES.p50, ({ p50Ms }) => ms(p50Ms)),
    number(TITLES.p99, ({ p99Ms }) => ms(p99Ms)),
    number(TITLES.lost, ({ lost }) => String(lost)),
  ];
}
