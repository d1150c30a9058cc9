/** A worker's queue and its host, with a line between them that delivers when it is told to and breaks anywhere. */
import { EventEmitter } from "node:events";
import { Metadata } from "@grpc/grpc-js";
import { AgentrtError } from "../../src/core/errors.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import type { AgentRpcParts } from "../../src/host/admission.ts";
import { FullQueuePolicies } from "../../src/host/full-queue-policies.ts";
import type { InboundBatch } from "../../src/host/link/inbound-batch.ts";
import { RouteNumbers } from "../../src/host/link/inbound-routes.ts";
import { LinkReader } from "../../src/host/link/link-reader.ts";
import type { LinkState } from "../../src/host/link/link-state.ts";
import { Producers } from "../../src/host/link/producers.ts";
import type { FrameStream } from "../../src/wire/autogen/client.ts";
import { creditOf, readPacket } from "../../src/wire/link/frames.ts";
import type { FrameSink } from "../../src/worker/frame-sink.ts";
import { LinkChannel } from "../../src/worker/link-channel.ts";
import type { OutgoingQueue } from "../../src/worker/outgoing-queue.ts";
import { FakeStream, InMemoryHost, textOf } from "./in-memory-host.ts";

export const PRODUCER = "worker.1";

/** A batch that came to one life of a host. */
export interface Taken {
  readonly topic: string;
  readonly first: number;
  readonly texts: readonly string[];
  state: "plain" | "on its way to disk" | "stored" | "refused";
}

/** One life of a host; what is published on a topic that begins with "d" is stored. */
export class HostLife {
  readonly host: InMemoryHost;
  readonly state: LinkState;
  readonly taken: Taken[] = [];
  readonly #settle = new Map<Taken, (error?: AgentrtError) => void>();

  constructor(number: number, linkWindowBytes: number, maxRoutes: number) {
    this.host = new InMemoryHost({ linkWindowBytes, maxRoutes, sessionGraceMs: 60_000 });
    this.state = {
      instance: `host ${number}`,
      producers: new Producers(),
      numbers: new RouteNumbers(),
      fullQueue: new FullQueuePolicies(),
    };
    const { topics } = this.host.durable;
    Object.defineProperty(topics, "patterns", { get: () => [{ kind: "prefix", text: "d" }] });
    topics.declarationFor = (topicType) =>
      topicType.startsWith("d")
        ? {
            ...{ pattern: { kind: "prefix", text: "d" }, isDurable: true, maxDeliver: undefined },
            retention: { maxAgeMs: undefined, maxRecords: undefined, maxBytes: undefined },
            ...{ timeToLiveMs: undefined, settingsJson: undefined },
          }
        : undefined;
    const { events } = this.host.router;
    events.publishBatch = (batch) => this.#take(batch, "plain");
    events.publishDurable = (batch) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const taken = this.#take(batch, "on its way to disk");
      this.#settle.set(taken, (error) => (error === undefined ? resolve() : reject(error)));
      return promise;
    };
  }

  get onTheirWay(): readonly Taken[] {
    return [...this.#settle.keys()];
  }

  settle(taken: Taken, isStored: boolean): void {
    const settle = this.#settle.get(taken);
    this.#settle.delete(taken);
    taken.state = isStored ? "stored" : "refused";
    settle?.(isStored ? undefined : new AgentrtError("STORE_FULL", "The disk is full."));
  }

  /** The highest number up to which everything is done with. */
  get done(): number {
    const [open] = this.taken.filter(({ state }) => state === "on its way to disk");
    const last = this.taken.at(-1);
    const end = last === undefined ? 0 : last.first + last.texts.length - 1;
    return open === undefined ? end : open.first - 1;
  }

  get parts(): AgentRpcParts {
    const { options, registry, router, controlRouter, presence, totals, incidents } = this.host;
    const { durable, sessions, enrolment, fullQueue } = this.host;
    return {
      ...{ options, registry, router, controlRouter, presence, totals, incidents },
      ...{ durable, sessions, enrolment, fullQueue, tracing: undefined },
      hangUp: () => undefined,
      onCall: () => undefined,
      isDraining: () => false,
    };
  }

  #take(batch: InboundBatch, state: Taken["state"]): Taken {
    const { topic, sequence: first } = batch;
    const taken = { topic: topic.type, first, texts: batch.events.map(textOf), state };
    this.taken.push(taken);
    return taken;
  }
}

/** A connection from its hello to its end. */
export class Line {
  readonly life: HostLife;
  readonly #toHost: Uint8Array[] = [];
  readonly #channel: LinkChannel;
  readonly #hostStream = new FakeStream();
  readonly #reader: LinkReader;
  readonly #workerStream = new EventEmitter();
  readonly #queue: OutgoingQueue;
  readonly faults: string[] = [];
  #seenByWorker = 0;
  /** What flow control counts: sent by the worker, and given back in credits that it has read. */
  #sentBytes = 0;
  #creditBytes = 0;
  #windowBytes = 0;
  #isWelcome = false;
  #isCut = false;
  /** True when the host has not heard yet that it is over. */
  isUnnoticed = true;

  constructor(queue: OutgoingQueue, life: HostLife, lastInstance: string) {
    this.life = life;
    this.#queue = queue;
    const session = life.host.sessions.obtain("worker", "127.0.0.1:1");
    const stream = Object.assign(this.#hostStream, { metadata: new Metadata() });
    this.#reader = new LinkReader({
      ...{ parts: life.parts, state: life.state, session, will: undefined },
      stream: stream.asHostStream,
    });
    const worker = Object.assign(this.#workerStream, {
      write: (packet: Uint8Array) => {
        this.#checkWindow(packet);
        this.#toHost.push(Buffer.from(packet));
        return true;
      },
    });
    this.#channel = new LinkChannel({
      stream: worker as unknown as FrameStream,
      ...{ producer: PRODUCER, lastInstance, registrations: [], registrationBytes: 0 },
      maxMessageBytes: 4_194_304,
      onBadBatch: ({ message }) => this.faults.push(message),
      onWelcome: () => {
        this.#isWelcome = true;
      },
      ...{ onMessage: () => undefined, onCall: () => undefined, onGoingAway: () => undefined },
      ...{ onBatch: () => undefined, onCursorFloor: () => undefined },
      onUnreadable: ({ message }) => this.faults.push(message),
    });
  }

  /** The host has read the hello of an older line after that of this one. */
  get isReplaced(): boolean {
    return this.#hostStream.status?.code === 10;
  }

  get packetsToHost(): number {
    return this.#toHost.length;
  }

  get packetsToWorker(): number {
    return this.#hostStream.frames.length - this.#seenByWorker;
  }

  /** Of what the worker has sent and got no credit for. */
  get underWayBytes(): number {
    return this.#sentBytes - this.#creditBytes;
  }

  /** The host reads so many packets. */
  toHost(packets: number): void {
    for (const packet of this.#toHost.splice(0, packets)) {
      this.#reader.read(packet);
    }
    const { status } = this.#hostStream;
    if (status !== undefined && !this.#isCut && !this.isReplaced) {
      this.faults.push(`the host ended the stream: ${status.details}`);
    }
  }

  /** The worker reads so many packets. */
  toWorker(packets: number): void {
    const { frames } = this.#hostStream;
    for (const packet of frames.slice(this.#seenByWorker, this.#seenByWorker + packets)) {
      this.#seenByWorker += 1;
      this.#note(packet);
      const wasWelcome = this.#isWelcome;
      this.#workerStream.emit("data", packet);
      if (this.#isWelcome && !wasWelcome) {
        this.#queue.attach(this.#sink);
      }
    }
  }

  /** The worker notices that the connection is over. The host does later, and may read what was on its way. */
  cut(): void {
    this.#queue.detach();
    this.#channel.close();
    this.#isCut = true;
  }

  hostNotices(): void {
    if (this.isUnnoticed) {
      this.isUnnoticed = false;
      const { sessions, registry } = this.life.host;
      const session = registry.session("worker");
      if (session !== undefined) {
        sessions.left(session, this.#hostStream.asHostStream, "lost");
      }
      this.#reader.close();
    }
  }

  get #sink(): FrameSink {
    const channel = this.#channel;
    return {
      batches: channel,
      write: (bytes) => channel.writeMessage(bytes),
      onDrain: (listener) => channel.onDrain(listener),
    };
  }

  #checkWindow(packet: Uint8Array): void {
    for (const frame of readPacket(packet)) {
      if (frame.kind !== "control") {
        if (this.underWayBytes >= this.#windowBytes) {
          this.faults.push(`${this.underWayBytes} of ${this.#windowBytes} bytes are under way`);
        }
        this.#sentBytes += creditOf(frame);
      }
    }
  }

  #note(packet: Uint8Array): void {
    for (const frame of readPacket(packet)) {
      if (frame.kind !== "control") {
        continue;
      }
      const { case: name, value } = frame.frame;
      if (name === "welcome") {
        this.#windowBytes = Number(value.windowBytes);
      } else if (name === "credit") {
        this.#creditBytes = Number(value.takenBytes);
      }
      if ((name === "welcome" || name === "credit") && Number(value.accepted) > this.life.done) {
        this.faults.push(`${value.accepted} accepted, but only ${this.life.done} done with`);
      }
    }
  }
}

export const topicOf = (topic: string): TopicId => new TopicId(topic, "s");
