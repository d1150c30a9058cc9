import type { Command } from "./command.ts";
import { SHELLS } from "./completion-scripts.ts";
import { DIAL } from "./dial.ts";
import { DURABLE_COMMANDS } from "./durable-commands.ts";
import { LISTS } from "./list-name.ts";

/**
 * Every command that does one thing and ends. Command line, help and completion are made from this
 * table: a new command is an entry here and a file.
 */
export const COMMANDS = Object.freeze({
  new: {
    usage: "NAME",
    about: {
      en: "makes a small project with an agent of your own",
      zh: "创建一个含自定义智能体的小项目",
    },
    operands: { min: 1, max: 1 },
    options: ["json"],
    settings: [],
    details: {
      en: "NAME is the folder to make; its last part is the agent's type. It gets the agent, its test, a README, and what editors need.",
      zh: "NAME 为要创建的文件夹，其最后一段即智能体类型。其中有智能体、测试、README 以及编辑器所需的文件。",
    },
    examples: ["new thermostat", "new agents/doorbell"],
    load: async () => (await import("../project/project-commands.ts")).runNew,
  },
  test: {
    usage: "[FOLDER]",
    about: {
      en: "runs the tests of agents in a folder, by the test runner inside",
      zh: "用内置测试工具运行文件夹中智能体的测试",
    },
    operands: { min: 0, max: 1 },
    options: [],
    settings: [],
    takesAnyWord: true,
    details: {
      en: "FOLDER is the current one when left out. All other words and flags go to the runner, which is Bun's: a part of a file's name, --watch, --test-name-pattern REGEX, --reporter junit. The exit code is the runner's: 0 when all tests pass, otherwise 1.",
      zh: "省略 FOLDER 时为当前文件夹。其余的词和选项都交给内置的 Bun 测试工具：文件名的一部分、--watch、--test-name-pattern REGEX、--reporter junit。退出码由它决定：全部通过为 0，否则为 1。",
    },
    examples: ["test", "test thermostat", "test --test-name-pattern mean"],
    load: async () => (await import("../project/project-commands.ts")).runTest,
  },
  types: {
    usage: "[FILE]",
    about: {
      en: "writes the types of the API, for editors",
      zh: "写出供编辑器使用的 API 类型",
    },
    operands: { min: 0, max: 1 },
    options: ["json"],
    settings: [],
    details: {
      en: "FILE is agentrt.d.ts when left out, and - is standard output. Only a file that it has written itself is replaced.",
      zh: "省略 FILE 时为 agentrt.d.ts；- 为标准输出。只会替换由本命令写出的文件。",
    },
    examples: ["types", "types src/agentrt.d.ts"],
    load: async () => (await import("../project/project-commands.ts")).runTypes,
  },
  pub: {
    usage: "TOPIC DATA",
    about: { en: "publishes messages on a topic", zh: "向主题发布消息" },
    operands: { min: 2, max: 2 },
    options: ["type", "rate", "count", "priority", "connect-timeout", "json"],
    settings: [...DIAL, "compression"],
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
    options: ["from", "count", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "TOPIC is type or type/source; of the type its beginning and * are enough, and '*' is everything. JSON is shown as it came, whatever its type. It waits for a host that is not there, and ends with Ctrl-C. --from shows what is stored of durable topics, with its positions, and then what is stored later; nobody else misses anything by it.",
      zh: "TOPIC 为 类型 或 类型/来源；类型可写成前缀加 *，'*' 表示全部主题。任何类型的 JSON 都按原样显示。host 不在时会等待；按 Ctrl-C 结束。--from 显示持久主题中已存储的消息及其位置，随后显示新存储的消息；不影响其他订阅者。",
    },
    examples: [
      "sub '*'",
      "sub chat",
      "sub 'environment*' --json --count 10",
      "sub device_status/kitchen '*/hall'",
      "sub orders --from 1 --json --count 10",
      "sub 'sensor*' --from 2h",
    ],
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
  ...DURABLE_COMMANDS,
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
    options: ["payload-size", "duration", "dialect", "connect-timeout", "json"],
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
