import { EventEmitter } from "node:events";
import type { StatusObject } from "@grpc/grpc-js";
import { AgentId } from "../../src/core/agent-id.ts";
import type { ControlEnvelope } from "../../src/core/control.ts";
import {
  EMPTY_PAYLOAD,
  type Envelope,
  type EventEnvelope,
  JSON_CONTENT_TYPE,
  type Payload,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import type { DeadLetterStore } from "../../src/core/state-store.ts";
import { type Subscription, TypeSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import type { TypePolicy } from "../../src/core/type-policy.ts";
import { Backpressure } from "../../src/host/backpressure.ts";
import { ControlRouter } from "../../src/host/control-router.ts";
import { DeadLetters } from "../../src/host/dead-letters.ts";
import { Durable } from "../../src/host/durable/durable.ts";
import { durablePattern } from "../../src/host/durable/durable-topics.ts";
import { Enrolment } from "../../src/host/enrolment.ts";
import { FullQueuePolicies } from "../../src/host/full-queue-policies.ts";
import { IncidentLog } from "../../src/host/incident-log.ts";
import { type HostOptions, resolveHostOptions } from "../../src/host/options.ts";
import type { Presence } from "../../src/host/presence.ts";
import { Registry } from "../../src/host/registry.ts";
import { RetainedValues } from "../../src/host/retained-values.ts";
import { Router } from "../../src/host/router.ts";
import type { HostStream, Session } from "../../src/host/session.ts";
import { Sessions } from "../../src/host/sessions.ts";
import { TopicStatistics } from "../../src/host/topic-statistics.ts";
import { createTotals } from "../../src/host/totals.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/autogen/codec.ts";
import { decodeControl, encodeControl } from "../../src/wire/autogen/control-codec.ts";

/** The host's end of a worker's stream, without a network: takes frames until it is told not to. */
export class FakeStream extends EventEmitter {
  readonly frames: Uint8Array[] = [];
  cancelled = false;
  destroyed = false;
  hasEnded = false;
  isPaused = false;
  status: StatusObject | undefined;
  /** How many more frames it takes before it says that it has enough. */
  room = Number.POSITIVE_INFINITY;

  constructor() {
    super();
    this.on("error", (status: StatusObject) => {
      this.status = status;
    });
  }

  write(bytes: Uint8Array): boolean {
    this.frames.push(bytes);
    this.room -= 1;
    return this.room > 0;
  }

  end(): void {
    this.hasEnded = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  getPeer(): string {
    return "127.0.0.1:2";
  }

  /** The worker reads again. */
  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.emit("drain");
  }

  get asHostStream(): HostStream {
    return this as unknown as HostStream;
  }
}

/** A worker as the host's rooms see it. */
export class FakeWorker {
  readonly session: Session;
  readonly stream = new FakeStream();
  readonly control = new FakeStream();
  readonly #host: InMemoryHost;
  readonly #seen = { messages: 0, controls: 0 };

  constructor(host: InMemoryHost, clientId: string, room: number) {
    this.#host = host;
    this.stream.room = room;
    this.session = host.sessions.obtain(clientId, "127.0.0.1:1");
    host.sessions.connected(this.session, this.stream.asHostStream, "127.0.0.1:2");
    if (room === 0) {
      // A stream says only at a write that it has enough.
      this.session.outbox.offer(PLUG);
      this.stream.frames.length = 0;
    }
  }

  openControl(): void {
    this.session.connectControl(this.control.asHostStream);
  }

  register(...types: readonly string[]): void {
    for (const type of types) {
      this.#host.enrolment.registerAgentType(this.session, type);
    }
  }

  registerAs(policy: TypePolicy, type: string): void {
    this.#host.enrolment.registerAgentType(this.session, type, policy);
  }

  subscribe(...subscriptions: readonly Subscription[]): void {
    for (const subscription of subscriptions) {
      this.#host.enrolment.addSubscription(this.session, subscription);
    }
  }

  /** Sends an envelope by way of its bytes, as a real worker's arrive. */
  send(envelope: Envelope): void {
    this.#host.router.route(decodeMessage(encodeMessage(envelope)), this.session);
  }

  sendControl(envelope: ControlEnvelope): void {
    const bytes = encodeControl(envelope);
    this.#host.controlRouter.route(decodeControl(bytes), bytes);
  }

  /** What has arrived since this was asked last. */
  received(): Envelope[] {
    const frames = this.stream.frames.slice(this.#seen.messages);
    this.#seen.messages = this.stream.frames.length;
    return frames.map(decodeMessage);
  }

  receivedControls(): ControlEnvelope[] {
    const frames = this.control.frames.slice(this.#seen.controls);
    this.#seen.controls = this.control.frames.length;
    return frames.map(decodeControl);
  }

  leave(how: "left" | "lost" = "left"): void {
    this.#host.sessions.left(this.session, this.stream.asHostStream, how);
  }
}

/** Everything of a host but its network. */
export class InMemoryHost {
  readonly options: HostOptions;
  readonly presence: Presence;
  readonly totals = createTotals();
  readonly incidents = new IncidentLog();
  readonly hungUp: string[] = [];
  readonly fullQueue: FullQueuePolicies;
  readonly topics: TopicStatistics;
  readonly deadLetters: DeadLetters;
  readonly registry: Registry;
  readonly backpressure: Backpressure;
  readonly router: Router;
  readonly controlRouter: ControlRouter;
  readonly sessions: Sessions;
  readonly retained: RetainedValues;
  readonly enrolment: Enrolment;
  /** Without a message log no topic is durable; with one, it is to be opened. */
  readonly durable: Durable;
  /** The time for what the host keeps; moves on only when a test says so. */
  nowMs = 0;

  constructor(given: Partial<HostOptions> = {}, store?: DeadLetterStore) {
    const options = resolveHostOptions(given);
    this.options = options;
    this.durable = new Durable({
      ...{ log: options.messageLog, incidents: this.incidents },
      configured: options.durable.map(durablePattern),
    });
    this.deadLetters = new DeadLetters(store, this.incidents);
    this.registry = new Registry(options);
    this.retained = new RetainedValues(options, () => this.nowMs);
    const fullQueue = new FullQueuePolicies(options.fullQueue);
    this.fullQueue = fullQueue;
    this.topics = new TopicStatistics(100, Date.now, fullQueue);
    this.backpressure = new Backpressure(options.publisherHoldMs, Date.now, fullQueue);
    const { registry, totals, incidents, deadLetters, topics, durable } = this;
    const { rpcTimeoutMs, maxPendingCalls } = options;
    this.router = new Router({
      ...{ registry, totals, incidents, deadLetters, topics, rpcTimeoutMs, maxPendingCalls },
      durable,
      backpressure: this.backpressure,
      retained: this.retained,
      slowWorkerPolicy: options.slowWorkerPolicy,
      expelSlow: (session) =>
        this.sessions.expel(session, new AgentrtError("SLOW_WORKER", "too slow")),
    });
    const { router } = this;
    this.controlRouter = new ControlRouter({ registry, totals, deadLetters });
    const { controlRouter, hungUp } = this;
    const { events, presence } = router;
    this.presence = presence;
    this.enrolment = new Enrolment({
      ...{ registry, presence, events, durable },
      agentPolicies: options.agentPolicies,
    });
    this.sessions = new Sessions({
      ...{ presence, options, registry, router, controlRouter, totals, incidents, durable },
      hangUp: (peer) => hungUp.push(peer),
      fullQueue,
    });
  }

  /** @param room how many frames the worker takes before it stops reading */
  join(clientId: string, room = Number.POSITIVE_INFINITY): FakeWorker {
    return new FakeWorker(this, clientId, room);
  }

  [Symbol.dispose](): void {
    this.sessions.dismissAll(new AgentrtError("HOST_DRAINING", "the test is over"));
    this.deadLetters.flush();
  }
}

export function payloadOf(text: string): Payload {
  return { dataType: "Text", contentType: JSON_CONTENT_TYPE, data: Buffer.from(text) };
}

export function event(
  id: string,
  topicType: string,
  headers: EventEnvelope["headers"] = {},
  text = "",
): EventEnvelope {
  const topic = new TopicId(topicType, "source");
  return { kind: "event", id, topic, sender: undefined, headers, payload: payloadOf(text) };
}

export function request(id: string, targetType: string, text = ""): RequestEnvelope {
  return {
    ...{ kind: "request", id, sender: undefined, method: "", headers: {} },
    target: new AgentId(targetType, "key"),
    payload: payloadOf(text),
  };
}

export function response(id: string, text = ""): ResponseEnvelope {
  return { kind: "response", id, error: "", headers: {}, payload: payloadOf(text) };
}

export function exact(topicType: string, agentType: string, id?: string): Subscription {
  return new TypeSubscription(topicType, agentType, id);
}

export function textOf(envelope: Envelope): string {
  return Buffer.from(envelope.payload.data).toString();
}

const PLUG = {
  envelope: { kind: "response", id: "plug", error: "", headers: {}, payload: EMPTY_PAYLOAD },
  bytes: new Uint8Array(0),
  priority: "high",
  size: 0,
} as const;
