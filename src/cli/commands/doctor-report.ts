import type { HostReport } from "../../core/host-report.ts";
import { BUILD } from "../build-info.ts";
import { type Check, ok, warning } from "./doctor-check.ts";

const CLOCK_LIMIT_MS = 2_000;

/** @param atMs when the answer came @param tookMs how long it took, so how wrong the comparison can be */
export function checkClock(report: HostReport, atMs: number, tookMs: number): Check {
  const hostMs = Date.parse(report.startedAt) + report.uptimeSeconds * 1_000;
  const offsetMs = hostMs - (atMs - tookMs / 2);
  const seconds = Math.abs(offsetMs) / 1_000;
  const shown = `the host's clock is ${seconds.toFixed(1)} s ${offsetMs < 0 ? "behind" : "ahead of"} this machine's`;
  return Math.abs(offsetMs) <= CLOCK_LIMIT_MS + tookMs
    ? ok("clock", shown)
    : warning("clock", shown, "Times of logs and charts will not fit. Let both use NTP.");
}

export function checkVersion({ version }: HostReport): Check {
  return version === BUILD.version
    ? ok("version", `host and this program are ${version}`)
    : warning(
        "version",
        `the host is ${version}, this program ${BUILD.version}`,
        "They understand each other by AutoGen's protocol; for everything new give both the same version.",
      );
}

/** A question that people ask, what this host shows about it, and what to do. */
export interface Answer {
  readonly question: string;
  /** Facts of this host; empty when nothing points there. */
  readonly findings: readonly string[];
  readonly advice: string;
}

/** The usual questions; without a report the advice alone. */
export function usualQuestions(report: HostReport | undefined): readonly Answer[] {
  return [
    {
      question: "A message is not received",
      findings: report === undefined ? [] : notReceived(report),
      advice:
        "A topic type must be equal to the subscription's, letter for letter, or begin with its prefix; the source becomes the receiving agent's key. An agent does not get what it published itself. agentrt ls subscriptions shows who listens, agentrt sub TOPIC what comes by.",
    },
    {
      question: "It is slow",
      findings: report === undefined ? [] : slow(report),
      advice:
        "agentrt top shows which worker has a queue: its handler is slow, and one instance handles one message at a time. Spread the work over more keys or workers, and publish urgent messages with priority high.",
    },
    {
      question: "Workers disconnect",
      findings: report === undefined ? [] : disconnects(report),
      advice:
        "Give each worker a client-id of its own. A handler that blocks the event loop for over ten seconds misses the signs of life; proxies must pass HTTP/2 and keep silent streams open. AutoGen's Python worker does not dial again by itself.",
    },
    {
      question: "Messages come twice",
      findings: report === undefined ? [] : duplicates(report),
      advice:
        "AutoGen's Python worker hands an event over once for each of its subscriptions that matches; let one subscription match. A publisher that tries again must keep the message's id.",
    },
    {
      question: "An agent in another language does not understand",
      findings: report === undefined ? [] : otherLanguage(report),
      advice:
        "The data type's name is the class's name alone for JSON (Reading, not app.Reading), the full name for protobuf; field names are compared with capitals. Both sides must use the same encoding. agentrt sub TOPIC --json shows both.",
    },
  ];
}

function notReceived({ totals, topics, deadLetters }: HostReport): readonly string[] {
  const deaf = topics.filter(({ deliveries }) => deliveries === 0).slice(0, 3);
  return [
    ...some(totals.eventsUnmatched, (n) => `${n} events had no receiver`),
    ...deaf.map(({ topicType, messages }) => `nobody received the ${messages} on ${topicType}`),
    ...some(deadLetters.total, (n) => `${n} messages were lost on the way (dead letters)`),
    ...some(
      deadLetters.byReason.NO_SUCH_AGENT ?? 0,
      (n) => `${n} of them for agents that are not here`,
    ),
    ...some(
      totals.limitsHit,
      (n) => `${n} refusals because of a limit; the status page's errors name its setting`,
    ),
  ];
}

function slow({ workers, totals, pendingCalls }: HostReport): readonly string[] {
  const behind = workers.filter(({ queuedMessages }) => queuedMessages > 100).slice(0, 3);
  return [
    ...behind.map(
      (worker) => `${worker.queuedMessages} messages wait for worker ${worker.clientId}`,
    ),
    ...some(totals.shed, (n) => `${n} messages were dropped because a worker did not keep up`),
    ...some(totals.callsTimedOut, (n) => `${n} calls timed out`),
    ...(pendingCalls > 100 ? [`${pendingCalls} calls wait for their answers`] : []),
  ];
}

function disconnects({ totals }: HostReport): readonly string[] {
  return [
    ...some(
      totals.workersReplaced,
      (n) => `${n} workers were replaced by one with the same client-id`,
    ),
    ...some(totals.workersExpelled, (n) => `${n} workers were cut off by the host`),
    ...some(totals.connectionsRefused, (n) => `${n} connections were refused by a limit`),
    ...some(totals.connectionsBroken, (n) => `${n} connections did not speak HTTP/2`),
  ];
}

/** Agent types with a subscription whose pattern lies within another one of theirs. */
function duplicates({ subscriptions }: HostReport): readonly string[] {
  const byType = Map.groupBy(subscriptions, ({ agentType }) => agentType);
  return [...byType]
    .flatMap(([agentType, own]) => {
      const prefixes = own.filter(({ kind }) => kind === "prefix");
      const inside = own.find((one) =>
        prefixes.some((prefix) => prefix !== one && one.pattern.startsWith(prefix.pattern)),
      );
      return inside === undefined
        ? []
        : [`${agentType} has two subscriptions that match ${inside.pattern}`];
    })
    .slice(0, 3);
}

function otherLanguage({ totals, deadLetters }: HostReport): readonly string[] {
  const { INVALID_MESSAGE: invalid = 0, CANNOT_HANDLE: unhandled = 0 } = deadLetters.byReason;
  return [
    ...some(totals.badFrames, (n) => `${n} frames were not of the protocol`),
    ...some(invalid, (n) => `${n} messages did not fit their type`),
    ...some(unhandled, (n) => `${n} messages had no handler for their type`),
  ];
}

function some(count: number, say: (count: number) => string): readonly string[] {
  return count > 0 ? [say(count)] : [];
}
