import { AgentrtError } from "../../core/errors.ts";
import { nextTimeOf, type Recurrence } from "../../core/recurrence.ts";
import {
  decodeScheduleFacts,
  encodeSchedule,
  type ScheduleFacts,
} from "../../wire/durable-admin/schedules.ts";
import { MessageTypes } from "../../worker/message-types.ts";
import { Topic } from "../../worker/topic.ts";
import { EXIT } from "../exit-codes.ts";
import { formatDuration } from "../quantity-types.ts";
import type { Invocation } from "./command.ts";
import { messageFor, textOfFile } from "./data-argument.ts";
import {
  readAction,
  refuseWords,
  SCHEDULE_ACTIONS,
  SCHEDULING_OPTIONS,
} from "./durable-actions.ts";
import { type DurableSource, durableSource } from "./durable-source.ts";
import { DURABLE_SENTENCES, DURABLE_TITLES } from "./durable-words.ts";
import { readOperand } from "./operand.ts";
import { printable } from "./printable.ts";
import { type Column, renderTable } from "./table.ts";
import { tell } from "./tell.ts";

/** `agentrt schedule set|list|remove` */
export async function runSchedule(invocation: Invocation): Promise<number> {
  const [word, ...words] = invocation.operands;
  const action = readAction("schedule", SCHEDULE_ACTIONS, word);
  const idle = SCHEDULING_OPTIONS.find((name) => invocation.options[name] !== undefined);
  if (action !== "set" && idle !== undefined) {
    throw new AgentrtError("INVALID_OPTION", `--${idle} belongs to agentrt schedule set.`);
  }
  switch (action) {
    case "set":
      return await set(invocation, words);
    case "list": {
      refuseWords("schedule list", words);
      using source = durableSource(invocation);
      return await list(invocation, source);
    }
    case "remove":
      return await remove(invocation, words);
    default:
      return action satisfies never;
  }
}

async function set(invocation: Invocation, words: readonly string[]): Promise<number> {
  const [name, topicText, data, ...more] = words;
  refuseWords("schedule set NAME TOPIC DATA", more);
  if (name === undefined || topicText === undefined || data === undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      "agentrt schedule set needs a NAME, a TOPIC and DATA.",
    );
  }
  const { options, settings } = invocation;
  const topic = readOperand(topicText, (text) => Topic.parse(text).toTopicId());
  const recurrence = recurrenceOf(invocation);
  // A mistake in it is found here, with or without a host.
  nextTimeOf(recurrence, Date.now(), Date.now());
  const isFile = data.startsWith("@");
  const text = isFile ? await textOfFile(data.slice(1), settings.values["max-message-size"]) : data;
  const kind = { type: options.type, destination: topicText, priority: options.priority };
  const message = messageFor(text, kind, isFile ? `The file ${data.slice(1)}` : "DATA");
  const schedule = encodeSchedule({
    ...{ name, topic, recurrence, whenMissed: options.missed ?? "once" },
    payload: new MessageTypes().encode(message),
    headers: options.priority === undefined ? {} : { priority: options.priority },
  });
  using source = durableSource(invocation);
  const { nextAtMs } = await source.ask("setSchedule", { schedule });
  const next = new Date(nextAtMs).toISOString();
  await tell(invocation, { name, next }, DURABLE_SENTENCES.scheduled(name, next));
  return EXIT.done;
}

async function remove(invocation: Invocation, [name, ...more]: readonly string[]): Promise<number> {
  refuseWords("schedule remove NAME", more);
  if (name === undefined) {
    throw new AgentrtError("INVALID_OPTION", "agentrt schedule remove needs a NAME.");
  }
  using source = durableSource(invocation);
  const { wasThere } = await source.ask("removeSchedule", { name });
  if (!wasThere) {
    throw new AgentrtError(
      "NOT_STORED",
      `There is no schedule ${name}. "agentrt schedule list" shows those that there are.`,
      { data: { name } },
    );
  }
  await tell(invocation, { name, removed: true }, DURABLE_SENTENCES.scheduleRemoved(name));
  return EXIT.done;
}

async function list({ options, io }: Invocation, source: DurableSource): Promise<number> {
  const all = await Array.fromAsync(schedules(source));
  if (options.json === true) {
    await io.print(`${JSON.stringify(all.map(factsOf))}\n`);
    return EXIT.done;
  }
  const sound = all.filter(({ problem }) => problem === undefined);
  const lines =
    all.length === 0
      ? [DURABLE_SENTENCES.noSchedules()[io.language]]
      : sound.length === 0
        ? []
        : renderTable(COLUMNS, sound, io);
  await io.print(lines.map((line) => `${line}\n`).join(""));
  for (const { name, problem } of all) {
    if (problem !== undefined) {
      const text = DURABLE_SENTENCES.damagedSchedule(printable(name), printable(problem));
      await io.printError(`agentrt: ${text[io.language]}\n`);
    }
  }
  return EXIT.done;
}

/** By name. */
async function* schedules(source: DurableSource): AsyncGenerator<ScheduleFacts> {
  let after = "";
  for (;;) {
    const page = await source.ask("listSchedules", { after });
    yield* page.schedules.map(decodeScheduleFacts);
    const last = page.schedules.at(-1)?.schedule?.name;
    if (last === undefined) {
      return;
    }
    after = last;
  }
}

/** @throws AgentrtError `INVALID_OPTION` */
function recurrenceOf({ options }: Invocation): Recurrence {
  const { cron, each, "time-zone": timeZone } = options;
  if (cron !== undefined && each === undefined) {
    return { kind: "cron", pattern: cron, timeZone };
  }
  if (each === undefined || cron !== undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      "Say when: --cron PATTERN, such as '0 7 * * *', or --each TIME, and not both.",
    );
  }
  if (timeZone !== undefined) {
    throw new AgentrtError("INVALID_OPTION", "--time-zone belongs to --cron.");
  }
  return { kind: "every", everyMs: each };
}

/** For programs. Null is what is not known, or not said. */
function factsOf(facts: ScheduleFacts): Readonly<Record<string, string | number | null>> {
  const { name, nextAtMs, whenMissed, recurrence, topic, dataType, problem } = facts;
  return {
    name,
    next: problem === undefined ? new Date(nextAtMs).toISOString() : null,
    cron: recurrence?.kind === "cron" ? recurrence.pattern : null,
    timeZone: recurrence?.kind === "cron" ? (recurrence.timeZone ?? null) : null,
    intervalMs: recurrence?.kind === "every" ? recurrence.everyMs : null,
    missed: whenMissed,
    topic: topic?.toString() ?? null,
    dataType,
    problem: problem ?? null,
  };
}

const COLUMNS: readonly Column<ScheduleFacts>[] = [
  { title: DURABLE_TITLES.name, text: ({ name }) => name },
  { title: DURABLE_TITLES.next, text: ({ nextAtMs }) => new Date(nextAtMs).toISOString() },
  { title: DURABLE_TITLES.times, text: ({ recurrence }) => timesOf(recurrence) },
  { title: DURABLE_TITLES.missed, text: ({ whenMissed }) => whenMissed },
  { title: DURABLE_TITLES.topic, text: ({ topic }) => topic?.toString() ?? "" },
  { title: DURABLE_TITLES.dataType, text: ({ dataType }) => dataType },
];

function timesOf(recurrence: Recurrence | undefined): string {
  if (recurrence === undefined) {
    return "";
  }
  if (recurrence.kind === "every") {
    return formatDuration(recurrence.everyMs);
  }
  const { pattern, timeZone } = recurrence;
  return timeZone === undefined ? pattern : `${pattern} (${timeZone})`;
}
