import { AgentId, shorten } from "./agent-id.ts";
import { AgentrtError } from "./errors.ts";

/** Where a control message goes: the worker that holds an agent's type, or a worker by its client id. */
export type ControlAddress =
  | { readonly kind: "agent"; readonly agentId: AgentId }
  | { readonly kind: "client"; readonly clientId: string };

/** What a control message asks or answers. Source: AutoGen protocol, ControlMessage. */
export type ControlBody =
  | { readonly kind: "save-state-request"; readonly agentId: AgentId }
  | {
      readonly kind: "save-state-response";
      readonly state: string;
      readonly error: string | undefined;
    }
  | { readonly kind: "load-state-request"; readonly agentId: AgentId; readonly state: string }
  | { readonly kind: "load-state-response"; readonly error: string | undefined };

/** A message of the control channel, which saves and loads the state of agents across workers. */
export interface ControlEnvelope {
  readonly kind: "control";
  readonly rpcId: string;
  readonly destination: ControlAddress;
  /** Where the answer goes; undefined on an answer. */
  readonly respondTo: ControlAddress | undefined;
  readonly body: ControlBody;
}

/** @throws AgentrtError `BAD_FRAME` when the text is neither `agentid=TYPE/KEY` nor `clientid=ID`. */
export function parseControlAddress(text: string): ControlAddress {
  if (text.startsWith("agentid=")) {
    return { kind: "agent", agentId: AgentId.parse(text.slice("agentid=".length)) };
  }
  if (text.startsWith("clientid=")) {
    return { kind: "client", clientId: text.slice("clientid=".length) };
  }
  throw new AgentrtError(
    "BAD_FRAME",
    `"${shorten(text)}" is not a control address. Write agentid=TYPE/KEY or clientid=ID.`,
  );
}

export function formatControlAddress(address: ControlAddress): string {
  return address.kind === "agent" ? `agentid=${address.agentId}` : `clientid=${address.clientId}`;
}
