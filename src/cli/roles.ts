import type { Localized } from "./language.ts";

/** What a process can be; several at once are allowed. In the order in which they start. */
export const ROLES = [
  "host",
  "environment-agent",
  "device-agent",
  "security-agent",
  "ui-agent",
  "worker",
] as const;
export type Role = (typeof ROLES)[number];

/** What `agentrt demo` runs: all that needs no file of the user's. */
export const DEMO_ROLES: readonly Role[] = ROLES.filter((role) => role !== "worker");

export type AgentRole = Exclude<Role, "host">;

export const AGENT_ROLES: readonly AgentRole[] = ROLES.filter((role) => role !== "host");

export const ROLE_ABOUT: Readonly<Record<Role, Localized>> = {
  host: {
    en: "accepts workers and routes their messages; has the status page",
    zh: "接受各个 worker 并转发消息，带状态页面",
  },
  "environment-agent": {
    en: "publishes temperature and humidity of one room",
    zh: "发布一个房间的温度和湿度",
  },
  "device-agent": {
    en: "switches the air conditioner and the humidifier",
    zh: "控制空调和加湿器的开关",
  },
  "security-agent": { en: "raises alerts", zh: "发出安全警报" },
  "ui-agent": { en: "the smart home's web page", zh: "智能家居网页" },
  worker: {
    en: "runs agents of your own, from the files that --agent names",
    zh: "运行 --agent 所指文件中您自己的智能体",
  },
};
