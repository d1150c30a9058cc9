import { Server } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import type { EventEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { HostReport, HostState } from "../core/host-report.ts";
import {
  assertListenAllowed,
  formatListenAddress,
  isLoopbackHost,
} from "../security/listen-rule.ts";
import { MessageTracing } from "../telemetry/message-tracing.ts";
import { AGENT_RPC, AGENT_RPC_NAME } from "../wire/autogen/service.ts";
import { channelOptions } from "../wire/channel-options.ts";
import { DURABLE_NAME } from "../wire/durable-admin/service.ts";
import { HEALTH_SERVICE, HealthService } from "../wire/health.ts";
import { HOST_INFO_NAME } from "../wire/host-info/service.ts";
import { LINK, LINK_NAME } from "../wire/link/service.ts";
import { watchSizeLimit } from "../wire/size-limit-watch.ts";
import { createAgentRpc } from "./agent-rpc.ts";
import { Backpressure } from "./backpressure.ts";
import { ControlRouter } from "./control-router.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Door } from "./door.ts";
import { Durable } from "./durable/durable.ts";
import { durablePattern } from "./durable/durable-topics.ts";
import { Enrolment } from "./enrolment.ts";
import { FullQueuePolicies } from "./full-queue-policies.ts";
import { IncidentLog } from "./incident-log.ts";
import { RouteNumbers } from "./link/inbound-routes.ts";
import { createLinkRpc } from "./link/link-rpc.ts";
import { Producers } from "./link/producers.ts";
import { type HostOptions, resolveHostOptions } from "./options.ts";
import { addOwnServices } from "./own-services.ts";
import { Registry } from "./registry.ts";
import { countFailedRpcs, createReport } from "./report.ts";
import { RetainedValues } from "./retained-values.ts";
import { Router } from "./router.ts";
import { Sessions } from "./sessions.ts";
import { shutDownWithin } from "./shut-down.ts";
import { TopicStatistics } from "./topic-statistics.ts";
import { createTotals } from "./totals.ts";
import { untilSignal } from "./until-signal.ts";

/** How often time-outs are looked for: of calls, and of workers that do not read. */
const HOUSEKEEPING_MS = 50;
/** How often retained values are looked through for those that have to go. */
const RETAINED_SWEEP_MS = 1_000;
/** How often `stop` looks whether everything in flight is done. */
const DRAIN_CHECK_MS = 10;
/** How long streams may take to end once they were told to. */
const SHUTDOWN_GRACE_MS = 500;

/**
 * The coordinator: accepts workers over gRPC, keeps the registry of agent types and
 * subscriptions, and routes messages. It runs no agents itself.
 *
 * ```ts
 * await using host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:50051" });
 * await host.start();
 * ```
 */
export class GrpcWorkerAgentRuntimeHost {
  readonly #options: HostOptions;
  readonly #logger = getLogger(["agentrt", "host"]);
  readonly #totals = createTotals();
  readonly #incidents = new IncidentLog();
  readonly #deadLetters: DeadLetters;
  readonly #registry: Registry;
  readonly #backpressure: Backpressure;
  readonly #topics: TopicStatistics;
  readonly #retained: RetainedValues;
  readonly #durable: Durable;
  readonly #numbers = new RouteNumbers();
  readonly #router: Router;
  readonly #sessions: Sessions;
  readonly #server: Server;
  readonly #health = new HealthService(
    [AGENT_RPC_NAME, HOST_INFO_NAME, DURABLE_NAME, LINK_NAME],
    (peer) => this.#door.called(peer),
  );
  readonly #door: Door;
  #state: HostState = "starting";
  #address: string;
  #startedAt = new Date();
  #housekeeping: ReturnType<typeof setInterval> | undefined;
  #stopped: Promise<void> | undefined;
  #lastSweepMs = 0;

  /** @throws AgentrtError `INVALID_OPTION`, `LISTEN_REFUSED` */
  constructor(options: Partial<HostOptions> = {}) {
    this.#options = resolveHostOptions(options);
    const { tracerProvider } = this.#options;
    assertListenAllowed(this.#options.listen, this.#options.isInsecureAllowed);
    this.#address = this.#options.listen;
    this.#deadLetters = new DeadLetters(this.#options.deadLetterStore, this.#incidents);
    this.#registry = new Registry(this.#options);
    const fullQueue = new FullQueuePolicies(this.#options.fullQueue);
    this.#backpressure = new Backpressure(this.#options.publisherHoldMs, Date.now, fullQueue);
    this.#retained = new RetainedValues(this.#options);
    this.#topics = new TopicStatistics(this.#options.maxTopicsTracked, Date.now, fullQueue);
    this.#durable = new Durable({
      log: this.#options.messageLog,
      configured: this.#options.durable.map(durablePattern),
      incidents: this.#incidents,
    });
    const shared = {
      durable: this.#durable,
      options: this.#options,
      registry: this.#registry,
      totals: this.#totals,
      incidents: this.#incidents,
      deadLetters: this.#deadLetters,
    };
    this.#router = new Router({
      ...shared,
      topics: this.#topics,
      rpcTimeoutMs: this.#options.rpcTimeoutMs,
      maxPendingCalls: this.#options.maxPendingCalls,
      backpressure: this.#backpressure,
      retained: this.#retained,
      slowWorkerPolicy: this.#options.slowWorkerPolicy,
      expelSlow: (session) => {
        const message = `Worker ${session.clientId} reads too slowly; its outbox is full.`;
        this.#sessions.expel(session, new AgentrtError("SLOW_WORKER", message));
      },
    });
    const controlRouter = new ControlRouter(shared);
    const hangUp = (peer: string): void => this.#door.hangUp(peer);
    const { events, presence } = this.#router;
    const routing = { router: this.#router, controlRouter, presence, hangUp, fullQueue };
    this.#sessions = new Sessions({ ...shared, ...routing });
    const { maxMessageBytes } = this.#options;
    const sizeLimit = watchSizeLimit(maxMessageBytes, (error, peer) =>
      this.#incidents.record(error, peer),
    );
    this.#server = new Server({ ...channelOptions(maxMessageBytes), interceptors: [sizeLimit] });
    this.#server.addService(HEALTH_SERVICE, this.#health.implementation);
    const service = {
      ...shared,
      ...routing,
      sessions: this.#sessions,
      enrolment: new Enrolment({
        ...{ events, presence, registry: this.#registry, durable: this.#durable },
        agentPolicies: this.#options.agentPolicies,
      }),
      onCall: (peer: string) => this.#door.called(peer),
      isDraining: () => this.#state !== "ready",
      tracing: tracerProvider === undefined ? undefined : new MessageTracing(tracerProvider),
    };
    this.#server.addService(AGENT_RPC, createAgentRpc(service));
    this.#server.addService(
      LINK,
      createLinkRpc(service, {
        instance: crypto.randomUUID(),
        producers: new Producers(),
        ...{ numbers: this.#numbers, fullQueue },
      }),
    );
    addOwnServices(this.#server, {
      ...service,
      report: () => this.report(),
    });
    this.#door = new Door(this.#server, this.#options, this.#totals, this.#incidents);
  }

  /** Where it listens, `host:port` with the real port once started. */
  get address(): string {
    return this.#address;
  }

  get state(): HostState {
    return this.#state;
  }

  /**
   * Resolves when workers can connect.
   * @throws AgentrtError as the message log; `ADDRESS_IN_USE`, `ADDRESS_NOT_ALLOWED`, `ADDRESS_NOT_HERE`, `RUNTIME_STATE`
   */
  async start(): Promise<void> {
    if (this.#state !== "starting" || this.#housekeeping !== undefined) {
      throw new AgentrtError(
        "RUNTIME_STATE",
        "A host is started once. Make a new one to start again.",
      );
    }
    const { listen, isInsecureAllowed } = this.#options;
    this.#housekeeping = setInterval(() => {
      this.#router.expireCalls();
      this.#backpressure.releaseOverdue();
      this.#sessions.expelStalled();
      this.#sweepRetained();
      this.#durable.tick(Date.now());
    }, HOUSEKEEPING_MS);
    try {
      const { durableMaxDeliver: maxDeliver } = this.#options;
      const { placements, delivery } = this.#router;
      const shared = { registry: this.#registry, numbers: this.#numbers };
      const onLate = (event: EventEnvelope): void => this.#router.events.announce(event);
      await this.#durable.open({ placements, delivery, ...shared, maxDeliver, onLate });
      const bound = await this.#door.open(assertListenAllowed(listen, isInsecureAllowed));
      this.#address = formatListenAddress(bound);
      this.#assertNotStopped();
    } catch (error) {
      this.#state = "stopped";
      clearInterval(this.#housekeeping);
      this.#door.stopAccepting();
      throw error;
    }
    this.#startedAt = new Date();
    this.#state = "ready";
    this.#health.setServing(true);
    this.#logger.info("host listens", { address: this.#address });
  }

  /**
   * Takes no new workers and calls, lets what is in flight finish, tells the workers, and ends.
   * Safe to call twice.
   */
  stop(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options.drainTimeoutMs ?? this.#options.drainTimeoutMs);
    return this.#stopped;
  }

  /** Stops when the process is told to: SIGTERM or SIGINT. Resolves when it has stopped. */
  async stopWhenSignal(): Promise<void> {
    await untilSignal();
    await this.stop();
  }

  /** Everything it says of itself, now. */
  report(): HostReport {
    return createReport({
      registry: this.#registry,
      router: this.#router,
      topics: this.#topics,
      deadLetters: this.#deadLetters,
      incidents: this.#incidents,
      retained: this.#retained,
      totals: this.#totals,
      version: this.#options.version,
      state: this.#state,
      listen: this.#address,
      isInsecure: !isLoopbackHost(assertListenAllowed(this.#options.listen, true).host),
      startedAt: this.#startedAt,
      rpcsFailed: countFailedRpcs(this.#server),
      durable: this.#durable.report(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Stopping may have come while the door was opening. */
  #assertNotStopped(): void {
    if (this.#state !== "starting") {
      throw new AgentrtError("RUNTIME_STATE", "The host was stopped before it had started.");
    }
  }

  #sweepRetained(): void {
    const nowMs = Date.now();
    if (nowMs - this.#lastSweepMs >= RETAINED_SWEEP_MS) {
      this.#lastSweepMs = nowMs;
      this.#retained.sweep(({ kind, name }) =>
        kind === "worker"
          ? this.#registry.session(name) !== undefined
          : this.#registry.holdersOf(name) !== undefined,
      );
    }
  }

  async #stop(drainTimeoutMs: number): Promise<void> {
    const wasReady = this.#state === "ready";
    this.#state = "draining";
    if (wasReady) {
      this.#health.setServing(false);
      this.#door.stopAccepting();
      this.#router.drain();
      this.#durable.cursors.drain();
      for (const session of this.#registry.sessions) {
        session.goAway("The host is stopping.");
      }
      await this.#drained(drainTimeoutMs);
      const bye = new AgentrtError("HOST_DRAINING", "The host is stopping. Connect again later.");
      this.#sessions.dismissAll(bye);
      this.#health.close();
      await this.#shutDown();
    }
    clearInterval(this.#housekeeping);
    await this.#durable.close();
    this.#deadLetters.flush();
    this.#state = "stopped";
    this.#logger.info("host stopped");
  }

  /** Resolves when no call waits and nothing is on its way to or from a worker, or when the time is up. */
  async #drained(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    const isBusy = (): boolean =>
      this.#router.pendingCalls > 0 ||
      this.#durable.isBusy ||
      Array.from(this.#registry.sessions).some((session) => !session.isQuiet);
    while (isBusy() && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_CHECK_MS));
    }
  }

  async #shutDown(): Promise<void> {
    await shutDownWithin(this.#server, SHUTDOWN_GRACE_MS);
    this.#server.forceShutdown();
    this.#door.destroyConnections();
  }
}
