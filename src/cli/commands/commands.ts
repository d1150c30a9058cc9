import type { SettingName } from "../settings.ts";
import type { Command } from "./command.ts";
import { SHELLS } from "./completion-scripts.ts";
import { LISTS } from "./list-name.ts";

/** Settings of every command that talks to a host. */
const DIAL: readonly SettingName[] = [
  "host-address",
  "max-message-size",
  "config",
  "log-level",
  "log-format",
];

/**
 * Every command that does one thing and ends. Command line, help and completion are made from this
 * table: a new command is an entry here and a file.
 */
export const COMMANDS = Object.freeze({
  pub: {
    usage: "TOPIC DATA",
    about: { en: "publishes messages on a topic", zh: "向主题发布消息" },
    operands: { min: 2, max: 2 },
    options: ["type", "rate", "count", "priority", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "TOPIC is type or type/source; without a source it is default. DATA is a text or JSON; @FILE is what is in the file, and - publishes each line of standard input. --count repeats DATA, or ends after so many lines.",
      zh: "TOPIC 为 类型 或 类型/来源，省略来源时为 default。DATA 为文本或 JSON；@FILE 取文件内容；- 将标准输入的每一行作为一条消息。--count 重复发送 DATA，或限制读取的行数。",
    },
    examples: [
      "pub chat hello",
      `pub environment_data/kitchen '{"temperature": 31, "humidity": 40}' --type EnvironmentData`,
      "tail -f events.jsonl | agentrt pub events - --rate 100/s",
    ],
    load: async () => (await import("./pub.ts")).runPub,
  },
  sub: {
    usage: "TOPIC…",
    about: { en: "shows the messages of topics as they come", zh: "实时显示主题的消息" },
    operands: { min: 1, max: 64 },
    options: ["count", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "TOPIC is type, type/source, or the beginning of a type and *. JSON is shown as it came, whatever its type. It waits for a host that is not there, and ends with Ctrl-C.",
      zh: "TOPIC 为 类型、类型/来源，或 类型前缀 加 *。任何类型的 JSON 都按原样显示。host 不在时会等待；按 Ctrl-C 结束。",
    },
    examples: ["sub chat", "sub 'environment*' --json --count 10", "sub device_status/kitchen"],
    load: async () => (await import("./sub.ts")).runSub,
  },
  call: {
    usage: "TYPE/KEY [DATA]",
    about: { en: "calls one agent and shows its answer", zh: "调用一个智能体并显示回答" },
    operands: { min: 1, max: 2 },
    options: ["type", "timeout", "priority", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "DATA is as for pub, but - is all of standard input; with --type it may be left out and is then {}.",
      zh: "DATA 同 pub，但 - 表示全部标准输入；带 --type 时可省略，即为 {}。",
    },
    examples: [
      "call device_agent/home --type GetDevices",
      `call device_agent/home '{"device": "humidifier", "state": "on"}' --type DeviceCommand --timeout 5s`,
    ],
    load: async () => (await import("./call.ts")).runCall,
  },
  ls: {
    usage: LISTS.join("|"),
    about: { en: "lists what a host knows", zh: "列出 host 所知的内容" },
    operands: { min: 1, max: 1 },
    choices: LISTS,
    options: ["filter", "limit", "connect-timeout", "json"],
    settings: DIAL,
    examples: [
      "ls workers",
      "ls topics --json",
      "ls agents --filter device --host-address house:50051",
    ],
    load: async () => (await import("./ls.ts")).runLs,
  },
  top: {
    usage: "",
    about: { en: "shows what a host does, live", zh: "实时显示 host 的状况" },
    operands: { min: 0, max: 0 },
    options: ["every", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "On a terminal the table is renewed until q or Ctrl-C; elsewhere it is printed once.",
      zh: "在终端上不断刷新，按 q 或 Ctrl-C 结束；否则只输出一次。",
    },
    examples: ["top", "top --every 5s", "top --json"],
    load: async () => (await import("./top.ts")).runTop,
  },
  state: {
    usage: "save|load TYPE/KEY [FILE]",
    about: { en: "saves or loads the state of one agent", zh: "保存或载入一个智能体的状态" },
    operands: { min: 2, max: 3 },
    choices: ["save", "load"],
    options: ["timeout", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "save writes JSON to FILE, or to standard output without one. load reads it from FILE, or from standard input when FILE is -.",
      zh: "save 将 JSON 写入 FILE，省略时写到标准输出。load 从 FILE 读取，FILE 为 - 时从标准输入读取。",
    },
    examples: [
      "state save device_agent/home devices.json",
      "state load device_agent/home devices.json",
    ],
    load: async () => (await import("./state.ts")).runState,
  },
  doctor: {
    usage: "[HOST]",
    about: {
      en: "checks the way to a host, step by step, and says what to do",
      zh: "逐步检查到 host 的连接，并给出建议",
    },
    operands: { min: 0, max: 1 },
    options: ["connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "HOST is a name or address, with :PORT when that is not 50051; without it --host-address is checked.",
      zh: "HOST 为名称或地址，端口不是 50051 时加 :端口；省略时检查 --host-address。",
    },
    examples: ["doctor", "doctor house.local", "doctor 10.0.0.5:50051 --json"],
    load: async () => (await import("./doctor.ts")).runDoctor,
  },
  bench: {
    usage: "",
    about: { en: "measures how fast messages and calls are here", zh: "测量本机消息与调用的速度" },
    operands: { min: 0, max: 0 },
    options: ["payload-size", "duration", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "Starts a host of its own, or takes the one of --host-address. Publishes from this process to an agent in another one and calls it, one at a time and many at once. Rates are of messages that arrived; it fails when some did not.",
      zh: "启动自己的 host，或使用 --host-address 指定的 host。从本进程向另一进程中的智能体发布消息并调用它，先逐个、再并发。速率按实际到达的消息计；有丢失即失败。",
    },
    examples: [
      "bench",
      "bench --payload-size 4KiB --duration 10s",
      "bench --host-address house:50051 --json",
    ],
    load: async () => (await import("./bench.ts")).runBench,
  },
  completion: {
    usage: "bash|zsh|fish",
    about: { en: "prints the completion script of a shell", zh: "输出 shell 的补全脚本" },
    operands: { min: 1, max: 1 },
    choices: SHELLS,
    options: [],
    settings: [],
    examples: [
      "completion bash > ~/.local/share/bash-completion/completions/agentrt",
      "completion zsh > ~/.zfunc/_agentrt",
      "completion fish > ~/.config/fish/completions/agentrt.fish",
    ],
    load: async () => (await import("./completion.ts")).runCompletion,
  },
} satisfies Record<string, Command>);

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

export function isCommandName(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name);
}

/** A command by name, where only what all have in common matters. */
export function commandOf(name: CommandName): Command {
  return COMMANDS[name];
}
