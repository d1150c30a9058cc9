import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../core/errors.ts";
import { GrpcWorkerAgentRuntimeHost } from "../host/host.ts";
import type { PageServer } from "../security/page-server.ts";
import { BUILD } from "./build-info.ts";
import { at } from "./check-settings.ts";
import { absoluteFolder } from "./data-folder.ts";
import { openHostLog } from "./host-log.ts";
import type { RunContext } from "./run-roles.ts";
import { fullQueueOf, spilledTopicsOf } from "./settings-queues.ts";
import { policiesOf } from "./settings-routing.ts";

export interface RunningHost {
  /** Where workers connect, `host:port` with the real port. */
  readonly address: string;
  /** Undefined when the status page is off. */
  readonly pageUrl: string | undefined;
}

const log = getLogger(["agentrt", "cli"]);

/** The page and its metrics are loaded only where they are wanted. @throws AgentrtError naming the setting */
async function startPage(
  settings: RunContext["settings"],
  host: GrpcWorkerAgentRuntimeHost,
  address: string,
): Promise<PageServer> {
  const { startStatusPage } = await import("../status/status-page.ts");
  const { insecure: isInsecureAllowed, "allowed-hosts": allowedHosts } = settings.values;
  const options = { address, isInsecureAllowed, allowedHosts };
  return await startStatusPage(() => host.report(), options).catch((error: unknown) => {
    throw at(settings, "http", AgentrtError.from(error));
  });
}

/**
 * Starts the host and its status page. A page that cannot start is an error, because somebody
 * waits for it; once it runs, nothing that happens to it concerns the host.
 * @throws AgentrtError naming the setting whose address cannot be had; those of {@link openHostLog}
 */
export async function runHost({
  settings,
  store,
  lifecycle,
  tracerProvider,
}: RunContext): Promise<RunningHost> {
  const { values } = settings;
  const messageLog = await openHostLog(settings, lifecycle);
  const host = new GrpcWorkerAgentRuntimeHost({
    listen: values.listen,
    isInsecureAllowed: values.insecure,
    maxMessageBytes: values["max-message-size"],
    rpcTimeoutMs: values["rpc-timeout"],
    drainTimeoutMs: values["drain-timeout"],
    outboxMaxMessages: values["outbox-max-messages"],
    outboxMaxBytes: values["outbox-max-size"],
    publisherHoldMs: values["publisher-hold"],
    slowWorkerPolicy: values["slow-worker-policy"],
    fullQueue: fullQueueOf(values["full-queue"]),
    slowWorkerTimeoutMs: values["slow-worker-timeout"],
    maxConnections: values["max-connections"],
    maxWorkers: values["max-workers"],
    maxPendingCalls: values["max-pending-calls"],
    maxAgentTypesPerWorker: values["max-agent-types"],
    maxSubscriptionsPerWorker: values["max-subscriptions"],
    maxTopicsTracked: values["max-topics"],
    registrationGraceMs: values["registration-grace"],
    sessionGraceMs: values["session-grace"],
    agentPolicies: policiesOf(values["agent-policy"]),
    retain: values.retain,
    retainMaxAgeMs: values["retain-max-age"],
    retainOwnerGraceMs: values["retain-owner-grace"],
    retainMaxValues: values["retain-max-values"],
    retainMaxBytes: values["retain-max-size"],
    maxHeaders: values["max-headers"],
    maxHeaderBytes: values["max-header-size"],
    maxRoutes: values["max-routes"],
    linkWindowBytes: values["link-window"],
    linkWindowMessages: values["link-window-messages"],
    handshakeTimeoutMs: values["handshake-timeout"],
    messageLog,
    durable: [...values["durable-topics"], ...spilledTopicsOf(values["full-queue"])],
    durableMaxDeliver: values["durable-max-deliver"],
    ...(values.data === undefined
      ? {}
      : { backupFolder: join(absoluteFolder(values.data), "backups") }),
    deadLetterStore: store,
    tracerProvider,
    version: BUILD.version,
  });
  // The page answers while the host drains, so it is stopped after it.
  let stopPage: () => Promise<void> = async () => undefined;
  lifecycle.onStop(() => stopPage());
  await host.start().catch((error: unknown) => {
    throw at(settings, "listen", AgentrtError.from(error));
  });
  lifecycle.onStop(() => host.stop());

  const page = values.http === undefined ? undefined : await startPage(settings, host, values.http);
  stopPage = async () => await page?.stop();

  log.info("host ready", { listen: host.address, http: page?.url ?? "off" });
  return { address: host.address, pageUrl: page?.url };
}
