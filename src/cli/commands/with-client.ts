import type { DeadLetter } from "../../core/dead-letter.ts";
import { AgentrtError } from "../../core/errors.ts";
import { startLogging } from "../../telemetry/logging.ts";
import { GrpcWorkerAgentRuntime } from "../../worker/grpc-worker-runtime.ts";
import { Lifecycle, OF_THIS_PROCESS } from "../lifecycle.ts";
import type { Invocation } from "./command.ts";

/** A command's own worker, and the wish to end. */
export interface CommandClient {
  readonly runtime: GrpcWorkerAgentRuntime;
  /** Aborted by Ctrl-C, and when nobody reads standard output any more. */
  readonly stop: AbortSignal;
  /** @throws AgentrtError `NOT_CONNECTED` after `--connect-timeout`, `CANCELLED` by `stop` */
  connect(): Promise<void>;
}

export interface ClientNeeds {
  /** Default: the setting `host-address`. */
  readonly hostAddress?: string;
  /** How long to wait for the host when `--connect-timeout` does not say it; undefined is for ever. */
  readonly connectTimeoutMs: number | undefined;
  readonly callTimeoutMs?: number | undefined;
  readonly onDeadLetter?: (letter: DeadLetter) => void;
}

export const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Lends a command a worker, not connected yet, and ends it: what was sent is out when this resolves.
 * A second Ctrl-C ends the process at once.
 */
export async function withClient<T>(
  { options, settings, io }: Invocation,
  needs: ClientNeeds,
  use: (client: CommandClient) => Promise<T>,
): Promise<T> {
  const { values } = settings;
  // What goes wrong is said in a line of the command's own; the log is for who asks for it.
  const logging = startLogging({
    level: settings.isGiven("log-level") ? values["log-level"] : "fatal",
    format: values["log-format"] ?? (io.isErrorTerminal ? "pretty" : "json"),
    hasColors: io.hasErrorColors,
  });
  using lifecycle = new Lifecycle(OF_THIS_PROCESS);
  const stop = AbortSignal.any([lifecycle.stopSignal, io.outputClosed]);
  const hostAddress = needs.hostAddress ?? values["host-address"];
  const runtime = new GrpcWorkerAgentRuntime({
    hostAddress,
    maxMessageBytes: values["max-message-size"],
    compression: values.compression,
    drainTimeoutMs: values["drain-timeout"],
    connectTimeoutMs: options["connect-timeout"] ?? needs.connectTimeoutMs,
    callTimeoutMs: needs.callTimeoutMs,
    dialect: options.dialect,
    onDeadLetter: needs.onDeadLetter,
  });
  const connect = async (): Promise<void> => {
    try {
      await runtime.start({ signal: stop });
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      throw error.code === "NOT_CONNECTED" ? withDoctor(error, hostAddress) : error;
    }
  };
  try {
    return await use({ runtime, stop, connect });
  } finally {
    await runtime.stop();
    await logging.stop();
  }
}

/** The same error with the next step. */
export function withDoctor(error: AgentrtError, address: string): AgentrtError {
  return new AgentrtError(
    error.code,
    `${error.message} "agentrt doctor ${address}" says what is wrong.`,
    { cause: error, data: error.data },
  );
}

/** What a call ends with when nobody was there, or nobody answered in time. */
export function noHostAnswered(
  cause: AgentrtError,
  address: string,
  timeoutMs: number,
): AgentrtError {
  return withDoctor(
    new AgentrtError(
      "NOT_CONNECTED",
      `No host answered at ${address} within ${timeoutMs} ms. Start it, or check the address.`,
      { cause, data: { hostAddress: address, timeoutMs } },
    ),
    address,
  );
}

/** Resolves when the signal is aborted. */
export async function whenAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
