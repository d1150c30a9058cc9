import type { Command } from "./command.ts";
import { DIAL } from "./dial.ts";
import {
  DATA_ACTIONS,
  DEAD_ACTIONS,
  DECLARING_OPTIONS,
  SCHEDULE_ACTIONS,
  SCHEDULING_OPTIONS,
  TOPIC_ACTIONS,
} from "./durable-actions.ts";

/** Commands for durable topics; entries of the table of commands. */
export const DURABLE_COMMANDS = {
  topic: {
    usage: `${TOPIC_ACTIONS.join("|")} [TOPIC]`,
    about: {
      en: "says which topics are durable, and what is kept of them",
      zh: "声明哪些主题是持久的，以及保留多少",
    },
    operands: { min: 1, max: 2 },
    choices: TOPIC_ACTIONS,
    options: [...DECLARING_OPTIONS, "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "TOPIC is a topic type, or the beginning of some and *. set replaces what was declared for the same TOPIC; --no-durable takes it out of a beginning that is durable. remove ends the declaration and removes no message. The host needs a data folder.",
      zh: "TOPIC 为主题类型，或前缀加 *。set 取代对同一 TOPIC 的声明；--no-durable 把它从持久的前缀中除去。remove 只取消声明，不删除消息。host 需要有数据文件夹。",
    },
    examples: [
      "topic set orders --durable",
      "topic set 'sensor*' --durable --retention-age 7d --retention-size 1GiB",
      "topic set orders --durable --max-deliver 5 --ttl 1h",
      "topic list",
      "topic remove orders",
    ],
    load: async () => (await import("./topic.ts")).runTopic,
  },
  schedule: {
    usage: `${SCHEDULE_ACTIONS.join("|")} [NAME [TOPIC DATA]]`,
    about: {
      en: "has a host publish messages again and again",
      zh: "让 host 定时反复发布消息",
    },
    operands: { min: 1, max: 4 },
    choices: SCHEDULE_ACTIONS,
    options: [...SCHEDULING_OPTIONS, "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "set publishes DATA, as pub takes it, on the durable TOPIC at the times of --cron or each --each; it replaces the schedule of the same NAME. The host keeps schedules in its data folder, and publishes each time once, over restarts and kills too. What was due while it did not run is published once when it is back, or with --missed skip not at all.",
      zh: "set 按 --cron 的时间或每隔 --each 向持久主题 TOPIC 发布 DATA（写法同 pub），并取代同名 NAME 的定时任务。host 将其存于数据文件夹；即使重启或被强制终止，每个时刻也只发布一次。host 未运行期间错过的时刻在恢复后合并发布一次；--missed skip 则不发布。",
    },
    examples: [
      `schedule set watering garden '{"litres": 3}' --type Water --cron '0 7 * * *' --time-zone Europe/Berlin`,
      "schedule set report chat 'how was the hour?' --each 1h --missed skip",
      "schedule list",
      "schedule remove watering",
    ],
    load: async () => (await import("./schedule.ts")).runSchedule,
  },
  dead: {
    usage: `${DEAD_ACTIONS.join("|")} [ID…|all]`,
    about: {
      en: "shows durable messages that were given up, and tries them again",
      zh: "显示已放弃投递的持久消息，并可重新投递",
    },
    operands: { min: 1, max: 1_000 },
    choices: DEAD_ACTIONS,
    options: ["limit", "connect-timeout", "json"],
    settings: DIAL,
    details: {
      en: "ID is a number of the list. replay delivers the message again, with its old message id, to the subscription that gave it up and to no other; drop removes it for ever. The word all is every one that there is.",
      zh: "ID 为列表中的编号。replay 以原消息 ID 重新投递，仅给放弃它的那个订阅；drop 将其永久删除。all 表示全部。",
    },
    examples: ["dead list", "dead show 7 --json", "dead replay 7", "dead drop all"],
    load: async () => (await import("./dead.ts")).runDead,
  },
  data: {
    usage: `${DATA_ACTIONS.join("|")} [COPY]`,
    about: {
      en: "checks, copies or shrinks the stored messages of a host",
      zh: "检查、备份或压缩 host 存储的消息",
    },
    operands: { min: 1, max: 2 },
    choices: DATA_ACTIONS,
    options: ["connect-timeout", "json"],
    settings: [...DIAL, "data"],
    details: {
      en: "A running host is asked, and goes on meanwhile; with --data DIR the folder of a stopped one is opened. COPY is for backup: of a running host a name, under backups in its data folder; with --data a new folder. The copy is a data folder itself. check ends with 1 when anything is damaged.",
      zh: "默认向运行中的 host 发出请求，期间 host 照常工作；带 --data DIR 时打开已停止的 host 的文件夹。COPY 用于 backup：对运行中的 host 为名称，位于其数据文件夹的 backups 下；带 --data 时为新文件夹。备份本身即是数据文件夹。check 发现损坏时以 1 结束。",
    },
    examples: [
      "data check",
      "data backup monday",
      "data backup /backups/house --data ~/.local/state/agentrt",
      "data compact --json",
    ],
    load: async () => (await import("./data.ts")).runData,
  },
} satisfies Record<string, Command>;
