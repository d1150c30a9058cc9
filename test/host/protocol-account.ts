/** Who must get what, in plain lists that are looked through. */
import type { ControlEnvelope } from "../../src/core/control.ts";
import type { Envelope, RequestEnvelope } from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { isSameSubscription, type Subscription } from "../../src/core/subscription.ts";
import { decodeMessage } from "../../src/wire/autogen/codec.ts";
import { textOf } from "./in-memory-host.ts";

interface Call {
  readonly caller: number;
  readonly callerId: string;
  readonly target: number;
  /** The id under which the target was asked; empty until it has read so. */
  hostId: string;
}

/** What the host knows of one client. */
interface Known {
  isConnected: boolean;
  hasControl: boolean;
  /** What it must get; waits while it has no stream. */
  messages: string[];
  controls: string[];
  /** Calls that it was asked and has not read yet, those whose callers left among them. */
  readonly asked: Call[];
}

export class ProtocolAccount {
  readonly known = new Map<number, Known>();
  readonly holders = new Map<string, number>();
  subscriptions: { readonly owner: number; readonly subscription: Subscription }[] = [];
  calls: Call[] = [];
  strays = 0;
  badFrames = 0;
  events = 0;
  /** Control messages that nobody could be told of. */
  buriedControls = 0;

  meet(client: number): Known {
    const known = this.known.get(client) ?? {
      ...{ isConnected: false, hasControl: false, messages: [], controls: [], asked: [] },
    };
    this.known.set(client, known);
    return known;
  }

  /** It left, was lost or was cut off. */
  forget(client: number): void {
    this.known.delete(client);
    for (const [type, holder] of this.holders) {
      if (holder === client) {
        this.holders.delete(type);
      }
    }
    this.subscriptions = this.subscriptions.filter(({ owner }) => owner !== client);
    const ended = this.calls.filter(({ caller, target }) => target === client && caller !== client);
    for (const { caller, callerId } of ended) {
      this.#tell(caller, `response ${callerId} WORKER_GONE`);
    }
    this.calls = this.calls.filter(({ caller, target }) => target !== client && caller !== client);
  }

  /** @returns the code of the refusal, or an empty text */
  register(client: number, type: string): string {
    this.meet(client);
    if (!/^[\w.-]+$/.test(type)) {
      return "INVALID_AGENT_ID";
    }
    if (this.holders.has(type)) {
      return "AGENT_TYPE_TAKEN";
    }
    this.holders.set(type, client);
    return "";
  }

  subscribe(owner: number, subscription: Subscription): string {
    this.meet(owner);
    if (this.subscriptions.some((one) => isSameSubscription(one.subscription, subscription))) {
      return "SUBSCRIPTION_EXISTS";
    }
    this.subscriptions.push({ owner, subscription });
    return "";
  }

  unsubscribe(id: string): string {
    const { length } = this.subscriptions;
    this.subscriptions = this.subscriptions.filter(({ subscription }) => subscription.id !== id);
    return this.subscriptions.length < length ? "" : "NO_SUCH_SUBSCRIPTION";
  }

  /** A client's bytes on its own stream. @returns true when they are noise, which cuts it off */
  frame(from: number, bytes: Uint8Array): boolean {
    let envelope: Envelope;
    try {
      envelope = decodeMessage(bytes);
    } catch (thrown) {
      const { code, data } = AgentrtError.from(thrown);
      this.badFrames += 1;
      const { requestId } = data;
      if (typeof requestId === "string" && requestId !== "") {
        this.#tell(from, `response ${requestId} ${code}`);
      }
      return data["isUnreadable"] === true;
    }
    this.#take(from, envelope);
    return false;
  }

  control(envelope: ControlEnvelope): void {
    const { respondTo, rpcId, body } = envelope;
    if (this.#passOn(envelope.destination, `${rpcId} ${body.kind}`)) {
      return;
    }
    const answer = body.kind === "save-state-request" ? "save-state" : "load-state";
    const isTold =
      respondTo !== undefined && this.#passOn(respondTo, `${rpcId} ${answer}-response refused`);
    this.buriedControls += isTold ? 0 : 1;
  }

  /** What it was asked, it reads in that order. */
  read(client: number, envelope: RequestEnvelope): void {
    const call = this.known.get(client)?.asked.shift();
    if (call !== undefined) {
      call.hostId = envelope.id;
    }
  }

  #take(from: number, envelope: Envelope): void {
    switch (envelope.kind) {
      case "event": {
        this.events += 1;
        const receivers = this.subscriptions
          .filter(({ subscription }) => subscription.matches(envelope.topic))
          .map(({ subscription }) => this.holders.get(subscription.agentType));
        for (const receiver of new Set(receivers)) {
          this.#tell(receiver, describe(envelope));
        }
        return;
      }
      case "request": {
        const target = this.holders.get(envelope.target.type);
        if (target === undefined) {
          this.#tell(from, `response ${envelope.id} NO_SUCH_AGENT`);
          return;
        }
        const call = { caller: from, callerId: envelope.id, target, hostId: "" };
        this.calls.push(call);
        this.known.get(target)?.asked.push(call);
        this.#tell(target, describe(envelope));
        return;
      }
      case "response": {
        const call = this.calls.find(
          ({ target, hostId }) => target === from && hostId === envelope.id,
        );
        if (call === undefined) {
          this.strays += 1;
          return;
        }
        this.calls = this.calls.filter((other) => other !== call);
        this.#tell(call.caller, describe({ ...envelope, id: call.callerId }));
        return;
      }
      default:
        throw envelope satisfies never;
    }
  }

  #passOn(to: ControlEnvelope["destination"], what: string): boolean {
    const client =
      to.kind === "client" ? Number(to.clientId.slice(1)) : this.holders.get(to.agentId.type);
    const known = this.known.get(client ?? -1);
    if (known?.hasControl !== true) {
      return false;
    }
    known.controls.push(what);
    return true;
  }

  #tell(client: number | undefined, what: string): void {
    this.known.get(client ?? -1)?.messages.push(what);
  }
}

export function describe(envelope: Envelope): string {
  switch (envelope.kind) {
    case "event":
      return `event ${envelope.id} ${envelope.topic}`;
    case "request":
      return `request ${envelope.target} ${textOf(envelope)}`;
    case "response": {
      const { id, headers, error } = envelope;
      return `response ${id} ${headers["agentrt-code"] ?? `${error} ${textOf(envelope)}`}`;
    }
    default:
      throw envelope satisfies never;
  }
}

export function describeControl({ rpcId, body }: ControlEnvelope): string {
  const isRefused = "error" in body && body.error !== undefined && body.error !== "";
  return `${rpcId} ${body.kind}${isRefused ? " refused" : ""}`;
}
