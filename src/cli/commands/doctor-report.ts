import type { HostReport } from "../../core/host-report.ts";
import { BUILD } from "../build-info.ts";
import type { Localized } from "../language.ts";
import { type Check, ok, say, warning } from "./doctor-check.ts";

const CLOCK_LIMIT_MS = 2_000;

/** @param atMs when the answer came @param tookMs how long it took, so how wrong the comparison can be */
export function checkClock(report: HostReport, atMs: number, tookMs: number): Check {
  const hostMs = Date.parse(report.startedAt) + report.uptimeSeconds * 1_000;
  const offsetMs = hostMs - (atMs - tookMs / 2);
  const seconds = (Math.abs(offsetMs) / 1_000).toFixed(1);
  const shown = say(
    `the host's clock is ${seconds} s ${offsetMs < 0 ? "behind" : "ahead of"} this machine's`,
    `host 的时钟比本机${offsetMs < 0 ? "慢" : "快"} ${seconds} 秒`,
  );
  return Math.abs(offsetMs) <= CLOCK_LIMIT_MS + tookMs
    ? ok("clock", shown)
    : warning(
        "clock",
        shown,
        say(
          "Times of logs and charts will not fit. Let both use NTP.",
          "日志和图表的时间会对不上。请让双方使用 NTP。",
        ),
      );
}

export function checkVersion({ version }: HostReport): Check {
  return version === BUILD.version
    ? ok("version", say(`host and this program are ${version}`, `host 与本程序均为 ${version}`))
    : warning(
        "version",
        say(
          `the host is ${version}, this program ${BUILD.version}`,
          `host 为 ${version}，本程序为 ${BUILD.version}`,
        ),
        say(
          "They understand each other by AutoGen's protocol; for everything new give both the same version.",
          "双方可通过 AutoGen 协议互通；要使用新功能，请用相同版本。",
        ),
      );
}

/** A question that people ask, what this host shows about it, and what to do. */
export interface Answer {
  readonly question: Localized;
  /** Facts of this host; empty when nothing points there. */
  readonly findings: readonly Localized[];
  readonly advice: Localized;
}

/** The usual questions; without a report the advice alone. */
export function usualQuestions(report: HostReport | undefined): readonly Answer[] {
  const seen = (look: (report: HostReport) => readonly Localized[]): readonly Localized[] =>
    report === undefined ? [] : look(report);
  return [
    {
      question: say("A message is not received", "收不到消息"),
      findings: seen(notReceived),
      advice: say(
        "A topic type must be equal to the subscription's, letter for letter, or begin with its prefix; the source becomes the receiving agent's key. An agent does not get what it published itself. agentrt ls subscriptions shows who listens, agentrt sub TOPIC what comes by.",
        "主题类型必须与订阅逐字相同，或以其前缀开头；来源成为接收智能体的键。智能体收不到自己发布的消息。agentrt ls subscriptions 显示谁在订阅，agentrt sub TOPIC 显示经过的消息。",
      ),
    },
    {
      question: say("It is slow", "速度慢"),
      findings: seen(slow),
      advice: say(
        "agentrt top shows which worker has a queue: its handler is slow, and one instance handles one message at a time. Spread the work over more keys or workers, and publish urgent messages with priority high.",
        "agentrt top 显示哪个 worker 有积压：它的处理函数慢，而一个实例一次只处理一条消息。请把工作分散到更多的键或 worker，紧急消息以 high 优先级发布。",
      ),
    },
    {
      question: say("Workers disconnect", "worker 断线"),
      findings: seen(disconnects),
      advice: say(
        "Give each worker a client-id of its own. A handler that blocks the event loop for over ten seconds misses the signs of life; proxies must pass HTTP/2 and keep silent streams open. AutoGen's Python worker does not dial again by itself.",
        "每个 worker 要有自己的 client-id。阻塞事件循环超过十秒的处理函数会错过保活信号；代理必须转发 HTTP/2，并保持空闲的流不断开。AutoGen 的 Python worker 不会自行重连。",
      ),
    },
    {
      question: say("Messages come twice", "消息重复"),
      findings: seen(duplicates),
      advice: say(
        "AutoGen's Python worker hands an event over once for each of its subscriptions that matches; let one subscription match. A publisher that tries again must keep the message's id.",
        "AutoGen 的 Python worker 会按每个匹配的订阅各交付一次；请只让一个订阅匹配。重发的发布者必须保留消息的 id。",
      ),
    },
    {
      question: say(
        "An agent in another language does not understand",
        "其他语言的智能体无法理解消息",
      ),
      findings: seen(otherLanguage),
      advice: say(
        "The data type's name is the class's name alone for JSON (Reading, not app.Reading), the full name for protobuf; field names are compared with capitals. Both sides must use the same encoding. agentrt sub TOPIC --json shows both.",
        "JSON 的数据类型名只是类名（Reading 而非 app.Reading），protobuf 则为全名；字段名区分大小写。双方必须使用相同的编码。agentrt sub TOPIC --json 显示两者。",
      ),
    },
  ];
}

function notReceived({ totals, topics, deadLetters }: HostReport): readonly Localized[] {
  const deaf = topics.filter(({ deliveries }) => deliveries === 0).slice(0, 3);
  return [
    ...some(totals.eventsUnmatched, (n) => [
      `${n} events had no receiver`,
      `${n} 个事件没有接收者`,
    ]),
    ...deaf.map(({ topicType, messages }) =>
      say(
        `nobody received the ${messages} on ${topicType}`,
        `${topicType} 上的 ${messages} 条消息无人接收`,
      ),
    ),
    ...some(deadLetters.total, (n) => [
      `${n} messages were lost on the way (dead letters)`,
      `${n} 条消息在途中丢失（死信）`,
    ]),
    ...some(deadLetters.byReason.NO_SUCH_AGENT ?? 0, (n) => [
      `${n} of them for agents that are not here`,
      `其中 ${n} 条发往不存在的智能体`,
    ]),
    ...some(totals.limitsHit, (n) => [
      `${n} refusals because of a limit; the status page's errors name its setting`,
      `${n} 次因超出上限被拒绝；状态页的错误会指明相应设置`,
    ]),
  ];
}

function slow({ workers, totals, pendingCalls }: HostReport): readonly Localized[] {
  const behind = workers.filter(({ queuedMessages }) => queuedMessages > 100).slice(0, 3);
  return [
    ...behind.map(({ queuedMessages: n, clientId }) =>
      say(`${n} messages wait for worker ${clientId}`, `${n} 条消息在等待 worker ${clientId}`),
    ),
    ...some(totals.shed, (n) => [
      `${n} messages were dropped because a worker did not keep up`,
      `${n} 条消息因 worker 跟不上而被丢弃`,
    ]),
    ...some(totals.callsTimedOut, (n) => [`${n} calls timed out`, `${n} 个调用超时`]),
    ...some(pendingCalls > 100 ? pendingCalls : 0, (n) => [
      `${n} calls wait for their answers`,
      `${n} 个调用在等待回答`,
    ]),
  ];
}

function disconnects({ totals }: HostReport): readonly Localized[] {
  return [
    ...some(totals.workersReplaced, (n) => [
      `${n} workers were replaced by one with the same client-id`,
      `${n} 个 worker 被相同 client-id 的 worker 取代`,
    ]),
    ...some(totals.workersExpelled, (n) => [
      `${n} workers were cut off by the host`,
      `${n} 个 worker 被 host 断开`,
    ]),
    ...some(totals.connectionsRefused, (n) => [
      `${n} connections were refused by a limit`,
      `${n} 个连接因达到限制而被拒绝`,
    ]),
    ...some(totals.connectionsBroken, (n) => [
      `${n} connections broke, or did not speak HTTP/2`,
      `${n} 个连接中断，或不是 HTTP/2`,
    ]),
  ];
}

/** Agent types with a subscription whose pattern lies within another one of theirs. */
function duplicates({ subscriptions }: HostReport): readonly Localized[] {
  const byType = Map.groupBy(subscriptions, ({ agentType }) => agentType);
  return [...byType]
    .flatMap(([agentType, own]) => {
      const prefixes = own.filter(({ kind }) => kind === "prefix");
      const inside = own.find((one) =>
        prefixes.some((prefix) => prefix !== one && one.pattern.startsWith(prefix.pattern)),
      );
      return inside === undefined
        ? []
        : [
            say(
              `${agentType} has two subscriptions that match ${inside.pattern}`,
              `${agentType} 有两个匹配 ${inside.pattern} 的订阅`,
            ),
          ];
    })
    .slice(0, 3);
}

function otherLanguage({ totals, deadLetters }: HostReport): readonly Localized[] {
  const { INVALID_MESSAGE: invalid = 0, CANNOT_HANDLE: unhandled = 0 } = deadLetters.byReason;
  return [
    ...some(totals.badFrames, (n) => [
      `${n} frames were not of the protocol`,
      `${n} 个帧不符合协议`,
    ]),
    ...some(invalid, (n) => [`${n} messages did not fit their type`, `${n} 条消息与其类型不符`]),
    ...some(unhandled, (n) => [
      `${n} messages had no handler for their type`,
      `${n} 条消息的类型没有处理函数`,
    ]),
  ];
}

function some(
  count: number,
  tell: (count: number) => readonly [en: string, zh: string],
): readonly Localized[] {
  return count > 0 ? [say(...tell(count))] : [];
}
