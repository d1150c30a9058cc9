import type { TraceTarget } from "../telemetry/trace-target.ts";
import { stateFolderOf } from "./data-folder.ts";
import { durationType, sizeType } from "./quantity-types.ts";
import { ROLES } from "./roles.ts";
import { setting } from "./setting.ts";
import {
  choiceListType,
  choiceType,
  fileType,
  folderType,
  switchType,
  textListType,
} from "./setting-types.ts";
import { traceTargetType } from "./trace-target-type.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"] as const;
export const LOG_FORMATS = ["pretty", "json"] as const;

/** Settings of every process. */
export const COMMON_SETTINGS = {
  role: setting({
    group: "common",
    type: choiceListType("ROLE[,ROLE…]", ROLES),
    roles: [],
    fallback: (): readonly (typeof ROLES)[number][] => [],
    about: {
      en: "What this process is. Several roles, divided by commas, share one process.",
      zh: "本进程的角色。多个角色用逗号分隔，共用一个进程。",
    },
  }),
  config: setting<string | undefined>({
    group: "common",
    type: fileType,
    roles: [],
    fallback: () => undefined,
    about: { en: "A TOML file with settings.", zh: "TOML 格式的配置文件。" },
    isNotForFiles: true,
  }),
  data: setting({
    group: "common",
    type: folderType,
    roles: [],
    fallback: stateFolderOf,
    fallbackText: {
      en: "`$XDG_STATE_HOME/agentrt` or `~/.local/state/agentrt`; on macOS `~/Library/Application Support/agentrt`, on Windows `%LOCALAPPDATA%\\agentrt`",
      zh: "`$XDG_STATE_HOME/agentrt` 或 `~/.local/state/agentrt`；macOS 为 `~/Library/Application Support/agentrt`，Windows 为 `%LOCALAPPDATA%\\agentrt`",
    },
    about: {
      en: "The folder that keeps device states, undelivered messages and those of durable topics between runs. `none` keeps nothing.",
      zh: "保存设备状态、未送达消息和持久主题消息的文件夹。`none` 表示不保存。",
    },
  }),
  "max-message-size": setting({
    group: "common",
    type: sizeType({ min: 1024, max: 256 * 1024 ** 2 }),
    roles: [],
    fallback: () => 4 * 1024 ** 2,
    about: {
      en: "The largest message that is accepted or sent. The same value belongs on the host and its workers.",
      zh: "收发消息的最大长度。host 与各 worker 应使用相同的值。",
    },
    prevents: {
      en: "one huge message that takes all memory",
      zh: "单条巨大消息耗尽内存",
    },
  }),
  "drain-timeout": setting({
    group: "common",
    type: durationType({ min: 0, max: 600_000 }),
    roles: [],
    fallback: () => 5_000,
    about: {
      en: "How long a stop waits for what is in flight.",
      zh: "停止时等待进行中消息处理完的最长时间。",
    },
    prevents: {
      en: "a stop that one stuck handler holds up for ever",
      zh: "一个卡住的处理函数使进程永远无法停止",
    },
  }),
  insecure: setting({
    group: "common",
    type: switchType,
    roles: ["host", "ui-agent"],
    fallback: () => false,
    about: {
      en: "Allows to listen where other machines can connect, without TLS and identities: everybody there may read and send every message.",
      zh: "允许监听其他机器可访问的地址，且没有 TLS 和身份验证：网络上的任何人都能读取和发送所有消息。",
    },
  }),
  "allowed-hosts": setting({
    group: "common",
    type: textListType({
      placeholder: "NAME[,NAME…]",
      accepts: {
        en: "names such as `house.example` (any port) or `localhost:9000` (this port), divided by commas",
        zh: "名称，如 `house.example`（任意端口）或 `localhost:9000`（仅此端口），用逗号分隔",
      },
      pattern: /^(?:\[[\da-f:.]+\]|[a-z\d._-]+)(?::\d{1,5})?$/i,
      hint: "is not a host name. Write it as house.example or localhost:9000.",
    }),
    roles: ["host", "ui-agent"],
    fallback: (): readonly string[] => [],
    about: {
      en: "Further names by which a browser may ask for the web pages, for a proxy, a forwarded port or a name in the local DNS.",
      zh: "浏览器访问网页时可用的其他名称，用于代理、端口转发或本地 DNS 名称。",
    },
    prevents: {
      en: "DNS rebinding, where a hostile page's own name is made to lead to this machine: any other name is refused",
      zh: "DNS 重绑定，即恶意网页的域名被指向本机：其他名称一律拒绝",
    },
  }),
  "log-level": setting({
    group: "common",
    type: choiceType(LOG_LEVELS, "LEVEL"),
    roles: [],
    fallback: (): (typeof LOG_LEVELS)[number] => "info",
    about: {
      en: "The least level that is logged: trace, debug, info, warning, error, fatal.",
      zh: "记录日志的最低级别：trace、debug、info、warning、error、fatal。",
    },
  }),
  trace: setting<TraceTarget>({
    group: "common",
    type: traceTargetType,
    roles: [],
    fallback: () => ({ kind: "off" }),
    about: {
      en: "Where the spans of messages go, by OpenTelemetry; see tracing.md. The `OTEL_…` variables are obeyed.",
      zh: "消息的 OpenTelemetry 跟踪数据的去向，见 tracing.md。遵循 `OTEL_…` 环境变量。",
    },
  }),
  "log-format": setting<(typeof LOG_FORMATS)[number] | undefined>({
    group: "common",
    type: choiceType(LOG_FORMATS),
    roles: [],
    fallback: () => undefined,
    fallbackText: {
      en: "`pretty` on a terminal, `json` elsewhere",
      zh: "终端上为 `pretty`，否则为 `json`",
    },
    about: {
      en: "How log records look. They go to standard error.",
      zh: "日志的格式。日志写入标准错误。",
    },
  }),
};
