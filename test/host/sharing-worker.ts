import { expect } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { Envelope } from "../../src/core/envelope.ts";
import { HAND_OVER, LEAVE_TARGET } from "../../src/core/hand-over.ts";
import {
  exact,
  type FakeWorker,
  type InMemoryHost,
  request,
  response,
  textOf,
} from "./in-memory-host.ts";

/** A worker that does what it reads only when it is told to go on, as one that is busy does. */
export class SharingWorker {
  readonly name: string;
  readonly fake: FakeWorker;
  readonly unread: Envelope[] = [];
  /** The states of its instances: the numbers that they have seen. */
  readonly instances = new Map<string, readonly number[]>();
  isLeaving = false;
  hasLeft = false;

  constructor(name: string, host: InMemoryHost) {
    this.name = name;
    this.fake = host.join(name);
    this.fake.registerAs("shared", "a");
    this.fake.session.canHandOver = true;
    this.fake.subscribe(exact("topic", "a", name));
  }

  /** Takes what the host has written. */
  listen(): void {
    this.unread.push(...this.fake.received());
  }

  /** Does one thing of those that it was sent. */
  goOn(): void {
    const envelope = this.unread.shift();
    if (envelope === undefined) {
      return;
    }
    switch (envelope.kind) {
      case "event":
        this.#see(envelope.topic.source, Number(envelope.id));
        return;
      case "response":
        this.hasLeft = true;
        this.fake.leave("left");
        return;
      case "request":
        this.#answer(envelope.target.key, envelope.method, envelope.id, textOf(envelope));
        return;
      default:
        throw envelope satisfies never;
    }
  }

  takeLeave(): void {
    this.isLeaving = true;
    const { type, key } = LEAVE_TARGET;
    const bye = { ...request("bye", type), method: HAND_OVER.leave };
    this.fake.send({ ...bye, target: new AgentId(type, key) });
  }

  /** The last number of a key that was sent here, seen or not. */
  lastOf(key: string): number | undefined {
    const waiting = this.unread
      .map((envelope) => (keyOf(envelope) === key ? numberIn(envelope) : undefined))
      .findLast((number) => number !== undefined);
    return waiting ?? this.instances.get(key)?.at(-1);
  }

  #see(key: string, number: number): void {
    this.instances.set(key, [...(this.instances.get(key) ?? []), number]);
  }

  #answer(key: string, method: string, id: string, text: string): void {
    if (method === HAND_OVER.takeOut) {
      const state = this.instances.get(key);
      this.instances.delete(key);
      this.fake.send(response(id, state === undefined ? "" : JSON.stringify(state)));
    } else if (method === HAND_OVER.putIn) {
      expect(this.instances.has(key)).toBe(false);
      this.instances.set(key, JSON.parse(text) as number[]);
      this.fake.send(response(id));
    } else {
      this.#see(key, Number(text));
      this.fake.send(response(id, text));
    }
  }
}

function keyOf(envelope: Envelope): string | undefined {
  if (envelope.kind === "event") {
    return envelope.topic.source;
  }
  const isMove = envelope.kind === "request" && envelope.method === HAND_OVER.putIn;
  return envelope.kind === "request" && !isMove ? envelope.target.key : undefined;
}

/** The number that a message brings; undefined for one that asks for a state. */
function numberIn(envelope: Envelope): number | undefined {
  if (envelope.kind === "event") {
    return Number(envelope.id);
  }
  return envelope.kind === "request" && envelope.method === ""
    ? Number(textOf(envelope))
    : undefined;
}
