import { AgentId } from "../../core/agent-id.ts";
import { AgentrtError } from "../../core/errors.ts";
import { RoutedAgent } from "../../core/routed-agent.ts";
import { TypeSubscription } from "../../core/subscription.ts";
import { TopicId } from "../../core/topic-id.ts";
import { AgentRpcClient } from "../../wire/autogen/client.ts";
import { HostProbe } from "../../wire/host-probe.ts";
import { MESSAGE_TYPE, Message } from "../../worker/message.ts";
import type { Invocation } from "./command.ts";
import { asIs, type Check, failed, ok, say, skipped, warning } from "./doctor-check.ts";
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
        return ok("health", say("the host says that it is serving", "host 表示正在服务"));
      case "not-serving":
        return failed(
          "health",
          say(
            "the host says that it is not serving: it is stopping or starting",
            "host 表示未在服务：正在停止或启动",
          ),
          say("Wait, or look at its log.", "请等待，或查看其日志。"),
        );
      default:
        return warning(
          "health",
          say(
            "the host has no gRPC health service: it is not agentrt",
            "host 没有 gRPC 健康检查服务：不是 agentrt",
          ),
          say(
            "Nothing, when it is AutoGen's host; probes of Kubernetes need agentrt's.",
            "如果是 AutoGen 的 host，则无需处理；Kubernetes 探针需要 agentrt 的 host。",
          ),
        );
    }
  } catch (thrown) {
    return failed(
      "health",
      asIs(AgentrtError.from(thrown).message),
      say("Look at the lines above and at the host's log.", "查看上面各行和 host 的日志。"),
    );
  }
}

export async function checkProtocol(address: string, timeoutMs: number): Promise<Check> {
  const client = new AgentRpcClient(address, crypto.randomUUID(), {
    maxMessageBytes: 64 * 1024 ** 2,
  });
  try {
    const { length } = await client.getSubscriptions(timeoutMs);
    return ok(
      "protocol",
      say(
        `AutoGen's service agents.AgentRpc answers (${length} subscriptions)`,
        `AutoGen 的 agents.AgentRpc 服务有应答（${length} 个订阅）`,
      ),
    );
  } catch (thrown) {
    const error = AgentrtError.from(thrown);
    return failed(
      "protocol",
      say(
        `agents.AgentRpc does not answer: ${error.message}`,
        `agents.AgentRpc 没有应答：${error.message}`,
      ),
      error.code === "CANNOT_HANDLE"
        ? say(
            "This is another gRPC server. Give the address of an agentrt or AutoGen host.",
            "这是别的 gRPC 服务。请给出 agentrt 或 AutoGen host 的地址。",
          )
        : say("Look at the host's log; it may be stopping.", "查看 host 的日志，它可能正在停止。"),
    );
  } finally {
    client.close();
  }
}

export async function checkClientId(address: string, timeoutMs: number): Promise<Check> {
  using probe = new HostProbe(address);
  const rule =
    "each worker sends client-id metadata, a UUID of its own; two with the same one replace each other";
  const ruleZh = "每个 worker 发送自己的 client-id 元数据（UUID）；相同的两个会互相取代";
  const refusal = await probe.refusalWithoutClientId(timeoutMs);
  return refusal === undefined
    ? warning(
        "client id",
        say("the host takes calls without client-id", "host 接受没有 client-id 的调用"),
        say(`It is not a usual host. The rule: ${rule}.`, `这不是通常的 host。规则：${ruleZh}。`),
      )
    : ok(
        "client id",
        say(
          `without one the host refuses (${refusal}); ${rule}`,
          `没有时 host 会拒绝（${refusal}）；${ruleZh}`,
        ),
      );
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
      say(
        `a message through the host did not come back: ${AgentrtError.from(thrown).message}`,
        `经由 host 的消息没有返回：${AgentrtError.from(thrown).message}`,
      ),
      say(
        `Look at the host's log, and at agentrt ls workers --host-address ${hostAddress}.`,
        `查看 host 的日志，以及 agentrt ls workers --host-address ${hostAddress}。`,
      ),
    );
  }
}

function verdictOn(arrivals: number, times: readonly number[]): Check {
  const middle = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const shown = say(
    `a call through the host takes ${middle.toFixed(1)} ms (middle of ${times.length})`,
    `经由 host 的调用用时 ${middle.toFixed(1)} ms（${times.length} 次的中位数）`,
  );
  if (arrivals === 0) {
    return failed(
      "messages",
      say(
        `calls work, but a published message did not come; ${shown.en}`,
        `调用正常，但发布的消息没有到达；${shown.zh}`,
      ),
      say(
        "Look at the host's dead letters and log: agentrt top.",
        "查看 host 的死信和日志：agentrt top。",
      ),
    );
  }
  if (arrivals > 1) {
    return warning(
      "messages",
      say(`one published message came ${arrivals} times`, `发布一次的消息到达了 ${arrivals} 次`),
      say(
        "Look for a second host or a proxy that repeats requests.",
        "检查是否有第二个 host，或重复请求的代理。",
      ),
    );
  }
  return middle > SLOW_MS
    ? warning(
        "messages",
        shown,
        say(
          "Look at the network's round trip (ping), and at agentrt top for queues.",
          "检查网络往返时间（ping），并用 agentrt top 查看队列。",
        ),
      )
    : ok(
        "messages",
        say(`a published message came once, and ${shown.en}`, `发布的消息到达一次；${shown.zh}`),
      );
}

export const skippedAfter = (name: string): Check =>
  skipped(name, say("not tried, because an earlier step failed", "未检查，因为前面的步骤失败"));
