import { durationType, numberType } from "./quantity-types.ts";
import { AGENT_ROLES } from "./roles.ts";
import { setting } from "./setting.ts";
import { addressType, switchType, textListType, textType } from "./setting-types.ts";

const DEVICE = ["device-agent"] as const;
const WORKER = ["worker"] as const;
const ENVIRONMENT = ["environment-agent"] as const;

const TEMPERATURE = numberType({ min: -50, max: 100, isInteger: false, unit: " °C" });
const HUMIDITY = numberType({ min: 0, max: 100, isInteger: false, unit: " %" });

/** Settings of the built-in agents, and of the worker that runs them. */
export const AGENT_SETTINGS = {
  "host-address": setting({
    group: "worker",
    type: addressType({ minPort: 1, hasOff: false }),
    roles: AGENT_ROLES,
    fallback: () => "localhost:50051",
    fallbackText: {
      en: "`localhost:50051`; the host of the same process when it has one",
      zh: "`localhost:50051`；同一进程内有 host 时为该 host",
    },
    about: { en: "The host to connect to.", zh: "要连接的 host。" },
  }),
  agent: setting({
    group: "worker",
    type: textListType({
      placeholder: "FILE[,FILE…]",
      accepts: {
        en: "files, or folders with files in them, divided by commas",
        zh: "文件或含有文件的文件夹，用逗号分隔",
      },
      pattern: /^[^\0]+$/,
      hint: "is not a file. Give a path.",
    }),
    roles: WORKER,
    fallback: (): readonly string[] => [],
    about: {
      en: "Files that export agents of your own, in TypeScript or JavaScript. Of a folder, every `.ts` and `.js` file in it, and the `index` file of each folder in it.",
      zh: "导出您自己的智能体的 TypeScript 或 JavaScript 文件。若为文件夹，则取其中所有 `.ts`、`.js` 文件以及各子文件夹的 `index` 文件。",
    },
  }),
  watch: setting({
    group: "worker",
    type: switchType,
    roles: WORKER,
    fallback: () => false,
    about: {
      en: "Loads agent files anew when they change: the new version takes over the state, and messages wait meanwhile.",
      zh: "智能体文件变化时重新加载：新版本接管状态，期间消息等待。",
    },
  }),
  name: setting({
    group: "agents",
    type: textType({
      placeholder: "NAME",
      accepts: {
        en: "1 to 64 letters, digits, `_`, `-`, `.`",
        zh: "1 至 64 个字母、数字、`_`、`-`、`.`",
      },
      pattern: /^[\p{L}\p{N}_\-.]{1,64}$/u,
      hint: 'is not a name. Use 1 to 64 letters, digits, "_", "-" and ".".',
    }),
    roles: ENVIRONMENT,
    fallback: () => "home",
    about: { en: "The room whose readings are published.", zh: "发布读数的房间名称。" },
  }),
  interval: setting({
    group: "agents",
    type: durationType({ min: 100, max: 86_400_000 }),
    roles: ENVIRONMENT,
    fallback: () => 5_000,
    about: { en: "Time between two readings.", zh: "两次读数之间的时间。" },
    prevents: {
      en: "readings so frequent that they do nothing but load the machine",
      zh: "读数过于频繁而白白占用机器",
    },
  }),
  seed: setting<number | undefined>({
    group: "agents",
    type: numberType({ min: 0, max: 4_294_967_295, isInteger: true }),
    roles: ENVIRONMENT,
    fallback: () => undefined,
    fallbackText: { en: "a new one at each start", zh: "每次启动时随机" },
    about: {
      en: "Makes the readings repeatable: the same seed gives the same readings.",
      zh: "使读数可重现：相同的种子产生相同的读数。",
    },
  }),
  "air-conditioner-on": setting({
    group: "agents",
    type: TEMPERATURE,
    roles: DEVICE,
    fallback: () => 28,
    about: {
      en: "Above this temperature (°C) the air conditioner goes on.",
      zh: "温度（°C）高于此值时打开空调。",
    },
  }),
  "air-conditioner-off": setting({
    group: "agents",
    type: TEMPERATURE,
    roles: DEVICE,
    fallback: () => 24,
    about: {
      en: "Below this temperature (°C) the air conditioner goes off.",
      zh: "温度（°C）低于此值时关闭空调。",
    },
  }),
  "humidifier-on": setting({
    group: "agents",
    type: HUMIDITY,
    roles: DEVICE,
    fallback: () => 35,
    about: {
      en: "Below this humidity (%) the humidifier goes on.",
      zh: "湿度（%）低于此值时打开加湿器。",
    },
  }),
  "humidifier-off": setting({
    group: "agents",
    type: HUMIDITY,
    roles: DEVICE,
    fallback: () => 55,
    about: {
      en: "Above this humidity (%) the humidifier goes off.",
      zh: "湿度（%）高于此值时关闭加湿器。",
    },
  }),
  "manual-hold": setting({
    group: "agents",
    type: durationType({ min: 0, max: 7 * 86_400_000 }),
    roles: DEVICE,
    fallback: () => 30 * 60_000,
    about: {
      en: "How long a switch by hand holds against the automatic.",
      zh: "手动操作后自动控制暂停的时间。",
    },
  }),
  "alert-temperature": setting({
    group: "agents",
    type: TEMPERATURE,
    roles: ["security-agent"],
    fallback: () => 45,
    about: {
      en: "Above this temperature (°C) an alert is raised.",
      zh: "温度（°C）高于此值时发出警报。",
    },
  }),
  ui: setting({
    group: "agents",
    type: addressType({ minPort: 0, hasOff: false }),
    roles: ["ui-agent"],
    fallback: () => "127.0.0.1:8081",
    about: { en: "Where the smart home's web page is.", zh: "智能家居网页的地址。" },
  }),
};
