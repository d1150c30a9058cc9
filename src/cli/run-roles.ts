import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../core/errors.ts";
import type { Store } from "../core/state-store.ts";
import type { TracerProviderLike } from "../core/tracing.ts";
import { type Logging, startLogging } from "../telemetry/logging.ts";
import { BUILD } from "./build-info.ts";
import { at, warnOfOpenDoors } from "./check-settings.ts";
import { absoluteFolder } from "./data-folder.ts";
import { dialAddress } from "./dial-address.ts";
import { EXIT } from "./exit-codes.ts";
import { atFullSpeed } from "./full-speed.ts";
import { WORDS } from "./help-words.ts";
import type { Io } from "./io.ts";
import { Lifecycle, OF_THIS_PROCESS } from "./lifecycle.ts";
import { programName } from "./program-name.ts";
import type { ResolvedSettings } from "./resolve-settings.ts";
import { AGENT_ROLES, type Role } from "./roles.ts";
import type { RunningHost } from "./run-host.ts";

/** What one process shall run. */
export interface RunRequest {
  readonly roles: readonly Role[];
  readonly settings: ResolvedSettings;
  readonly io: Io;
  /** Prints for a newcomer where to look. */
  readonly isDemo: boolean;
}

/** What the roles of a process share. */
export interface RunContext {
  readonly settings: ResolvedSettings;
  readonly store: Store;
  readonly lifecycle: Lifecycle;
  /** Undefined when nothing is traced. */
  readonly tracerProvider: TracerProviderLike | undefined;
}

const log = getLogger(["agentrt", "cli"]);

/** Beyond twice the drain time (agents, then host), something hangs that should not. */
const STOP_GRACE_MS = 5_000;

/**
 * Runs the roles until a signal.
 * @returns the exit code
 * @throws AgentrtError when a role cannot start; everything is stopped by then
 */
export async function runRoles(request: RunRequest): Promise<number> {
  const { settings, io } = request;
  const { values } = settings;
  const logging = startLogging({
    level: values["log-level"],
    format: values["log-format"] ?? (io.isErrorTerminal ? "pretty" : "json"),
    hasColors: io.hasErrorColors,
  });
  endOnDefects(logging);
  using lifecycle = new Lifecycle(OF_THIS_PROCESS);
  try {
    return await runUntilStopped(request, lifecycle);
  } finally {
    await logging.stop();
  }
}

async function runUntilStopped(request: RunRequest, lifecycle: Lifecycle): Promise<number> {
  const starting = start(request, lifecycle).finally(atFullSpeed);
  let failure: unknown;
  try {
    await Promise.race([
      starting.then(() => lifecycle.untilStopRequested()),
      lifecycle.untilStopRequested(),
    ]);
    log.info("stopping");
    if (request.isDemo) {
      await request.io.print(`${WORDS.stopping[request.io.language]}\n`);
    }
  } catch (error) {
    failure = error;
  }
  const limitMs = 2 * request.settings.values["drain-timeout"] + STOP_GRACE_MS;
  const outcome = await lifecycle.stopAll(starting, limitMs, (error) => {
    log.error("stopping failed", { error });
  });
  if (failure !== undefined) {
    logFailure(failure);
    throw failure;
  }
  if (outcome === "late") {
    log.error("stopped by force, because something did not end", { limitMs });
    return EXIT.failed;
  }
  log.info("stopped");
  return EXIT.done;
}

async function start(request: RunRequest, lifecycle: Lifecycle): Promise<void> {
  const { roles, settings, io } = request;
  warnOfOpenDoors(settings, roles, (setting, address) => {
    log.warn(
      "INSECURE: other machines can reach this address, and everybody there may read and send every message",
      { setting, address },
    );
  });
  const store = await openStore(settings);
  lifecycle.onStop(async () => store[Symbol.dispose]());
  const tracerProvider = await startTracing(request, lifecycle);
  const context: RunContext = { settings, store, lifecycle, tracerProvider };

  const { runHost } = await import("./run-host.ts");
  const host = roles.includes("host") ? await runHost(context) : undefined;
  const agentRoles = AGENT_ROLES.filter((role) => roles.includes(role));
  if (agentRoles.length === 0 || lifecycle.stopSignal.aborted) {
    return;
  }
  const { runAgents } = await import("./run-agents.ts");
  const agents = await runAgents(context, agentRoles, host?.address);
  if (request.isDemo && !lifecycle.stopSignal.aborted) {
    await io.print(demoText(request, agents.uiUrl, host));
  }
}

/** The SDK is loaded only when it is wanted. It stops after everything that makes spans. */
async function startTracing(
  { settings, roles, io }: RunRequest,
  lifecycle: Lifecycle,
): Promise<TracerProviderLike | undefined> {
  const target = settings.values.trace;
  if (target.kind === "off") {
    return undefined;
  }
  const { startTracing: startSdk } = await import("../telemetry/tracing.ts");
  const tracing = await startSdk({
    target,
    serviceName: `agentrt.${roles.join("+")}`,
    serviceVersion: BUILD.version,
    print: (text) => io.print(text),
  }).catch((error: unknown) => {
    throw at(settings, "trace", AgentrtError.from(error));
  });
  lifecycle.onStop(async () => await tracing?.stop());
  return tracing?.tracerProvider;
}

async function openStore({ values }: ResolvedSettings): Promise<Store> {
  if (values.data === undefined) {
    const { createMemoryStore } = await import("../store/memory-store.ts");
    return createMemoryStore();
  }
  const { openSqliteStore } = await import("../store/sqlite-store.ts");
  return openSqliteStore(absoluteFolder(values.data));
}

function demoText(
  { io, settings }: RunRequest,
  uiUrl: string | undefined,
  host: RunningHost | undefined,
): string {
  const rows = [
    [WORDS.home[io.language], uiUrl],
    [WORDS.status[io.language], host?.pageUrl],
  ] as const;
  const address = dialAddress(host?.address ?? settings.values.listen);
  const isUsual = address === settings.values["host-address"].replace("localhost", "127.0.0.1");
  const to = isUsual ? "" : ` --host-address ${address}`;
  const looks = ["ls agents", "sub '*'", "top"].map(
    (command) => `  ${io.style.accent(`${programName()} ${command}${to}`)}`,
  );
  const lines = rows
    .filter(([, url]) => url !== undefined)
    .map(([what, url]) => `  ${io.style.accent(String(url))}  ${what}`);
  return [
    "",
    io.style.strong(WORDS.running[io.language]),
    ...lines,
    WORDS.look[io.language],
    ...looks,
    io.style.faint(WORDS.stop[io.language]),
    "",
  ].join("\n");
}

/** The line on standard error says what to do; the log keeps where it came from. */
function logFailure(failure: unknown): void {
  const error = AgentrtError.from(failure);
  if (error.code === "INTERNAL") {
    log.fatal("defect", { error });
  } else {
    log.debug("start failed", { code: error.code, error });
  }
}

/** A handler's error never comes here; what does is a defect, after which nothing can be trusted. */
function endOnDefects(logging: Logging): void {
  const end = (kind: string) => (error: unknown) => {
    log.fatal(kind, { error });
    void logging.stop().finally(() => process.exit(EXIT.failed));
  };
  process.on("uncaughtException", end("uncaught exception"));
  process.on("unhandledRejection", end("unhandled rejection"));
}
