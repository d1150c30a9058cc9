import { getLogger } from "@logtape/logtape";
import type { JsonValue } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { ControlBody, ControlEnvelope } from "../core/control.ts";
import { AgentrtError, type ErrorCode, messageOf } from "../core/errors.ts";
import type { FrameStream } from "../wire/autogen/client.ts";
import { decodeControl, encodeControl } from "../wire/autogen/control-codec.ts";
import { fromServiceError } from "../wire/grpc-status.ts";

const logger = getLogger(["agentrt", "worker"]);

/** How long until a control channel that failed while its link lives is opened again. */
const REOPEN_MS = 1_000;

export interface ControlChannelOptions {
  readonly clientId: string;
  readonly timeoutMs: number;
  /** The state of a local agent. */
  readonly save: (id: AgentId) => Promise<JsonValue>;
  readonly load: (id: AgentId, state: JsonValue) => Promise<void>;
}

type Response = Extract<ControlBody, { kind: "save-state-response" | "load-state-response" }>;
type Request = Exclude<ControlBody, Response>;

interface Asked {
  readonly resolve: (body: Response) => void;
  readonly reject: (error: AgentrtError) => void;
}

interface Connected {
  readonly openStream: () => FrameStream;
  /** Aborts when the connection is over. */
  readonly signal: AbortSignal;
}

/**
 * Saves and loads the state of agents across workers, beside the channel for messages. Most workers that
 * have no agents never need it, and for the host it would be a third of what they cost while they are
 * idle: it is opened when this worker has agents, or asks for somebody else's state.
 */
export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #asked = new Map<string, Asked>();
  #connected: Connected | undefined;
  #hasAgents = false;
  #stream: FrameStream | undefined;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  /** It can be opened on a connection now, until `signal` aborts. A host without one leaves messages as they are. */
  connected(openStream: () => FrameStream, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    const connected = { openStream, signal };
    this.#connected = connected;
    const forget = (): void => {
      this.#connected = this.#connected === connected ? undefined : this.#connected;
    };
    signal.addEventListener("abort", forget, { once: true });
    if (this.#hasAgents) {
      this.#open(connected);
    }
  }

  /** This worker has agents, whose state others may ask for from now on. */
  serve(): void {
    this.#hasAgents = true;
    if (this.#connected !== undefined && this.#stream === undefined) {
      this.#open(this.#connected);
    }
  }

  #open(connected: Connected): FrameStream {
    const { openStream, signal } = connected;
    const stream = openStream();
    const forget = (error: AgentrtError): void => {
      if (this.#stream === stream) {
        this.#stream = undefined;
        this.#failAll(error);
      }
    };
    const onAbort = (): void => {
      forget(new AgentrtError("NOT_CONNECTED", "The connection to the host was lost meanwhile."));
      stream.cancel();
    };
    this.#stream = stream;
    signal.addEventListener("abort", onAbort, { once: true });
    stream.on("data", (bytes: Uint8Array) => this.#read(bytes));
    stream.on("end", () => {
      forget(new AgentrtError("NOT_CONNECTED", "The host closed the control channel."));
    });
    stream.on("error", (thrown: Error) => {
      const error = fromServiceError(thrown);
      forget(error);
      signal.removeEventListener("abort", onAbort);
      if (signal.aborted) {
        return;
      }
      if (error.code === "CANNOT_HANDLE") {
        logger.info("the host has no control channel; states of agents elsewhere are out of reach");
        return;
      }
      logger.debug("the control channel failed; opening it again", { error });
      const timer = setTimeout(() => this.#openAgain(connected), REOPEN_MS);
      signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    });
    return stream;
  }

  #openAgain(connected: Connected): void {
    if (this.#hasAgents && this.#stream === undefined && this.#connected === connected) {
      this.#open(connected);
    }
  }

  /** @throws AgentrtError `NO_SUCH_AGENT`, `NOT_CONNECTED`, `DEADLINE`; `HANDLER_FAILED` with the agent's error */
  async saveState(agentId: AgentId): Promise<JsonValue> {
    const answer = await this.#ask(agentId, { kind: "save-state-request", agentId });
    if (answer.kind !== "save-state-response") {
      throw new AgentrtError("BAD_FRAME", `The answer for agent ${agentId} is a ${answer.kind}.`);
    }
    if (answer.error !== undefined && answer.error !== "") {
      throw refused(answer.error, "HANDLER_FAILED");
    }
    return parseState(answer.state);
  }

  /** @throws AgentrtError as `saveState`; `STATE_REJECTED` with the agent's error */
  async loadState(agentId: AgentId, state: JsonValue): Promise<void> {
    const request: Request = { kind: "load-state-request", agentId, state: JSON.stringify(state) };
    const { error } = await this.#ask(agentId, request);
    if (error !== undefined && error !== "") {
      throw refused(error, "STATE_REJECTED");
    }
  }

  async #ask(agentId: AgentId, body: Request): Promise<Response> {
    const { clientId, timeoutMs } = this.#options;
    const connected = this.#connected;
    const stream = this.#stream ?? (connected === undefined ? undefined : this.#open(connected));
    if (stream === undefined) {
      throw new AgentrtError(
        "NOT_CONNECTED",
        `The state of agent ${agentId} cannot be reached: there is no connection to the host now.`,
      );
    }
    const rpcId = crypto.randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const timer = setTimeout(() => {
      const text = `No answer about the state of agent ${agentId} came within ${timeoutMs} ms.`;
      reject(new AgentrtError("DEADLINE", text));
    }, timeoutMs);
    this.#asked.set(rpcId, { resolve, reject });
    try {
      stream.write(
        encodeControl({
          kind: "control",
          rpcId,
          destination: { kind: "agent", agentId },
          respondTo: { kind: "client", clientId },
          body,
        }),
      );
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(rpcId);
    }
  }

  #read(bytes: Uint8Array): void {
    let envelope: ControlEnvelope;
    try {
      envelope = decodeControl(bytes);
    } catch (error) {
      logger.warn("a control message could not be read", { error });
      return;
    }
    const { body, rpcId } = envelope;
    if (body.kind === "save-state-response" || body.kind === "load-state-response") {
      const asked = this.#asked.get(rpcId);
      if (asked === undefined) {
        logger.debug("a control answer came for nobody", { rpcId });
      }
      asked?.resolve(body);
      return;
    }
    void this.#answer(envelope, body);
  }

  async #answer({ rpcId, respondTo }: ControlEnvelope, request: Request): Promise<void> {
    const body = await this.#carryOut(request);
    if (respondTo === undefined) {
      logger.debug("a control request wants no answer", { rpcId });
      return;
    }
    this.#stream?.write(
      encodeControl({ kind: "control", rpcId, destination: respondTo, respondTo: undefined, body }),
    );
  }

  /** Does not reject: a failure is the answer. */
  async #carryOut(request: Request): Promise<Response> {
    const isSave = request.kind === "save-state-request";
    try {
      if (isSave) {
        const state = JSON.stringify(await this.#options.save(request.agentId));
        return { kind: "save-state-response", state, error: undefined };
      }
      await this.#options.load(request.agentId, parseState(request.state));
      return { kind: "load-state-response", error: undefined };
    } catch (thrown) {
      const error = messageOf(thrown) || "failed";
      logger.warn("a control request failed", { agent: request.agentId.toString(), error: thrown });
      return isSave
        ? { kind: "save-state-response", state: "", error }
        : { kind: "load-state-response", error };
    }
  }

  #failAll(error: AgentrtError): void {
    for (const asked of this.#asked.values()) {
      asked.reject(error);
    }
  }
}

function parseState(text: string): JsonValue {
  try {
    return text === "" ? null : (JSON.parse(text) as JsonValue);
  } catch (error) {
    throw new AgentrtError("STATE_REJECTED", `The state is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The control channel has a field for a text only; our host begins its own refusals with the gRPC status. */
const HOST_REFUSALS: Readonly<Record<string, ErrorCode>> = {
  UNAVAILABLE: "NO_SUCH_AGENT",
  RESOURCE_EXHAUSTED: "QUEUE_FULL",
};

function refused(text: string, otherwise: ErrorCode): AgentrtError {
  const colon = text.indexOf(": ");
  const code = colon > 0 ? HOST_REFUSALS[text.slice(0, colon)] : undefined;
  return code === undefined
    ? new AgentrtError(otherwise, text)
    : new AgentrtError(code, text.slice(colon + 2));
}
