import type {
  HostReport,
  HostTotals,
  SubscriptionReport,
  WorkerReport,
} from "../../src/core/host-report.ts";

const AT = "2026-11-24T12:00:00.000Z";

export const TOTALS: HostTotals = Object.freeze({
  connectionsAccepted: 101,
  connectionsRefused: 102,
  connectionsBroken: 103,
  workersConnected: 104,
  workersLeft: 105,
  workersReplaced: 106,
  workersExpelled: 107,
  eventsIn: 108,
  eventsDelivered: 109,
  eventsUnmatched: 110,
  callsIn: 111,
  callsAnswered: 112,
  callsFailed: 113,
  callsTimedOut: 114,
  callsGivenUp: 147,
  strayResponses: 115,
  controlMessages: 116,
  bytesIn: 117,
  bytesOut: 118,
  shed: 119,
  badFrames: 120,
  rpcsFailed: 121,
  eventsReplayed: 122,
  retainedDropped: 123,
  retainedHandedIn: 127,
  limitsHit: 124,
  duplicates: 129,
  topicsForgotten: 128,
  instancesMoved: 125,
  instancesMovedWithoutState: 126,
});

export function workerReport(changes: Partial<WorkerReport> = {}): WorkerReport {
  return {
    clientId: "3f2a51de-0000-4000-8000-000000000001",
    peer: "127.0.0.1:41234",
    dialect: "autogen",
    connectedAt: AT,
    agentTypes: ["device_agent"],
    subscriptions: 2,
    messagesIn: 3,
    messagesOut: 4,
    bytesIn: 5,
    bytesOut: 6,
    queuedMessages: 7,
    queuedBytes: 8,
    shed: 9,
    ...changes,
  };
}

export function subscriptionReports(count: number): readonly SubscriptionReport[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `subscription-${index}`,
    kind: index % 2 === 0 ? ("type" as const) : ("prefix" as const),
    pattern: `topic_${index}`,
    agentType: "device_agent",
    clientId: "3f2a51de-0000-4000-8000-000000000001",
  }));
}

/** A report that has an entry in every list. */
export function hostReport(changes: Partial<HostReport> = {}): HostReport {
  return {
    version: "9.8.7",
    state: "ready",
    listen: "127.0.0.1:50051",
    isInsecure: false,
    startedAt: "2026-11-24T11:00:00.000Z",
    uptimeSeconds: 3_600,
    workers: [workerReport()],
    subscriptions: subscriptionReports(2),
    topics: [
      {
        topicType: "environment_data",
        messages: 21,
        bytes: 22,
        ...{ deliveries: 23, dropped: 5, fullQueue: "keep-latest" },
        messagesPerSecond: 2.5,
        lastAt: AT,
      },
    ],
    pendingCalls: 31,
    totals: TOTALS,
    deadLetters: {
      total: 42,
      byReason: { NO_SUCH_AGENT: 40, DEADLINE: 2 },
      recent: [
        {
          at: AT,
          reason: "NO_SUCH_AGENT",
          detail: 'No connected worker holds the agent type "coffee".',
          messageId: "message-1",
          kind: "request",
          destination: "coffee/default",
          sender: "ui_agent/home",
          dataType: "Brew",
          bytes: 12,
        },
      ],
    },
    durable: {
      topics: ["orders", "audit.*"],
      cursors: [{ name: "packer", topics: ["orders"], floor: 51, lag: 52, inFlight: 53 }],
      ...{
        appended: 61,
        refused: 62,
        delivered: 63,
        redelivered: 64,
        acknowledged: 65,
        failed: 66,
      },
      ...{ dead: 67, deadKept: 75, deadDropped: 76, schedulesFired: 68, schedulesSkipped: 69 },
      ...{ storedRecords: 71, storedBytes: 72, damagedRanges: 73 },
    },
    errors: [{ at: AT, code: "BAD_FRAME", message: "No frame.", where: "127.0.0.1:40112" }],
    ...changes,
  };
}
