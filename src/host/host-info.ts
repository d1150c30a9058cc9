import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import { AgentrtError } from "../core/errors.ts";
import type { HostReport } from "../core/host-report.ts";
import { toStatus } from "../wire/grpc-status.ts";
import {
  decodeReportRequest,
  encodeReportAnswer,
  type ReportAnswer,
  type ReportQuery,
} from "../wire/host-info/codec.ts";

/** A caller gets no more entries of each list, whatever it asks for; the report is made in memory. */
export const MAX_ENTRIES = 10_000;

export interface HostInfoParts {
  readonly report: () => HostReport;
  /** The answer is kept below this. */
  readonly maxMessageBytes: number;
  /** Told of each call, by the peer's `host:port`. */
  readonly onCall: (peer: string) => void;
}

/** The handlers of agentrt's own service for those who look after the host. */
export function createHostInfo(parts: HostInfoParts): UntypedServiceImplementation {
  const getReport: handleUnaryCall<Uint8Array, Uint8Array> = (call, reply) => {
    parts.onCall(call.getPeer());
    try {
      reply(null, reportBytes(parts, decodeReportRequest(call.request)));
    } catch (thrown) {
      reply(toStatus(AgentrtError.from(thrown)));
    }
  };
  return { GetReport: getReport };
}

/** With half as many entries again and again, until it fits into one message. */
function reportBytes({ report, maxMessageBytes }: HostInfoParts, query: ReportQuery): Uint8Array {
  const whole = report();
  let limit = Math.min(query.limit ?? MAX_ENTRIES, MAX_ENTRIES);
  let bytes = encodeReportAnswer(selectReport(whole, { ...query, limit }));
  while (bytes.byteLength > maxMessageBytes && limit > 0) {
    limit = Math.floor(limit / 2);
    bytes = encodeReportAnswer(selectReport(whole, { ...query, limit }));
  }
  return bytes;
}

/** The part of a report that was asked for, with the count of what was left out. */
export function selectReport(
  report: HostReport,
  { limit = MAX_ENTRIES, filter = "" }: ReportQuery,
): ReportAnswer {
  const has = (...names: readonly string[]): boolean =>
    filter === "" || names.some((name) => name.includes(filter));
  const workers = report.workers.filter(({ clientId, peer, agentTypes }) =>
    has(clientId, peer, ...agentTypes),
  );
  const subscriptions = report.subscriptions.filter(({ id, pattern, agentType, clientId }) =>
    has(id, pattern, agentType, clientId),
  );
  const topics = report.topics.filter(({ topicType }) => has(topicType));
  const leftOut = (list: readonly unknown[]): number => Math.max(0, list.length - limit);
  return {
    report: {
      ...report,
      workers: workers.slice(0, limit),
      subscriptions: subscriptions.slice(0, limit),
      topics: topics.slice(0, limit),
      deadLetters: {
        ...report.deadLetters,
        recent: report.deadLetters.recent.slice(0, limit),
      },
      errors: report.errors.slice(0, limit),
    },
    leftOut: {
      workers: leftOut(workers),
      subscriptions: leftOut(subscriptions),
      topics: leftOut(topics),
    },
  };
}
