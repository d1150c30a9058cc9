import { AgentrtError } from "../core/errors.ts";
import { assertTopicType } from "../core/topic-id.ts";
import type { TopicPattern } from "../core/topic-pattern.ts";
import type { DeadRecord } from "../store/log/dead-records.ts";
import type { DamagedRange, StoredBatch } from "../store/log/message-log.ts";
import type { TopicDeclaration } from "../store/log/topic-declaration.ts";
import type { DurableAnswerInit, DurableRequest } from "../wire/durable-admin/codec.ts";
import { senderFields } from "../wire/link/route-sender.ts";
import { decodeStoredRoute } from "../wire/link/stored-route.ts";

type DeclarationInit = NonNullable<DurableAnswerInit<"listTopics">["declarations"]>[number];
type DeclarationRequest = NonNullable<DurableRequest<"setTopic">["declaration"]>;
type TopicsRequest = DurableRequest<"read">["topics"][number];
type DeadInit = NonNullable<DurableAnswerInit<"listDead">["dead"]>[number];
type BatchInit = NonNullable<DurableAnswerInit<"read">["batches"]>[number];
type DamagedInit = NonNullable<DurableAnswerInit<"read">["damaged"]>[number];

/** @throws AgentrtError `INVALID_TOPIC` */
export function patternOfRequest(topics: TopicsRequest | undefined): TopicPattern {
  const { text = "", isPrefix = false } = topics ?? {};
  // The empty prefix is everything.
  if (!(isPrefix && text === "")) {
    assertTopicType(text);
  }
  return { kind: isPrefix ? "prefix" : "type", text };
}

/** @throws AgentrtError `INVALID_TOPIC`, `INVALID_OPTION` */
export function declarationOfRequest(request: DeclarationRequest | undefined): TopicDeclaration {
  return {
    pattern: patternOfRequest(request?.topics),
    isDurable: request?.isDurable === true,
    retention: {
      maxAgeMs: limitOf(request?.retentionAgeMs, "retention_age_ms"),
      maxRecords: limitOf(request?.retentionRecords, "retention_records"),
      maxBytes: limitOf(request?.retentionBytes, "retention_bytes"),
    },
    maxDeliver: limitOf(request?.maxDeliver, "max_deliver"),
    timeToLiveMs: limitOf(request?.timeToLiveMs, "time_to_live_ms"),
    settingsJson: undefined,
  };
}

export function declarationAnswer(declaration: TopicDeclaration): DeclarationInit {
  const { pattern, retention } = declaration;
  return {
    topics: { text: pattern.text, isPrefix: pattern.kind === "prefix" },
    isDurable: declaration.isDurable,
    retentionAgeMs: exactOf(retention.maxAgeMs),
    retentionRecords: exactOf(retention.maxRecords),
    retentionBytes: exactOf(retention.maxBytes),
    maxDeliver: declaration.maxDeliver,
    timeToLiveMs: exactOf(declaration.timeToLiveMs),
  };
}

export function deadAnswer(dead: DeadRecord): DeadInit {
  return {
    ...dead,
    id: BigInt(dead.id),
    position: BigInt(dead.position),
    atMs: BigInt(dead.atMs),
  };
}

/** @throws AgentrtError `STORE_DAMAGED` */
export function batchAnswer(batch: StoredBatch): BatchInit {
  const route = decodeStoredRoute(batch);
  return {
    position: BigInt(batch.position),
    storedAtMs: BigInt(batch.storedAtMs),
    topicType: batch.topicType,
    topicSource: batch.topicSource,
    ...senderFields(route.sender),
    dataType: route.dataType,
    contentType: route.contentType,
    headers: { ...route.headers },
    producer: route.producer,
    sequence: BigInt(batch.sequence),
    count: batch.count,
    encoding: batch.encoding,
    records: batch.records,
  };
}

export function damagedAnswer(range: DamagedRange): DamagedInit {
  return {
    first: BigInt(range.first),
    last: BigInt(range.last),
    topicType: range.topicType ?? "",
    reason: range.reason,
    foundAtMs: BigInt(range.foundAtMs),
  };
}

/** @throws AgentrtError `INVALID_OPTION` when it is none that the log can have */
export function positionOfRequest(value: bigint, field: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new AgentrtError("INVALID_OPTION", `${field} is ${value}, which is over 2^53 - 1.`, {
      data: { field },
    });
  }
  return number;
}

function limitOf(value: bigint | number | undefined, field: string): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  const number = positionOfRequest(BigInt(value), field);
  if (number < 1) {
    throw new AgentrtError("INVALID_OPTION", `${field} is 0. Give 1 or more, or leave it out.`, {
      data: { field },
    });
  }
  return number;
}

function exactOf(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
