import type { HostTotals } from "../core/host-report.ts";

/** The host's counters while it runs; see {@link HostTotals} for their meanings. */
export type MutableTotals = { -readonly [name in keyof HostTotals]: number };

export function createTotals(): MutableTotals {
  return {
    connectionsAccepted: 0,
    connectionsRefused: 0,
    connectionsBroken: 0,
    workersConnected: 0,
    workersLeft: 0,
    workersReplaced: 0,
    workersExpelled: 0,
    eventsIn: 0,
    eventsDelivered: 0,
    eventsReplayed: 0,
    retainedDropped: 0,
    retainedHandedIn: 0,
    instancesMoved: 0,
    instancesMovedWithoutState: 0,
    limitsHit: 0,
    duplicates: 0,
    topicsForgotten: 0,
    eventsUnmatched: 0,
    callsIn: 0,
    callsAnswered: 0,
    callsFailed: 0,
    callsTimedOut: 0,
    callsGivenUp: 0,
    strayResponses: 0,
    controlMessages: 0,
    bytesIn: 0,
    bytesOut: 0,
    shed: 0,
    badFrames: 0,
    rpcsFailed: 0,
  };
}
