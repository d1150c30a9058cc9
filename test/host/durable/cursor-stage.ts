/** A host's cursors with a real log, whose disk does what it is told, and workers that do the same. */
import { AgentrtError } from "../../../src/core/errors.ts";
import { TopicId } from "../../../src/core/topic-id.ts";
import { InboundBatch } from "../../../src/host/link/inbound-batch.ts";
import { InboundRoute, RouteNumbers } from "../../../src/host/link/inbound-routes.ts";
import type { OutboundFrame } from "../../../src/host/outbox.ts";
import type { SessionLink } from "../../../src/host/session.ts";
import { LogFile } from "../../../src/store/log/log-file.ts";
import type { Commit, MessageLog } from "../../../src/store/log/message-log.ts";
import { OpenBatch } from "../../../src/wire/link/batch-frame.ts";
import { readPacket } from "../../../src/wire/link/frames.ts";
import { exact, FakeStream, InMemoryHost, payloadOf } from "../in-memory-host.ts";

export const MAX_DELIVER = 3;
/** Few, so that cursors have to wait for room. */
const OUTBOX = { outboxMaxMessages: 12, outboxMaxBytes: 2_500 };
const OPTIONS = {
  ...{ dedupBatchesPerProducer: 100, dedupProducerAgeMs: 1_000_000, maxFileBytes: undefined },
  dead: { maxRecords: 10_000, maxBytes: 100_000_000, maxAgeMs: undefined },
};

/** What happens, as it happens. */
export interface Listener {
  /** Called when a commit is asked for; what it gives is called when that is on disk. */
  committing(commit: Commit): () => void;
  offered(cursor: string, first: number, last: number): void;
}

/** One life of a worker's connection, which takes so many frames more. */
export class Link implements SessionLink {
  readonly isQuiet = false;
  readonly stream = new FakeStream();
  /** Positions that have come to the worker. */
  readonly arrived: { readonly first: number; readonly last: number }[] = [];
  room: number;

  constructor(room: number) {
    this.room = room;
  }

  write(bytes: Uint8Array, frame: OutboundFrame): boolean {
    if (frame.envelope.kind === "durable") {
      this.arrived.push(rangeOf(bytes));
    }
    this.room -= 1;
    return this.room > 0;
  }

  goAway(): void {}

  writeControl(): void {}

  flush(): void {}

  close(): readonly OutboundFrame[] {
    return [];
  }
}

function rangeOf(bytes: Uint8Array): { readonly first: number; readonly last: number } {
  const [batch] = readPacket(Buffer.from(bytes));
  if (batch?.kind !== "batch") {
    throw new Error("not a batch");
  }
  return { first: batch.position, last: batch.position + batch.count - 1 };
}

export class Stage {
  readonly #folder: string;
  readonly #listener: Listener;
  readonly links = new Map<string, Link>();
  host: InMemoryHost;
  #file: LogFile;
  #life = {};
  /** Set while the disk takes its time. */
  #slow: PromiseWithResolvers<void> | undefined;
  isFull = false;
  /** What the listener has thrown, which the host would take for its own. */
  faults: unknown[] = [];
  #sequence = 0;

  constructor(folder: string, listener: Listener) {
    this.#folder = folder;
    this.#listener = listener;
    this.#file = this.#openFile();
    this.host = this.#makeHost();
  }

  async open(): Promise<void> {
    const { durable, router, registry } = this.host;
    const { placements, delivery } = router;
    const offer = delivery.offer.bind(delivery);
    delivery.offer = (session, frame) => {
      if (frame.envelope.kind === "durable") {
        const { first, last } = rangeOf(frame.bytes);
        this.#tell(() => this.#listener.offered(frame.out?.receivers[0] ?? "", first, last));
      }
      offer(session, frame);
    };
    await durable.open({
      ...{ placements, delivery, registry, numbers: new RouteNumbers(), maxDeliver: MAX_DELIVER },
      onLate: () => undefined,
    });
  }

  /** The host and its file again. @param isKilled without a last word */
  async restart(isKilled: boolean): Promise<void> {
    if (isKilled) {
      this.#life = {};
    }
    this.#slow?.resolve();
    this.#slow = undefined;
    this.isFull = false;
    await this.host.durable.close();
    this.links.clear();
    this.#file[Symbol.dispose]();
    this.#file = this.#openFile();
    this.host = this.#makeHost();
    await this.open();
  }

  close(): void {
    this.#life = {};
    this.#slow?.resolve();
    this.#file[Symbol.dispose]();
  }

  setSlow(isSlow: boolean): void {
    this.#slow?.resolve();
    this.#slow = isSlow ? Promise.withResolvers<void>() : undefined;
  }

  async publish(
    source: string,
    isHigh: boolean,
    count: number,
    timeToLiveMs: number | undefined,
    isLarge: boolean,
  ): Promise<void> {
    const batch = new OpenBatch();
    for (let index = 0; index < count; index += 1) {
      batch.append(
        payloadOf(`${this.#sequence + index + 1}`.padEnd(isLarge ? 400 : 1)).data as Uint8Array,
        undefined,
      );
    }
    const [frame] = readPacket(batch.close(1, this.#sequence + 1));
    this.#sequence += count;
    if (frame?.kind !== "batch") {
      throw new Error("not a batch");
    }
    const headers: Record<string, string> = isHigh ? { priority: "high" } : {};
    const route = new InboundRoute(
      {
        ...{ topic: new TopicId("orders", source), sender: undefined, headers, dataType: "Text" },
        ...{ contentType: "application/json", producer: "p", receivers: [] },
      },
      new RouteNumbers(),
    );
    const declaration = {
      ...{ pattern: { kind: "type", text: "orders" } as const, isDurable: true },
      retention: { maxAgeMs: undefined, maxRecords: undefined, maxBytes: undefined },
      ...{ maxDeliver: undefined, settingsJson: undefined, timeToLiveMs },
    };
    await this.host.durable.publisher.appendBatch(
      new InboundBatch(frame, route),
      declaration,
      "publisher",
    );
  }

  connect(type: string, room: number): void {
    const { sessions, enrolment } = this.host;
    const session = sessions.obtain(type, "127.0.0.1:1");
    const link = new Link(room);
    this.links.set(type, link);
    sessions.connected(session, link.stream.asHostStream, "127.0.0.1:1", link);
    if (!session.agentTypes.has(type)) {
      enrolment.registerAgentType(session, type);
      enrolment.addSubscription(session, exact("orders", type, `sub-${type}`));
    }
  }

  leave(type: string, how: "left" | "lost"): void {
    const link = this.links.get(type);
    const session = this.host.registry.session(type);
    this.links.delete(type);
    if (link !== undefined && session !== undefined) {
      this.host.sessions.left(session, link.stream.asHostStream, how);
    }
  }

  makeRoom(type: string, room: number): void {
    const link = this.links.get(type);
    const session = this.host.registry.session(type);
    if (link !== undefined && session !== undefined) {
      link.room = Math.max(0, link.room) + room;
      session.outbox.drained();
    }
  }

  ack(from: string, cursor: string, positions: readonly number[]): void {
    const session = this.host.registry.session(from);
    const name = this.#wireName(cursor);
    if (session !== undefined) {
      const ranges = positions.flatMap((position) => [position, 1]);
      this.host.durable.cursors.ack(session, name, ranges);
    }
  }

  nack(from: string, cursor: string, position: number): void {
    const session = this.host.registry.session(from);
    if (session !== undefined) {
      this.host.durable.cursors.nack(session, this.#wireName(cursor), position, "no");
    }
  }

  async dead(): Promise<readonly string[]> {
    await Promise.resolve();
    return this.#file.asks
      .listDead({ limit: 10_000 })
      .map(({ cursor, position, reason }) => `${cursor} ${position} ${reason}`)
      .toSorted();
  }

  #tell<R>(tell: () => R): R | undefined {
    try {
      return tell();
    } catch (fault) {
      this.faults.push(fault);
      return undefined;
    }
  }

  #wireName(cursor: string): string {
    for (const runner of this.host.durable.cursors.all) {
      if (runner.name === cursor) {
        return runner.wireName;
      }
    }
    return "none";
  }

  #makeHost(): InMemoryHost {
    const messageLog = this.#log();
    return new InMemoryHost({
      ...{ messageLog, durable: ["orders"], sessionGraceMs: 600_000, ...OUTBOX },
    });
  }

  #openFile(): LogFile {
    return LogFile.open(this.#folder, OPTIONS, () => undefined);
  }

  /** What cursors need of a log, as its thread does it. */
  #log(): MessageLog {
    const file = this.#file;
    const life = this.#life;
    const inLife = async <R>(work: () => R): Promise<R> => {
      await Promise.resolve();
      if (life !== this.#life) {
        throw new AgentrtError("RUNTIME_STATE", "killed");
      }
      file.nowMs = Date.now();
      return work();
    };
    const { asks, writes } = file;
    const written = <R>(work: () => R): Promise<R> => inLife(() => file.transaction(work));
    const log: Partial<MessageLog> = {
      facts: () => inLife(() => asks.facts({})),
      listCursors: () => inLife(() => asks.listCursors({})),
      listTopics: () => inLife(() => asks.listTopics({})),
      listSchedules: () => inLife(() => asks.listSchedules({})),
      read: (request) => inLife(() => asks.read(request)),
      putTopic: (declaration) => written(() => writes.putTopic(declaration)),
      append: (batches) => written(() => writes.append({}, batches)),
      openCursor: (name, request) => written(() => writes.openCursor({ name, ...request })),
      removeCursor: (name) => written(() => writes.removeCursor({ name })),
      commit: async (commit) => {
        const stored = this.#tell(() => this.#listener.committing(commit));
        await this.#slow?.promise;
        if (this.isFull) {
          throw new AgentrtError("STORE_FULL", "no room");
        }
        await written(() => {
          writes.commit(commit);
          stored?.();
        });
      },
    };
    return log as MessageLog;
  }
}
