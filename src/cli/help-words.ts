import type { Localized } from "./language.ts";
import type { SettingGroup } from "./setting.ts";

/** The fixed sentences of help and of `agentrt demo`. */
export const WORDS = {
  tagline: {
    en: "agentrt: one file that runs a house full of agents, and speaks AutoGen's protocol.",
    zh: "agentrt：一个文件运行整个智能家居的智能体，兼容 AutoGen 协议。",
  },
  demo: {
    en: "everything in one process: host, smart home, web pages",
    zh: "一个进程运行全部：host、智能家居和网页",
  },
  newProject: {
    en: "a small project with an agent of your own",
    zh: "创建一个含自定义智能体的小项目",
  },
  host: {
    en: "a host that workers connect to",
    zh: "供 worker 连接的 host",
  },
  help: { en: "all commands and settings", zh: "全部命令和设置" },
  usage: { en: "Usage", zh: "用法" },
  roles: { en: "Roles", zh: "角色" },
  someRoles: { en: "one or several roles in this process", zh: "在本进程中运行一个或多个角色" },
  commands: { en: "Commands", zh: "命令" },
  oneCommand: {
    en: 'one of the commands below; "agentrt COMMAND --help" says more',
    zh: "下列命令之一；“agentrt 命令 --help” 显示详情",
  },
  flags: { en: "Flags", zh: "选项" },
  examples: { en: "Examples", zh: "示例" },
  exit: { en: "Exit codes", zh: "退出码" },
  exitCodes: {
    en: "0 done, or stopped as asked; 1 failed; 2 wrong usage; 130 and 143 stopped at once by a second signal.",
    zh: "0 完成或正常停止；1 失败；2 用法错误；130 和 143 第二次信号立即停止。",
  },
  sources: {
    en: "Every setting is also an environment variable (--drain-timeout is AGENTRT_DRAIN_TIMEOUT) and a key of the --config file (drain-timeout). A flag goes before the environment, the environment before the file.",
    zh: "每项设置也可用环境变量（--drain-timeout 对应 AGENTRT_DRAIN_TIMEOUT）和 --config 文件的键（drain-timeout）给出。优先级：命令行 > 环境变量 > 配置文件。",
  },
  showHelp: { en: "Shows this help.", zh: "显示本帮助。" },
  showVersion: { en: "Shows version, commit and target.", zh: "显示版本、提交和目标平台。" },
  fallback: { en: "default", zh: "默认" },
  running: {
    en: "The smart home is running. Open in a browser:",
    zh: "智能家居已启动，请在浏览器中打开：",
  },
  home: { en: "smart home", zh: "智能家居" },
  status: { en: "host status", zh: "host 状态" },
  look: { en: "Look inside, in another terminal:", zh: "在另一个终端查看内部：" },
  stop: { en: "Ctrl-C stops it.", zh: "按 Ctrl-C 停止。" },
  stopping: { en: "Stopping …", zh: "正在停止……" },
} as const satisfies Record<string, Localized>;

export const GROUP_TITLES: Readonly<Record<SettingGroup, Localized>> = {
  common: { en: "Every process", zh: "所有进程" },
  host: { en: "Host", zh: "host" },
  limits: { en: "Limits of the host", zh: "host 的限制" },
  worker: { en: "Worker", zh: "worker" },
  agents: { en: "Smart home agents", zh: "智能家居智能体" },
};

export const GROUPS = Object.keys(GROUP_TITLES) as readonly SettingGroup[];
