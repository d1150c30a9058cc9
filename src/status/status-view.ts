import { shorten } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type {
  ErrorReport,
  HostReport,
  SubscriptionReport,
  TopicReport,
  WorkerReport,
} from "../core/host-report.ts";

/** How many entries a list of the report has, and how many of them fit the filter. */
export interface ListCount {
  readonly total: number;
  readonly matching: number;
}

export interface WorkerView extends WorkerReport {
  /** The length of `agentTypes` before it was cut. */
  readonly agentTypeCount: number;
}

/** A host report, its lists filtered and cut, and the counts that cutting would hide: `/api/status`. */
export interface StatusView extends Omit<HostReport, "workers"> {
  readonly workers: readonly WorkerView[];
  readonly counts: {
    readonly workers: ListCount;
    readonly subscriptions: ListCount;
    readonly topics: ListCount;
    readonly deadLetters: ListCount;
    readonly errors: ListCount;
    readonly agentTypes: number;
    /** Waiting in the outboxes of all workers now. */
    readonly queuedMessages: number;
    readonly queuedBytes: number;
  };
}

export interface ViewQuery {
  /** Entries stay that have this text in one of their names or texts, in any case; empty keeps all. */
  readonly filter: string;
  /** Entries of each list at most. */
  readonly limit: number;
  /** Cuts long texts, and the agent types of a worker, so that the size of a view has a bound. */
  readonly isBrief: boolean;
}

const BRIEF_TEXT_LENGTH = 200;
const BRIEF_AGENT_TYPES = 20;

export function viewOf(report: HostReport, query: ViewQuery): StatusView {
  const text = query.isBrief
    ? (value: string) => shorten(value, BRIEF_TEXT_LENGTH)
    : (value: string) => value;
  const workers = select(report.workers, query, workerTexts, (worker) => ({
    ...worker,
    agentTypes: (query.isBrief
      ? worker.agentTypes.slice(0, BRIEF_AGENT_TYPES)
      : worker.agentTypes
    ).map(text),
    agentTypeCount: worker.agentTypes.length,
    clientId: text(worker.clientId),
  }));
  const subscriptions = select(report.subscriptions, query, subscriptionTexts, (subscription) => ({
    ...subscription,
    id: text(subscription.id),
    pattern: text(subscription.pattern),
    agentType: text(subscription.agentType),
    clientId: text(subscription.clientId),
  }));
  const topics = select(report.topics, query, topicTexts, (topic) => ({
    ...topic,
    topicType: text(topic.topicType),
  }));
  const letters = select(report.deadLetters.recent, query, letterTexts, (letter) => ({
    ...letter,
    detail: text(letter.detail),
    messageId: text(letter.messageId),
    destination: text(letter.destination),
    sender: text(letter.sender),
    dataType: text(letter.dataType),
  }));
  const errors = select(report.errors, query, errorTexts, (error) => ({
    ...error,
    message: text(error.message),
    where: text(error.where),
  }));
  return {
    ...report,
    workers: workers.items,
    subscriptions: subscriptions.items,
    topics: topics.items,
    deadLetters: { ...report.deadLetters, recent: letters.items },
    errors: errors.items,
    counts: {
      workers: workers.count,
      subscriptions: subscriptions.count,
      topics: topics.count,
      deadLetters: letters.count,
      errors: errors.count,
      agentTypes: sumOf(report.workers, (worker) => worker.agentTypes.length),
      queuedMessages: sumOf(report.workers, (worker) => worker.queuedMessages),
      queuedBytes: sumOf(report.workers, (worker) => worker.queuedBytes),
    },
  };
}

export function sumOf<T>(items: readonly T[], numberOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + numberOf(item), 0);
}

function select<T, V>(
  all: readonly T[],
  query: ViewQuery,
  textsOf: (item: T) => readonly string[],
  show: (item: T) => V,
): { readonly items: readonly V[]; readonly count: ListCount } {
  const wanted = query.filter.toLowerCase();
  const matching =
    wanted === ""
      ? all
      : all.filter((item) => textsOf(item).some((text) => text.toLowerCase().includes(wanted)));
  return {
    items: matching.slice(0, query.limit).map(show),
    count: { total: all.length, matching: matching.length },
  };
}

function workerTexts(worker: WorkerReport): readonly string[] {
  return [worker.clientId, worker.peer, ...worker.agentTypes];
}

function subscriptionTexts(subscription: SubscriptionReport): readonly string[] {
  return [subscription.pattern, subscription.agentType, subscription.clientId, subscription.id];
}

function topicTexts(topic: TopicReport): readonly string[] {
  return [topic.topicType];
}

function letterTexts(letter: DeadLetter): readonly string[] {
  return [letter.reason, letter.destination, letter.sender, letter.dataType, letter.detail];
}

function errorTexts(error: ErrorReport): readonly string[] {
  return [error.code, error.message, error.where];
}
