import { AgentrtError } from "../../core/errors.ts";
import type { DurableAnswer } from "../../wire/durable-admin/codec.ts";
import { EXIT } from "../exit-codes.ts";
import { durationType } from "../quantity-types.ts";
import type { Invocation } from "./command.ts";
import { DECLARING_OPTIONS, readAction, refuseWords, TOPIC_ACTIONS } from "./durable-actions.ts";
import { type DurableSource, durableSource } from "./durable-source.ts";
import { ANSWERS, DURABLE_SENTENCES, DURABLE_TITLES } from "./durable-words.ts";
import { readOperand } from "./operand.ts";
import { type Column, renderTable } from "./table.ts";
import { parseTopicTypes, showTopicTypes, type TopicTypes } from "./topic-types.ts";

/** One declaration, as it is shown to programs. Null: no limit, or the host's default. */
interface TopicRow {
  readonly topic: string;
  readonly durable: boolean;
  readonly retentionAgeMs: number | null;
  readonly retentionCount: number | null;
  readonly retentionBytes: number | null;
  readonly maxDeliver: number | null;
  readonly ttlMs: number | null;
}

const SHOW_TIME = durationType({ min: 1, max: Number.MAX_SAFE_INTEGER });

/** `agentrt topic set|list|remove` */
export async function runTopic(invocation: Invocation): Promise<number> {
  const [word, text, ...more] = invocation.operands;
  const action = readAction("topic", TOPIC_ACTIONS, word);
  if (action !== "set") {
    refuseDeclaration(invocation, action);
  }
  if (action === "list") {
    refuseWords("topic list", text === undefined ? [] : [text, ...more]);
    using source = durableSource(invocation);
    return await list(invocation, source);
  }
  if (text === undefined) {
    throw new AgentrtError("INVALID_OPTION", `agentrt topic ${action} needs a TOPIC.`);
  }
  const topics = readOperand(text, parseTopicTypes);
  if (action === "set" && invocation.options.durable === undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `Say what ${showTopicTypes(topics)} shall be: agentrt topic set ${showTopicTypes(topics)} --durable, or --no-durable.`,
    );
  }
  using source = durableSource(invocation);
  return action === "set"
    ? await set(invocation, source, topics)
    : await remove(invocation, source, topics);
}

async function set(
  { options, io }: Invocation,
  source: DurableSource,
  topics: TopicTypes,
): Promise<number> {
  const isDurable = options.durable === true;
  const exact = (value: number | undefined): bigint | undefined =>
    value === undefined ? undefined : BigInt(value);
  await source.ask("setTopic", {
    declaration: {
      topics,
      isDurable,
      retentionAgeMs: exact(options["retention-age"]),
      retentionRecords: exact(options["retention-count"]),
      retentionBytes: exact(options["retention-size"]),
      maxDeliver: options["max-deliver"],
      timeToLiveMs: exact(options.ttl),
    },
  });
  const topic = showTopicTypes(topics);
  const row: TopicRow = {
    topic,
    durable: isDurable,
    retentionAgeMs: options["retention-age"] ?? null,
    retentionCount: options["retention-count"] ?? null,
    retentionBytes: options["retention-size"] ?? null,
    maxDeliver: options["max-deliver"] ?? null,
    ttlMs: options.ttl ?? null,
  };
  const text = DURABLE_SENTENCES.topicSet(topic, isDurable)[io.language];
  await io.print(`${options.json === true ? JSON.stringify(row) : text}\n`);
  return EXIT.done;
}

async function remove(
  { options, io }: Invocation,
  source: DurableSource,
  topics: TopicTypes,
): Promise<number> {
  const topic = showTopicTypes(topics);
  const { wasThere } = await source.ask("removeTopic", { topics });
  if (!wasThere) {
    throw new AgentrtError(
      "NOT_STORED",
      `Nothing is declared for ${topic}. "agentrt topic list" shows what is.`,
      { data: { topic } },
    );
  }
  const text = DURABLE_SENTENCES.topicRemoved(topic)[io.language];
  await io.print(`${options.json === true ? JSON.stringify({ topic, removed: true }) : text}\n`);
  return EXIT.done;
}

async function list({ options, io }: Invocation, source: DurableSource): Promise<number> {
  const { declarations } = await source.ask("listTopics", {});
  const rows = declarations.map(rowOf);
  if (options.json === true) {
    await io.print(`${JSON.stringify(rows)}\n`);
  } else if (rows.length === 0) {
    await io.print(`${DURABLE_SENTENCES.noTopics()[io.language]}\n`);
  } else {
    const lines = renderTable(columnsFor(io.language), rows, io);
    await io.print(`${lines.join("\n")}\n`);
  }
  return EXIT.done;
}

function rowOf(declaration: DurableAnswer<"listTopics">["declarations"][number]): TopicRow {
  return {
    topic: showTopicTypes(declaration.topics),
    durable: declaration.isDurable,
    retentionAgeMs: declaration.retentionAgeMs ?? null,
    retentionCount: declaration.retentionRecords ?? null,
    retentionBytes: declaration.retentionBytes ?? null,
    maxDeliver: declaration.maxDeliver ?? null,
    ttlMs: declaration.timeToLiveMs ?? null,
  };
}

function columnsFor(language: Invocation["io"]["language"]): readonly Column<TopicRow>[] {
  const time = (ms: number | null): string => (ms === null ? "-" : SHOW_TIME.format(ms));
  const { topic, durable, keepsAge, keepsCount, keepsBytes, maxDeliver, ttl } = DURABLE_TITLES;
  return [
    { title: topic, text: (row) => row.topic },
    { title: durable, text: (row) => ANSWERS[row.durable ? "yes" : "no"][language] },
    { title: keepsAge, text: (row) => time(row.retentionAgeMs), isNumber: true },
    { title: keepsCount, text: (row) => row.retentionCount ?? "-", isNumber: true },
    { title: keepsBytes, text: (row) => row.retentionBytes ?? "-", isNumber: true },
    { title: maxDeliver, text: (row) => row.maxDeliver ?? "-", isNumber: true },
    { title: ttl, text: (row) => time(row.ttlMs), isNumber: true },
  ];
}

/** @throws AgentrtError `INVALID_OPTION` when flags of `set` came with another word */
function refuseDeclaration({ options }: Invocation, action: string): void {
  const idle = DECLARING_OPTIONS.find((name) => options[name] !== undefined);
  if (idle !== undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `--${idle} does nothing for agentrt topic ${action}; it belongs to set.`,
    );
  }
}
