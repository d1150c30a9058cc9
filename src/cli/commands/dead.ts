import { AgentrtError } from "../../core/errors.ts";
import type { DurableAnswer } from "../../wire/durable-admin/codec.ts";
import { EXIT } from "../exit-codes.ts";
import type { Invocation } from "./command.ts";
import { DEAD_ACTIONS, readAction, refuseWords } from "./durable-actions.ts";
import { type DurableSource, durableSource } from "./durable-source.ts";
import { DURABLE_SENTENCES, DURABLE_TITLES } from "./durable-words.ts";
import { jsonOfStored, messagesOf, textOfStored } from "./stored-message.ts";
import { type Column, renderTable } from "./table.ts";
import { tell } from "./tell.ts";

const DEFAULT_LIMIT = 1_000;
const PAGE = 1_000;
/** Stands for every dead record that there is when the command begins. */
const ALL = "all";

type Dead = DurableAnswer<"listDead">["dead"][number];

/** `agentrt dead list|show|replay|drop` */
export async function runDead(invocation: Invocation): Promise<number> {
  const [word, ...words] = invocation.operands;
  const action = readAction("dead", DEAD_ACTIONS, word);
  if (action !== "list" && invocation.options.limit !== undefined) {
    throw new AgentrtError("INVALID_OPTION", "--limit belongs to agentrt dead list.");
  }
  if (action === "list") {
    refuseWords("dead list", words);
  } else if (words.length === 0) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `agentrt dead ${action} needs an ID of "agentrt dead list"${action === "show" ? "" : `, or ${ALL}`}.`,
    );
  }
  const isAll = words.length === 1 && words[0] === ALL && action !== "show";
  const ids = isAll ? [] : words.map(readId);
  using source = durableSource(invocation);
  switch (action) {
    case "list":
      return await list(invocation, source);
    case "show":
      return await show(invocation, source, ids);
    case "replay":
      return await replay(invocation, source, isAll ? await allIds(source) : ids);
    case "drop":
      return await drop(invocation, source, isAll ? await allIds(source) : ids);
    default:
      return action satisfies never;
  }
}

async function list({ options, io }: Invocation, source: DurableSource): Promise<number> {
  const limit = options.limit ?? DEFAULT_LIMIT;
  const rows: Dead[] = [];
  for await (const dead of records(source)) {
    if (rows.push(dead) > limit) {
      break;
    }
  }
  const shown = rows.slice(0, limit);
  if (options.json === true) {
    await io.print(`${JSON.stringify(shown.map(factsOf))}\n`);
  } else if (shown.length === 0) {
    await io.print(`${DURABLE_SENTENCES.noDead()[io.language]}\n`);
  } else {
    await io.print(`${renderTable(COLUMNS, shown, io).join("\n")}\n`);
  }
  const { deadDropped } = await source.ask("getFacts", {});
  if (deadDropped > 0) {
    await io.printError(`agentrt: ${DURABLE_SENTENCES.deadDropped(deadDropped)[io.language]}\n`);
  }
  if (rows.length > limit) {
    await io.printError(`agentrt: ${DURABLE_SENTENCES.moreDead(limit)[io.language]}\n`);
  }
  return EXIT.done;
}

async function show(
  { options, io }: Invocation,
  source: DurableSource,
  ids: readonly number[],
): Promise<number> {
  for (const id of ids) {
    const { dead, batch } = await source.ask("showDead", { id: BigInt(id) });
    if (dead === undefined) {
      throw new AgentrtError(
        "NOT_STORED",
        `There is no dead record ${id}. "agentrt dead list" shows those that there are.`,
        { data: { id } },
      );
    }
    const [message] = batch === undefined ? [] : messagesOf(batch);
    if (options.json === true) {
      const facts = JSON.stringify(factsOf(dead));
      const inner = message === undefined ? "null" : jsonOfStored(message).trimEnd();
      await io.print(`${facts.slice(0, -1)},"message":${inner}}\n`);
    } else {
      const text =
        message === undefined
          ? `${DURABLE_SENTENCES.notKept()[io.language]}\n`
          : textOfStored(message, io.style);
      await io.print(`${renderTable(COLUMNS, [dead], io).join("\n")}\n${text}`);
    }
  }
  return EXIT.done;
}

async function replay(
  invocation: Invocation,
  source: DurableSource,
  ids: readonly number[],
): Promise<number> {
  const { io, options } = invocation;
  const replayed: { readonly id: number; readonly position: number }[] = [];
  // Oldest first, so that they come in the order in which they came.
  for (const id of ids.toSorted((a, b) => a - b)) {
    const { position } = await source.ask("replayDead", { id: BigInt(id) });
    replayed.push({ id, position });
    if (options.json !== true) {
      await io.print(`${DURABLE_SENTENCES.replayed(id, position)[io.language]}\n`);
    }
  }
  await tell(invocation, { replayed }, DURABLE_SENTENCES.replayedAll(replayed.length));
  return EXIT.done;
}

async function drop(
  invocation: Invocation,
  source: DurableSource,
  ids: readonly number[],
): Promise<number> {
  let dropped = 0;
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE).map((id) => BigInt(id));
    dropped += (await source.ask("dropDead", { ids: page })).dropped;
  }
  await tell(invocation, { dropped }, DURABLE_SENTENCES.dropped(dropped));
  return EXIT.done;
}

/** Newest first. */
async function* records(source: DurableSource): AsyncGenerator<Dead> {
  let before = 0;
  for (;;) {
    const { dead } = await source.ask("listDead", { limit: PAGE, before: BigInt(before) });
    yield* dead;
    const last = dead.at(-1);
    if (last === undefined) {
      return;
    }
    before = last.id;
  }
}

async function allIds(source: DurableSource): Promise<readonly number[]> {
  const ids: number[] = [];
  for await (const { id } of records(source)) {
    ids.push(id);
  }
  return ids;
}

function factsOf(dead: Dead): Readonly<Record<string, string | number>> {
  const { id, cursor, position, topicType, topicSource, atMs, reason, lastError, attempts } = dead;
  const topic = `${topicType}/${topicSource}`;
  const at = new Date(atMs).toISOString();
  return { id, at, topic, position, subscription: cursor, reason, attempts, lastError };
}

const COLUMNS: readonly Column<Dead>[] = [
  { title: DURABLE_TITLES.id, text: ({ id }) => id, isNumber: true },
  { title: DURABLE_TITLES.at, text: ({ atMs }) => new Date(atMs).toISOString() },
  {
    title: DURABLE_TITLES.topic,
    text: ({ topicType, topicSource }) => `${topicType}/${topicSource}`,
  },
  { title: DURABLE_TITLES.position, text: ({ position }) => position, isNumber: true },
  { title: DURABLE_TITLES.subscription, text: ({ cursor }) => cursor },
  { title: DURABLE_TITLES.reason, text: ({ reason }) => reason },
  { title: DURABLE_TITLES.attempts, text: ({ attempts }) => attempts, isNumber: true },
  { title: DURABLE_TITLES.lastError, text: ({ lastError }) => lastError },
];

/** @throws AgentrtError `INVALID_OPTION` */
function readId(text: string): number {
  const id = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(id) || id < 1) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `"${text}" is no number of a dead record. "agentrt dead list" shows them.`,
    );
  }
  return id;
}
