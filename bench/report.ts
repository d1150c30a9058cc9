import type { BenchResult, CpuSeconds, Sample, SetupResult } from "./results.ts";
import { medianOf, type Spread, spreadOf } from "./statistics.ts";

interface Row {
  readonly setup: SetupResult;
  readonly perSecond: Spread;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
  readonly callsPerSecond: Spread;
}

/** The whole report as Markdown. Pure: the same result gives the same text. */
export function renderReport(result: BenchResult): string {
  const rows = result.setups.filter((setup) => setup.samples.length > 0).map(summarise);
  return [
    "# Benchmarks",
    introduction(result),
    ...(rows.length === 0 ? [] : [throughputSection(rows), callsSection(rows), cpuSection(rows)]),
    failuresSection(result.setups),
    setupsSection(result.setups),
    methodSection(result),
    MEANING,
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");
}

function summarise(setup: SetupResult): Row {
  const spread = (pick: (sample: Sample) => number): Spread => spreadOf(setup.samples.map(pick));
  return {
    setup,
    perSecond: spread(({ throughput: t }) => (t.messages - t.lost) / t.seconds),
    p50Us: spread((sample) => sample.oneAtATime.p50Us),
    p99Us: spread((sample) => sample.oneAtATime.p99Us),
    callsPerSecond: spread(({ concurrent }) => concurrent.calls / concurrent.seconds),
  };
}

function introduction({
  date,
  command,
  machine,
  agentrtVersion,
  runs,
  durationSeconds,
}: BenchResult): string {
  return [
    `Made on ${date} by \`${command}\` with agentrt ${agentrtVersion}, ${runs} runs, in ${formatCount(durationSeconds)} s. Do not edit: run it again.`,
    `Machine: ${machine.cpuModel}, ${machine.cores} cores, ${machine.memoryGiB} GiB of memory, ${machine.system}, Bun ${machine.bunVersion}. All processes share it, over loopback.`,
    "Each cell is the median of the runs, and in brackets the smallest and the largest. A ratio is the row's median divided by that of the first row.",
  ].join("\n\n");
}

function throughputSection(rows: readonly Row[]): string {
  const base = rows[0]?.perSecond.median;
  return [
    "## One way: publisher, host, subscriber",
    table(
      ["", "messages/s", "ratio", "lost", "duplicates"],
      rows.map(({ setup, perSecond }) => [
        setup.name,
        formatSpread(perSecond, formatCount),
        formatRatio(perSecond.median, base),
        formatCount(total(setup, (sample) => sample.throughput.lost)),
        formatCount(total(setup, (sample) => sample.throughput.duplicates)),
      ]),
    ),
    "Lost and duplicate messages are counted over all runs; lost ones do not count as throughput.",
  ].join("\n\n");
}

function callsSection(rows: readonly Row[]): string {
  const [first] = rows;
  const inFlight = first?.setup.samples[0]?.concurrent.inFlight ?? 0;
  return [
    "## Calls: caller, host, callee, and back",
    table(
      ["", "p50 µs", "ratio", "p99 µs", "ratio", `calls/s, ${inFlight} in flight`, "ratio"],
      rows.map(({ setup, p50Us, p99Us, callsPerSecond }) => [
        setup.name,
        formatSpread(p50Us, formatCount),
        formatRatio(p50Us.median, first?.p50Us.median),
        formatSpread(p99Us, formatCount),
        formatRatio(p99Us.median, first?.p99Us.median),
        formatSpread(callsPerSecond, formatCount),
        formatRatio(callsPerSecond.median, first?.callsPerSecond.median),
      ]),
    ),
    "p50 and p99 are of calls made one at a time.",
  ].join("\n\n");
}

function cpuSection(rows: readonly Row[]): string {
  const seconds = (setup: SetupResult, pick: (sample: Sample) => number): string =>
    medianOf(setup.samples.map(pick)).toFixed(2);
  const cells = (
    setup: SetupResult,
    cpu: (sample: Sample) => CpuSeconds,
    count: (sample: Sample) => number,
  ): string[] => [
    formatCount(medianOf(setup.samples.map(count))),
    seconds(setup, (sample) => cpu(sample).sender),
    seconds(setup, (sample) => cpu(sample).host),
    seconds(setup, (sample) => cpu(sample).receiver),
    medianOf(setup.samples.map((sample) => (sum(cpu(sample)) / count(sample)) * 1e6)).toFixed(1),
  ];
  const head = ["sender s", "host s", "receiver s", "all, µs each"];
  return [
    "## Processor time",
    "User and system time of each process over the measured stretch; a core gives one second a second.",
    table(
      ["One way", "messages", ...head],
      rows.map(({ setup }) => [
        setup.name,
        ...cells(
          setup,
          (sample) => sample.throughput.cpu,
          (sample) => sample.throughput.messages,
        ),
      ]),
    ),
    table(
      ["Calls, many in flight", "calls", ...head],
      rows.map(({ setup }) => [
        setup.name,
        ...cells(
          setup,
          (sample) => sample.concurrent.cpu,
          (sample) => sample.concurrent.calls,
        ),
      ]),
    ),
  ].join("\n\n");
}

function failuresSection(setups: readonly SetupResult[]): string {
  const failed = setups.filter((setup) => setup.failure !== "");
  return failed.length === 0
    ? ""
    : ["## Not measured", ...failed.map((setup) => `- ${setup.name}: ${setup.failure}`)].join("\n");
}

function setupsSection(setups: readonly SetupResult[]): string {
  return [
    "## Setups",
    setups.map((setup) => `- **${setup.name}**: ${setup.description}.`).join("\n"),
  ].join("\n\n");
}

function methodSection({ payloadBytes, runs }: BenchResult): string {
  return `## Method

- Three processes and two connections each time: the sending worker and the receiving worker each hold one connection to the host. Every measurement starts its processes afresh and ends them.
- Payload: a JSON object with a sequence number and padding, ${payloadBytes} bytes encoded, the same for every setup. The sender encodes each one; the receiver decodes each one and ticks its sequence number off, so that a message that is lost or comes twice shows. agentrt's workers also check it against its schema; a NATS client has no schemas.
- One way: from before the first publish to the arrival of the last message at the receiver; lost messages do not count. agentrt's and AutoGen's publishers await each publish, which resolves when their runtime has taken the message, not when it was handled. NATS's publish is fire and forget by its nature; it flushes at the end. Every publisher gives its event loop a turn after the same number of messages.
- Calls: the callee answers with what it got. One at a time for the latencies, then many at once for the rate.
- Each process warms up with the measured work first, in two rounds. The number of messages and calls follows from the second one's rate, so that a measurement takes about as long in every setup.
- ${runs} runs, interleaved: each run measures every setup once, each time starting with the next one.
- Defaults everywhere unless named under Setups. Logging: agentrt's host from warnings up; AutoGen's as it comes, with no handler.`;
}

const MEANING = `## What the numbers mean

They compare ways to pass small messages between processes of one small machine, not networks or disks. agentrt and AutoGen send each message as one gRPC message in an HTTP/2 frame, since AutoGen's protocol has no batches, so their rates are bounded by what gRPC costs a message in every process on the way; with the host between two workers each message pays this cost four times. The NATS client packs many messages into one write, and its server is compiled Go that uses several threads, so it marks what is within reach for a TypeScript client on the same machine rather than what AutoGen's protocol allows. Rows that mix hosts and workers show which side is the bottleneck: with Python workers the Python side limits both hosts. Sender, host and receiver share the cores, so a setup whose processes together want more than the machine has is slower here than on a larger one; the processor time for each message is the number to compare across machines. Latencies are those of idle hosts, with one call at a time; they include two hops in each direction and four wake-ups of a process.`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

function formatSpread({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(min)} to ${format(max)})`;
}

function formatRatio(value: number, base: number | undefined): string {
  return base === undefined || base === 0 ? "" : (value / base).toFixed(2);
}

function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function total(setup: SetupResult, pick: (sample: Sample) => number): number {
  return setup.samples.reduce((sofar, sample) => sofar + pick(sample), 0);
}

function sum({ sender, host, receiver }: CpuSeconds): number {
  return sender + host + receiver;
}
