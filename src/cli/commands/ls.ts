import { AgentrtError } from "../../core/errors.ts";
import type {
  HostReport,
  SubscriptionReport,
  TopicReport,
  WorkerReport,
} from "../../core/host-report.ts";
import { patternOf, type Subscription } from "../../core/subscription.ts";
import { AgentRpcClient } from "../../wire/autogen/client.ts";
import { EXIT } from "../exit-codes.ts";
import type { Invocation } from "./command.ts";
import { SENTENCES, TITLES } from "./command-words.ts";
import { type ReportSource, reportSource } from "./host-report.ts";
import { parseListName } from "./list-name.ts";
import { type Column, renderTable } from "./table.ts";
import { CONNECT_TIMEOUT_MS } from "./with-client.ts";

const DEFAULT_LIMIT = 1_000;

/** What one list shows, as rows for a table and for JSON. */
interface Listing<T extends object> {
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly leftOut: number;
}

interface AgentRow {
  readonly agentType: string;
  readonly clientId: string;
  readonly peer: string;
  /** Topic types, and prefixes with `*`. */
  readonly topics: readonly string[];
}

/** `agentrt ls workers|agents|subscriptions|topics` */
export async function runLs(invocation: Invocation): Promise<number> {
  const { operands, options } = invocation;
  const what = parseListName(operands[0] ?? "");
  const query = { limit: options.limit ?? DEFAULT_LIMIT, filter: options.filter };
  using source = reportSource(invocation);
  switch (what) {
    case "workers": {
      const { report, leftOut } = await source.ask(query);
      const listing = { columns: WORKERS, rows: report.workers, leftOut: leftOut.workers };
      return await show(invocation, what, listing);
    }
    case "agents": {
      const { report, leftOut } = await source.ask({ filter: query.filter });
      const all = agentRows(report, query.filter ?? "");
      const rows = all.slice(0, query.limit);
      const hidden = leftOut.workers + all.length - rows.length;
      return await show(invocation, what, { columns: AGENTS, rows, leftOut: hidden });
    }
    case "subscriptions":
      return await show(invocation, what, await subscriptions(invocation, source, query));
    case "topics": {
      const { report, leftOut } = await source.ask(query);
      const listing = { columns: TOPICS, rows: report.topics, leftOut: leftOut.topics };
      return await show(invocation, what, listing);
    }
    default:
      return what satisfies never;
  }
}

const WORKERS: readonly Column<WorkerReport>[] = [
  { title: TITLES.worker, text: ({ clientId }) => clientId },
  { title: TITLES.peer, text: ({ peer }) => peer },
  { title: TITLES.since, text: ({ connectedAt }) => connectedAt },
  { title: TITLES.types, text: ({ agentTypes }) => agentTypes.length, isNumber: true },
  { title: TITLES.subscriptions, text: (worker) => worker.subscriptions, isNumber: true },
  { title: TITLES.in, text: ({ messagesIn }) => messagesIn, isNumber: true },
  { title: TITLES.out, text: ({ messagesOut }) => messagesOut, isNumber: true },
  { title: TITLES.queued, text: ({ queuedMessages }) => queuedMessages, isNumber: true },
  { title: TITLES.shed, text: ({ shed }) => shed, isNumber: true },
];

const AGENTS: readonly Column<AgentRow>[] = [
  { title: TITLES.agentType, text: ({ agentType }) => agentType },
  { title: TITLES.worker, text: ({ clientId }) => clientId },
  { title: TITLES.peer, text: ({ peer }) => peer },
  { title: TITLES.topics, text: ({ topics }) => topics.join(" ") },
];

const SUBSCRIPTIONS: readonly Column<SubscriptionReport>[] = [
  { title: TITLES.topic, text: shownPattern },
  { title: TITLES.agentType, text: ({ agentType }) => agentType },
  { title: TITLES.worker, text: ({ clientId }) => clientId || "-" },
  { title: TITLES.id, text: ({ id }) => id },
];

const TOPICS: readonly Column<TopicReport>[] = [
  { title: TITLES.topic, text: ({ topicType }) => topicType },
  { title: TITLES.messages, text: ({ messages }) => messages, isNumber: true },
  { title: TITLES.perSecond, text: ({ messagesPerSecond: n }) => n.toFixed(1), isNumber: true },
  { title: TITLES.deliveries, text: ({ deliveries }) => deliveries, isNumber: true },
  { title: TITLES.dropped, text: ({ dropped }) => dropped, isNumber: true },
  { title: TITLES.fullQueue, text: ({ fullQueue }) => fullQueue },
  { title: TITLES.bytes, text: ({ bytes }) => bytes, isNumber: true },
  { title: TITLES.last, text: ({ lastAt }) => lastAt },
];

/** AutoGen's host has no report, but tells its subscriptions to anybody. */
async function subscriptions(
  invocation: Invocation,
  source: ReportSource,
  query: { readonly limit: number; readonly filter: string | undefined },
): Promise<Listing<SubscriptionReport>> {
  try {
    const { report, leftOut } = await source.ask(query);
    return {
      columns: SUBSCRIPTIONS,
      rows: report.subscriptions,
      leftOut: leftOut.subscriptions,
    };
  } catch (thrown) {
    if (AgentrtError.from(thrown).code !== "NOT_SUPPORTED") {
      throw thrown;
    }
  }
  const { values } = invocation.settings;
  const client = new AgentRpcClient(values["host-address"], crypto.randomUUID(), {
    maxMessageBytes: values["max-message-size"],
  });
  try {
    const timeoutMs = invocation.options["connect-timeout"] ?? CONNECT_TIMEOUT_MS;
    const all = (await client.getSubscriptions(timeoutMs))
      .map(reportOf)
      .filter(({ id, pattern, agentType }) =>
        [id, pattern, agentType].some((name) => name.includes(query.filter ?? "")),
      );
    const rows = all.slice(0, query.limit);
    return { columns: SUBSCRIPTIONS, rows, leftOut: all.length - rows.length };
  } finally {
    client.close();
  }
}

function reportOf(subscription: Subscription): SubscriptionReport {
  const { id, kind, agentType } = subscription;
  return { id, kind, pattern: patternOf(subscription), agentType, clientId: "" };
}

function agentRows(report: HostReport, filter: string): readonly AgentRow[] {
  const topics = Map.groupBy(report.subscriptions, ({ agentType }) => agentType);
  return report.workers.flatMap(({ agentTypes, clientId, peer }) =>
    agentTypes
      .filter((agentType) => [agentType, clientId, peer].some((name) => name.includes(filter)))
      .map((agentType) => ({
        agentType,
        clientId,
        peer,
        topics: (topics.get(agentType) ?? []).map(shownPattern),
      })),
  );
}

function shownPattern({ kind, pattern }: SubscriptionReport): string {
  return kind === "prefix" ? `${pattern}*` : pattern;
}

async function show<T extends object>(
  { options, io }: Invocation,
  what: string,
  { columns, rows, leftOut }: Listing<T>,
): Promise<number> {
  if (options.json === true) {
    await io.print(`${JSON.stringify({ [what]: rows, leftOut })}\n`);
    return EXIT.done;
  }
  if (rows.length === 0 && leftOut === 0) {
    const { filter } = options;
    const text = filter === undefined ? SENTENCES.none(what) : SENTENCES.noneSuch(what, filter);
    await io.printError(`agentrt: ${text[io.language]}\n`);
  }
  await io.print(`${renderTable(columns, rows, io).join("\n")}\n`);
  if (leftOut > 0) {
    await io.printError(`agentrt: ${SENTENCES.more(leftOut)[io.language]}\n`);
  }
  return EXIT.done;
}
