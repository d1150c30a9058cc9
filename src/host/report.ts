import { getChannelzHandlers, type Server } from "@grpc/grpc-js";
import type {
  DurableReport,
  HostReport,
  HostState,
  HostTotals,
  SubscriptionReport,
  WorkerReport,
} from "../core/host-report.ts";
import { patternOf } from "../core/subscription.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { IncidentLog } from "./incident-log.ts";
import type { Registry } from "./registry.ts";
import type { RetainedValues } from "./retained-values.ts";
import type { Router } from "./router.ts";
import type { Session } from "./session.ts";
import type { TopicStatistics } from "./topic-statistics.ts";
import type { MutableTotals } from "./totals.ts";

const MAX_TOPICS = 1_000;

export interface ReportParts {
  readonly registry: Registry;
  readonly router: Router;
  readonly topics: TopicStatistics;
  readonly deadLetters: DeadLetters;
  readonly incidents: IncidentLog;
  readonly retained: RetainedValues;
  readonly totals: MutableTotals;
  readonly version: string;
  readonly state: HostState;
  readonly listen: string;
  readonly isInsecure: boolean;
  readonly startedAt: Date;
  readonly rpcsFailed: number;
  readonly durable: DurableReport | undefined;
}

/** Puts together what the host says of itself; nothing of it is kept for this purpose alone. */
export function createReport(parts: ReportParts): HostReport {
  const { registry, deadLetters } = parts;
  const totals: HostTotals = {
    ...parts.totals,
    rpcsFailed: parts.rpcsFailed,
    retainedDropped: parts.retained.dropped,
    limitsHit:
      parts.totals.limitsHit +
      parts.incidents.countOf("TOO_MANY") +
      parts.incidents.countOf("TOO_LARGE"),
    topicsForgotten: parts.topics.forgotten,
  };
  return {
    version: parts.version,
    state: parts.state,
    listen: parts.listen,
    isInsecure: parts.isInsecure,
    startedAt: parts.startedAt.toISOString(),
    uptimeSeconds: (Date.now() - parts.startedAt.getTime()) / 1_000,
    workers: Array.from(registry.sessions).filter(isConnected).map(reportWorker),
    subscriptions: Array.from(
      registry.subscriptions,
      (subscription): SubscriptionReport => ({
        id: subscription.id,
        kind: subscription.kind,
        pattern: patternOf(subscription),
        agentType: subscription.agentType,
        clientId: registry.ownerOf(subscription.id)?.clientId ?? "",
      }),
    ),
    topics: parts.topics.report(MAX_TOPICS),
    ...(parts.durable === undefined ? {} : { durable: parts.durable }),
    pendingCalls: parts.router.pendingCalls,
    totals,
    deadLetters: {
      total: deadLetters.total,
      byReason: deadLetters.byReason,
      recent: deadLetters.recent,
    },
    errors: parts.incidents.recent,
  };
}

/** gRPC's own count of calls that ended in an error, which knows of unknown methods too. */
export function countFailedRpcs(server: Server): number {
  const { GetServer } = getChannelzHandlers();
  // The handler reads nothing of its call but the request, and answers before it returns.
  const call: unknown = { request: { server_id: server.getChannelzRef().id } };
  let failed = 0;
  GetServer?.(call as Parameters<typeof GetServer>[0], (_error, answer) => {
    failed = Number(answer?.server?.data?.calls_failed ?? 0);
  });
  return failed;
}

function isConnected(session: Session): boolean {
  return session.state === "connected";
}

function reportWorker(session: Session): WorkerReport {
  return {
    clientId: session.clientId,
    peer: session.peer,
    dialect: session.dialect,
    connectedAt: session.connectedAt.toISOString(),
    agentTypes: [...session.agentTypes],
    subscriptions: session.subscriptionIds.size,
    messagesIn: session.messagesIn,
    messagesOut: session.messagesOut,
    bytesIn: session.bytesIn,
    bytesOut: session.bytesOut,
    queuedMessages: session.outbox.queuedMessages,
    queuedBytes: session.outbox.queuedBytes,
    shed: session.shed,
  };
}
