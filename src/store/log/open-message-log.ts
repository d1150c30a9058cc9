import { AgentrtError } from "../../core/errors.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { DeadRecord, DeadRecordWithBatch, DeadRequest } from "./dead-records.ts";
import type { CheckReport, Compacted, Removed } from "./log-care.ts";
import { type MessageLogOptions, messageLogOptions } from "./log-options.ts";
import type {
  Appended,
  Commit,
  CursorRequest,
  DamagedRange,
  LogBatch,
  LogFacts,
  LogRead,
  MessageLog,
  ReadRequest,
  StoredCursor,
} from "./message-log.ts";
import { unpack } from "./packed-batches.ts";
import type { Firing, Moved, Schedule, StoredSchedule } from "./schedules.ts";
import { ThreadLink } from "./thread-link.ts";
import type { SentRead } from "./thread-messages.ts";
import type { TopicDeclaration } from "./topic-declaration.ts";
import { WriteQueue } from "./write-queue.ts";

/**
 * Opens the message log of a folder, made if need be, for the `messageLog` of a host. One process at a time has it;
 * close it after the host has stopped.
 *
 * ```ts
 * await using messageLog = await openMessageLog("./data");
 * await using host = new GrpcWorkerAgentRuntimeHost({ messageLog, durable: ["orders"] });
 * await host.start();
 * ```
 * @experimental
 * @throws AgentrtError `STORE_LOCKED` (another host has it), `STORE_NEWER`, `STORE_READ_ONLY`, `STORE_FULL`,
 *   `STORE_UNUSABLE`, `STORE_DAMAGED`, `INVALID_OPTION`, `NEEDS_BUN` (under another runtime than Bun)
 */
export async function openMessageLog(
  folder: string,
  options: Partial<MessageLogOptions> = {},
): Promise<MessageLog> {
  const log = new ThreadedLog(folder, messageLogOptions(options));
  await log.opened();
  return log;
}

class ThreadedLog implements MessageLog {
  readonly #link: ThreadLink;
  readonly #queue: WriteQueue;
  #closing: Promise<void> | undefined;

  constructor(folder: string, options: MessageLogOptions) {
    this.#queue = new WriteQueue(
      (message, handOver) => this.#link.post(message, handOver),
      options,
    );
    this.#link = new ThreadLink({
      folder,
      file: {
        dedupBatchesPerProducer: options.dedupBatchesPerProducer,
        dedupProducerAgeMs: options.dedupProducerAgeMs,
        maxFileBytes: options.maxFileBytes,
        dead: {
          maxRecords: options.deadMaxRecords,
          maxBytes: options.deadMaxBytes,
          maxAgeMs: options.deadMaxAgeMs,
        },
      },
      now: options.now,
      onWritten: (outcomes) => this.#queue.written(outcomes),
      onEnd: (reason) => this.#queue.fail(reason),
    });
  }

  opened(): Promise<void> {
    return this.#link.opened();
  }

  async append(batches: readonly LogBatch[]): Promise<readonly Appended[]> {
    return batches.length === 0 ? [] : await this.#queue.call("append", {}, batches);
  }

  async read(request: ReadRequest): Promise<LogRead> {
    // The thread packs what this method gives.
    const { packed, ...rest } = (await this.#link.ask("read", request)) as unknown as SentRead;
    return { ...rest, batches: unpack(packed) };
  }

  positionAt(timeMs: number): Promise<number> {
    return this.#link.ask("positionAt", { timeMs });
  }

  listDamaged(limit: number): Promise<readonly DamagedRange[]> {
    return this.#link.ask("listDamaged", { limit });
  }

  openCursor(name: string, { patterns, start }: CursorRequest): Promise<StoredCursor> {
    return this.#queue.call("openCursor", { name, patterns, start });
  }

  listCursors(): Promise<readonly StoredCursor[]> {
    return this.#link.ask("listCursors", {});
  }

  removeCursor(name: string): Promise<boolean> {
    return this.#queue.call("removeCursor", { name });
  }

  async commit(commit: Commit): Promise<void> {
    await this.#queue.call("commit", commit);
  }

  async putTopic(declaration: TopicDeclaration): Promise<void> {
    await this.#queue.call("putTopic", declaration);
  }

  listTopics(): Promise<readonly TopicDeclaration[]> {
    return this.#link.ask("listTopics", {});
  }

  removeTopic(pattern: TopicPattern): Promise<boolean> {
    return this.#queue.call("removeTopic", pattern);
  }

  listDead(request: DeadRequest): Promise<readonly DeadRecord[]> {
    return this.#link.ask("listDead", request);
  }

  showDead(id: number): Promise<DeadRecordWithBatch | undefined> {
    return this.#link.ask("showDead", { id });
  }

  replayDead(id: number, batch: LogBatch): Promise<number | undefined> {
    return this.#queue.call("replayDead", { id }, [batch]);
  }

  dropDead(ids: readonly number[]): Promise<number> {
    return this.#queue.call("dropDead", { ids });
  }

  moveDue(nowMs: number): Promise<Moved> {
    return this.#queue.call("moveDue", { nowMs });
  }

  async putSchedule(schedule: Schedule): Promise<void> {
    await this.#queue.call("putSchedule", schedule);
  }

  listSchedules(): Promise<readonly StoredSchedule[]> {
    return this.#link.ask("listSchedules", {});
  }

  removeSchedule(name: string): Promise<boolean> {
    return this.#queue.call("removeSchedule", { name });
  }

  fireSchedule(
    name: string,
    dueAtMs: number,
    nextAtMs: number | undefined,
    firing: Firing,
  ): Promise<number | undefined> {
    return this.#queue.call("fireSchedule", { name, dueAtMs, nextAtMs, firing });
  }

  applyRetention(): Promise<readonly Removed[]> {
    return this.#link.ask("applyRetention", {});
  }

  check(): Promise<CheckReport> {
    return this.#link.ask("check", {});
  }

  backup(folder: string): Promise<{ readonly bytes: number }> {
    return this.#link.ask("backup", { folder });
  }

  compact(): Promise<Compacted> {
    return this.#link.ask("compact", {});
  }

  facts(): Promise<LogFacts> {
    return this.#link.ask("facts", {});
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#queue.drain(new AgentrtError("RUNTIME_STATE", "The message log is closed."));
    await this.#link.close();
  }
}
