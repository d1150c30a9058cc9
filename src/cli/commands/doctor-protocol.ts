import { AgentId } from "../../core/agent-id.ts";
import { AgentrtError } from "../../core/errors.ts";
import { RoutedAgent } from "../../core/routed-agent.ts";
import { TypeSubscription } from "../../core/subscription.ts";
import { TopicId } from "../../core/topic-id.ts";
import { AgentRpcClient } from "../../wire/autogen/client.ts";
import { HostProbe } from "../../wire/host-probe.ts";
import { MESSAGE_TYPE, Message } from "../../worker/message.ts";
import type { Invocation } from "./command.ts";
import { type Check, failed, ok, skipped, warning } from "./doctor-check.ts";
import { withClient } from "./with-client.ts";

/** One topic type for all, so that a host's count of topics does not grow with each look. */
const TOPIC_TYPE = "agentrt.doctor";
const CALLS = 5;
const SLOW_MS = 100;

export async function checkHealth(address: string, timeoutMs: number): Promise<Check> {
  using probe = new HostProbe(address);
  try {
    switch (await probe.health(timeoutMs)) {
      case "serving":
        return ok("health", "the host says that it is serving");
      case "not-serving":
        return failed(
          "health",
          "the host says that it is not serving: it is stopping or starting",
          "Wait, or look at its log.",
        );
      default:
        return warning(
          "health",
          "the host has no gRPC health service: it is not agentrt",
          "Nothing, when it is AutoGen's host; probes of Kubernetes need agentrt's.",
        );
    }
  } catch (thrown) {
    return failed(
      "health",
      AgentrtError.from(thrown).message,
      "Look at the lines above and at the host's log.",
    );
  }
}

export async function checkProtocol(address: string, timeoutMs: number): Promise<Check> {
  const client = new AgentRpcClient(address, crypto.randomUUID(), {
    maxMessageBytes: 64 * 1024 ** 2,
  });
  try {
    const { length } = await client.getSubscriptions(timeoutMs);
    return ok("protocol", `AutoGen's service agents.AgentRpc answers (${length} subscriptions)`);
  } catch (thrown) {
    const error = AgentrtError.from(thrown);
    return failed(
      "protocol",
      `agents.AgentRpc does not answer: ${error.message}`,
      error.code === "CANNOT_HANDLE"
        ? "This is another gRPC server. Give the address of an agentrt or AutoGen host."
        : "Look at the host's log; it may be stopping.",
    );
  } finally {
    client.close();
  }
}

export async function checkClientId(address: string, timeoutMs: number): Promise<Check> {
  using probe = new HostProbe(address);
  const rule =
    "each worker sends client-id metadata, a UUID of its own; two with the same one replace each other";
  const refusal = await probe.refusalWithoutClientId(timeoutMs);
  return refusal === undefined
    ? warning(
        "client id",
        "the host takes calls without client-id",
        `It is not a usual host. The rule: ${rule}.`,
      )
    : ok("client id", `without one the host refuses (${refusal}); ${rule}`);
}

/** Joins as a worker and sends itself an event and calls through the host. */
export async function checkMessages(
  invocation: Invocation,
  hostAddress: string,
  timeoutMs: number,
): Promise<Check> {
  const source = crypto.randomUUID();
  const agentType = `${TOPIC_TYPE}.${source}`;
  const needs = { hostAddress, connectTimeoutMs: timeoutMs, callTimeoutMs: timeoutMs };
  try {
    return await withClient(invocation, needs, async ({ runtime, connect }) => {
      let arrivals = 0;
      await runtime.registerFactory(agentType, () => {
        const agent = new RoutedAgent("Talks to itself for agentrt doctor");
        agent.handle(MESSAGE_TYPE, (message, context) => {
          arrivals += context.isRpc ? 0 : 1;
          return context.isRpc ? message : undefined;
        });
        return agent;
      });
      await runtime.addSubscription(new TypeSubscription(TOPIC_TYPE, agentType));
      await connect();
      const message = new Message({ content: "ping", topic: TOPIC_TYPE });
      await runtime.publishMessage(message, new TopicId(TOPIC_TYPE, source));
      const times: number[] = [];
      for (let call = 0; call < CALLS; call += 1) {
        const started = performance.now();
        await runtime.sendMessage(message, new AgentId(agentType, source));
        times.push(performance.now() - started);
      }
      // The calls went the same way after the event, so it has arrived by now if it ever does.
      return verdictOn(arrivals, times);
    });
  } catch (thrown) {
    return failed(
      "messages",
      `a message through the host did not come back: ${AgentrtError.from(thrown).message}`,
      "Look at the host's log, and at agentrt ls workers --host-address.",
    );
  }
}

function verdictOn(arrivals: number, times: readonly number[]): Check {
  const middle = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const shown = `a call through the host takes ${middle.toFixed(1)} ms (middle of ${times.length})`;
  if (arrivals === 0) {
    return failed(
      "messages",
      `calls work, but a published message did not come; ${shown}`,
      "Look at the host's dead letters and log: agentrt top.",
    );
  }
  if (arrivals > 1) {
    return warning(
      "messages",
      `one published message came ${arrivals} times`,
      "Look for a second host or a proxy that repeats requests.",
    );
  }
  return middle > SLOW_MS
    ? warning(
        "messages",
        shown,
        "Look at the network's round trip (ping), and at agentrt top for queues.",
      )
    : ok("messages", `a published message came once, and ${shown}`);
}

export const skippedAfter = (name: string): Check =>
  skipped(name, "not tried, because an earlier step failed");
