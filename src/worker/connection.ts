import type { Metadata } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import type { Envelope } from "../core/envelope.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import type { EventBatch } from "../core/event-batch.ts";
import { decodeMessage } from "../wire/autogen/codec.ts";
import { startBackoff } from "./backoff.ts";
import { assertTransition, type ConnectionState } from "./connection-state.ts";
import { endsWithin } from "./ends-within.ts";
import { type Dialect, HostLink } from "./host-link.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";
import { cancelled } from "./pending-calls.ts";
import type { Registrations } from "./registrations.ts";
import type { WorkerOptions } from "./worker-options.ts";

const logger = getLogger(["agentrt", "worker"]);

export interface ConnectionParts {
  readonly options: WorkerOptions;
  /** Numbers this runtime's records; see EventBatch. */
  readonly producer: string;
  readonly outgoing: OutgoingQueue;
  readonly registrations: Registrations;
  readonly channelMetadata: () => Metadata | undefined;
  /** A message came in on a link, to which an answer has to go too. */
  readonly onEnvelope: (envelope: Envelope, link: HostLink) => void;
  /** A frame could not be read. */
  readonly onBadFrame: (error: AgentrtError, link: HostLink) => void;
  /** A batch came; `taken` is to be called when it is where there is room for it. */
  readonly onBatch: (batch: EventBatch, taken: () => void) => void;
  readonly onCursorFloor: (cursor: string, floor: number) => void;
  /** The link has been welcomed; batches may come from now on. */
  readonly onOpened: (link: HostLink) => void;
  /** The host stops. */
  readonly onGoingAway: (link: HostLink) => void;
  /** Registration is done; `signal` aborts when the link is over. */
  readonly onConnected: (link: HostLink, signal: AbortSignal) => void;
  /** A link that was connected is over. */
  readonly onDisconnected: (reason: AgentrtError, link: HostLink) => void;
  readonly onState: (state: ConnectionState) => void;
}

/** How a link ended, connected or on the way there. */
interface LinkEnd {
  readonly wasConnected: boolean;
  readonly reason: AgentrtError;
  readonly link: HostLink;
}

/** Keeps a worker connected to its host: dials, registers, and does it again when the link breaks. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #stopping = new AbortController();
  readonly #firstConnected = Promise.withResolvers<void>();
  #state: ConnectionState = { kind: "idle" };
  #link: HostLink | undefined;
  #run: Promise<void> | undefined;
  #lastInstance = "";

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#firstConnected.promise.catch(() => undefined);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The link of now, while messages can go through it. */
  get link(): HostLink | undefined {
    return this.#link;
  }

  /**
   * Begins to dial. Resolves when the host has accepted the first connection and all registrations.
   * After an error it goes on dialling until `stop`.
   * @throws AgentrtError the host's refusal of a registration; `NOT_CONNECTED` after
   *   `connectTimeoutMs` or when stopped before; `CANCELLED` when the signal aborts
   */
  async start(signal: AbortSignal | undefined): Promise<void> {
    const { connectTimeoutMs, hostAddress } = this.#parts.options;
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(cancelled(`host ${hostAddress}`, signal?.reason));
    const timer =
      connectTimeoutMs === undefined
        ? undefined
        : setTimeout(() => reject(unreachable(hostAddress, connectTimeoutMs)), connectTimeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal?.aborted === true) {
        onAbort();
      } else {
        this.#run ??= this.#keepConnected().catch((error: unknown) => {
          logger.error("the connection failed for good", { error });
          this.#firstConnected.reject(AgentrtError.from(error));
        });
      }
      await Promise.race([this.#firstConnected.promise, givenUp]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Ends it: what is queued goes out first, up to `timeoutMs`, then the stream is half-closed.
   * `beforeFlush` runs while messages still go in both directions.
   */
  async stop(timeoutMs: number, beforeFlush: () => Promise<void>): Promise<void> {
    const link = this.#link;
    this.#transition({ kind: this.#state.kind === "idle" ? "stopped" : "draining" });
    this.#stopping.abort();
    await beforeFlush();
    if (link !== undefined) {
      await flush(link, this.#parts.outgoing, timeoutMs);
      link.close();
    }
    await this.#run;
    this.#firstConnected.reject(stoppedBefore());
    if (this.#state.kind === "draining") {
      this.#transition({ kind: "stopped" });
    }
  }

  async #keepConnected(): Promise<void> {
    const { options } = this.#parts;
    const { signal } = this.#stopping;
    let backoff = startBackoff(options);
    let attempt = 0;
    while (!signal.aborted) {
      attempt += 1;
      this.#transition({ kind: "connecting", attempt });
      const { wasConnected, reason, link } = await this.#connectInAnyDialect(attempt);
      if (signal.aborted) {
        return;
      }
      if (wasConnected) {
        attempt = 0;
        backoff = startBackoff(options);
        this.#parts.onDisconnected(reason, link);
      }
      logLoss(options.hostAddress, attempt, reason);
      const until = Date.now() + backoff.durationMs;
      this.#transition({ kind: "waiting", attempt, until, reason });
      await backoff.wait(signal);
      backoff = backoff.next();
    }
  }

  /** agentrt's own dialect first, unless the options say otherwise; AutoGen's when the host does not know that. */
  async #connectInAnyDialect(attempt: number): Promise<LinkEnd> {
    const { dialect, hostAddress } = this.#parts.options;
    const end = await this.#connectOnce(attempt, dialect);
    if (end.wasConnected || dialect !== "agentrt" || this.#stopping.signal.aborted) {
      return end;
    }
    if (end.reason.code === "TOO_LARGE") {
      return await this.#connectOnce(attempt, dialect, []);
    }
    if (end.reason.code !== "CANNOT_HANDLE") {
      return end;
    }
    logger.info("the host knows only AutoGen's dialect; speaking that", { hostAddress });
    return await this.#connectOnce(attempt, "autogen");
  }

  /** @param offer what to register with the hello; the rest goes by unary calls */
  async #connectOnce(
    attempt: number,
    dialect: Dialect,
    offer = this.#parts.registrations.offer(),
  ): Promise<LinkEnd> {
    const { options, outgoing, registrations } = this.#parts;
    const over = new AbortController();
    const link: HostLink = new HostLink({
      ...options,
      dialect,
      producer: this.#parts.producer,
      lastInstance: this.#lastInstance,
      registrations: offer,
      onWelcome: () => this.#parts.onOpened(link),
      channelMetadata: this.#parts.channelMetadata,
      onBatch: this.#parts.onBatch,
      onBadBatch: (error) => this.#parts.onBadFrame(error, link),
      onCursorFloor: this.#parts.onCursorFloor,
      onFrame: (bytes) => this.#read(bytes, link),
      onCall: (envelope) => this.#parts.onEnvelope(envelope, link),
      onGoingAway: () => this.#parts.onGoingAway(link),
    });
    const giveUp = (): void => link.close();
    this.#stopping.signal.addEventListener("abort", giveUp, { once: true });
    let wasConnected = false;
    try {
      await link.opened(options.connectAttemptTimeoutMs);
      this.#stopping.signal.throwIfAborted();
      this.#lastInstance = link.instance;
      this.#parts.onOpened(link);
      this.#transition({ kind: "registering", attempt });
      const restored = registrations.restore(link.client, over.signal, link.registered);
      const ended = link.ended.then((error) => {
        throw error;
      });
      const [refusal] = await Promise.race([restored, ended]);
      if (refusal !== undefined) {
        this.#firstConnected.reject(refusal);
      }
      this.#stopping.signal.throwIfAborted();
      this.#stopping.signal.removeEventListener("abort", giveUp);
      wasConnected = true;
      this.#becomeConnected(link, over.signal);
      return { wasConnected, link, reason: await link.ended };
    } catch (error) {
      return { wasConnected, link, reason: AgentrtError.from(error) };
    } finally {
      this.#stopping.signal.removeEventListener("abort", giveUp);
      this.#link = undefined;
      outgoing.detach();
      over.abort();
      link.close();
    }
  }

  #becomeConnected(link: HostLink, signal: AbortSignal): void {
    const { options, outgoing, onConnected } = this.#parts;
    this.#transition({ kind: "connected" });
    this.#link = link;
    onConnected(link, signal);
    outgoing.attach(link);
    const { hostAddress, clientId } = options;
    const { dialect } = link;
    const compression = link.batches?.encoding ?? "off";
    logger.info("worker connected", { hostAddress, clientId, dialect, compression });
    this.#firstConnected.resolve();
  }

  #read(bytes: Uint8Array, link: HostLink): void {
    let envelope: Envelope;
    try {
      envelope = decodeMessage(bytes);
    } catch (error) {
      this.#parts.onBadFrame(AgentrtError.from(error, "BAD_FRAME"), link);
      return;
    }
    this.#parts.onEnvelope(envelope, link);
  }

  #transition(next: ConnectionState): void {
    assertTransition(this.#state, next);
    this.#state = next;
    try {
      this.#parts.onState(next);
    } catch (error) {
      logger.error("a listener for connection changes threw", { error: messageOf(error) });
    }
  }
}

/** How long a host may take to end the stream after we half-closed it. AutoGen's host does not end it at all. */
const HOST_END_GRACE_MS = 500;

async function flush(link: HostLink, outgoing: OutgoingQueue, timeoutMs: number): Promise<void> {
  if (await endsWithin(timeoutMs, Promise.race([outgoing.emptied(), link.ended]))) {
    await endsWithin(timeoutMs, link.halfClose());
    await endsWithin(HOST_END_GRACE_MS, link.ended);
  } else {
    logger.warn("not everything could be sent before stopping", { messages: outgoing.length });
  }
}

function logLoss(hostAddress: string, attempt: number, { message }: AgentrtError): void {
  const properties = { hostAddress, attempt, reason: message };
  if (attempt === 0) {
    logger.warn("the connection to the host was lost; connecting again", properties);
  } else if (attempt === 1) {
    logger.warn("the host cannot be reached; trying again until it is there", properties);
  } else {
    logger.debug("the host cannot be reached yet", properties);
  }
}

function stoppedBefore(): AgentrtError {
  return new AgentrtError("NOT_CONNECTED", "The runtime stopped before the host could be reached.");
}

function unreachable(hostAddress: string, timeoutMs: number): AgentrtError {
  return new AgentrtError(
    "NOT_CONNECTED",
    `No host answered at ${hostAddress} within ${timeoutMs} ms. Start it, or check the address.`,
    { data: { hostAddress, timeoutMs } },
  );
}
