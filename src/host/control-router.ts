import type { ControlAddress, ControlBody, ControlEnvelope } from "../core/control.ts";
import { ENVELOPE_OVERHEAD_BYTES } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { encodeControl } from "../wire/autogen/control-codec.ts";
import { statusNameOf } from "../wire/grpc-status.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { OutboundFrame } from "./outbox.ts";
import type { Registry } from "./registry.ts";
import type { Session } from "./session.ts";
import type { MutableTotals } from "./totals.ts";

export interface ControlRouterParts {
  readonly registry: Registry;
  readonly totals: MutableTotals;
  readonly deadLetters: DeadLetters;
}

/** Passes the messages of the control channel (save and load state) between workers. */
export class ControlRouter {
  readonly #parts: ControlRouterParts;

  constructor(parts: ControlRouterParts) {
    this.#parts = parts;
  }

  /** @param bytes the frame as it came, which is passed on untouched */
  route(envelope: ControlEnvelope, bytes: Uint8Array): void {
    this.#parts.totals.controlMessages += 1;
    const error = this.#deliver(envelope, bytes);
    if (error !== undefined) {
      this.#refuse(envelope, error, bytes.byteLength);
    }
  }

  /** Accounts for a frame that was queued for a worker which then left; a request is answered with an error. */
  undelivered(frame: OutboundFrame): void {
    if (frame.envelope.kind === "control") {
      const error = new AgentrtError("WORKER_GONE", "The worker left before it read the request.");
      this.#refuse(frame.envelope, error, frame.bytes.byteLength);
    }
  }

  /** Answers a request with an error, or keeps a message that nobody waits for as a dead letter. */
  #refuse(envelope: ControlEnvelope, error: AgentrtError, bytes: number): void {
    const refusal = refusalOf(envelope, error);
    const isRefused =
      refusal !== undefined && this.#deliver(refusal, encodeControl(refusal)) === undefined;
    if (!isRefused) {
      this.#bury(envelope, error, bytes);
    }
  }

  /** Returns why it could not be delivered, or undefined when it was. */
  #deliver(envelope: ControlEnvelope, bytes: Uint8Array): AgentrtError | undefined {
    const session = this.#find(envelope.destination);
    if (session === undefined) {
      const what = describe(envelope.destination);
      return new AgentrtError("NO_SUCH_AGENT", `No connected worker is or holds ${what}.`);
    }
    if (!session.hasControl) {
      const message = `Worker ${session.clientId} has no control channel, so the state of its agents cannot be reached.`;
      return new AgentrtError("NO_SUCH_AGENT", message);
    }
    const shed = session.controlOutbox
      .offer({
        envelope,
        bytes,
        priority: "normal",
        size: ENVELOPE_OVERHEAD_BYTES + bytes.byteLength,
      })
      .map(({ frame }) => frame);
    session.shed += shed.length;
    this.#parts.totals.shed += shed.length;
    for (const frame of shed) {
      if (frame.envelope.kind === "control" && frame.envelope !== envelope) {
        this.#bury(frame.envelope, overflow(session), frame.bytes.byteLength);
      }
    }
    return shed.some((frame) => frame.envelope === envelope) ? overflow(session) : undefined;
  }

  #find(address: ControlAddress): Session | undefined {
    const { registry } = this.#parts;
    return address.kind === "agent"
      ? registry.workerOf(address.agentId)
      : registry.session(address.clientId);
  }

  #bury(envelope: ControlEnvelope, error: AgentrtError, bytes: number): void {
    this.#parts.deadLetters.addLetter({
      at: new Date().toISOString(),
      reason: error.code,
      detail: error.message,
      messageId: envelope.rpcId,
      kind: "control",
      destination: describe(envelope.destination),
      sender: envelope.respondTo === undefined ? "" : describe(envelope.respondTo),
      dataType: envelope.body.kind,
      bytes,
    });
  }
}

function overflow(session: Session): AgentrtError {
  return new AgentrtError(
    "QUEUE_FULL",
    `The control outbox of worker ${session.clientId} is full.`,
  );
}

/** The error answer to a request that has someone to be answered to. */
function refusalOf(envelope: ControlEnvelope, error: AgentrtError): ControlEnvelope | undefined {
  const body = errorBody(envelope.body, `${statusNameOf(error.code)}: ${error.message}`);
  if (envelope.respondTo === undefined || body === undefined) {
    return undefined;
  }
  return {
    kind: "control",
    rpcId: envelope.rpcId,
    destination: envelope.respondTo,
    respondTo: undefined,
    body,
  };
}

function errorBody(request: ControlBody, error: string): ControlBody | undefined {
  switch (request.kind) {
    case "save-state-request":
      return { kind: "save-state-response", state: "", error };
    case "load-state-request":
      return { kind: "load-state-response", error };
    case "save-state-response":
    case "load-state-response":
      return undefined;
    default:
      throw request satisfies never;
  }
}

function describe(address: ControlAddress): string {
  return address.kind === "agent" ? String(address.agentId) : `client ${address.clientId}`;
}
