import { getLogger } from "@logtape/logtape";
import type { Agent, AgentMetadata, JsonValue, MessageContext } from "./agent.ts";
import { type AgentId, shorten } from "./agent-id.ts";
import {
  type AgentTimer,
  AgentTimers,
  type CronOptions,
  type TimerHandler,
} from "./agent-timers.ts";
import { AgentrtError } from "./errors.ts";
import {
  firstResult,
  HANDLED,
  type HandlerCall,
  type HandlerResult,
  resultOf,
  runAll,
} from "./handler-calls.ts";
import { type MessageType, messageTypeOf, UnknownPayload } from "./message-type.ts";
import type { AgentRuntime, PublishOptions, SendOptions } from "./runtime.ts";
import type { TopicId } from "./topic-id.ts";

const logger = getLogger(["agentrt", "agent"]);

export type MessageHandler<T extends object> = (
  data: T,
  context: MessageContext,
) => HandlerResult | Promise<HandlerResult>;

/** Which messages of a type a handler wants: published ones, calls, or both. */
type HandlerScope = "event" | "rpc" | "both";

type OnlyHandler = MessageHandler<never> | MessageHandler<object> | undefined;
type Only = { type: MessageType | undefined; isRpc: boolean; handler: OnlyHandler };

interface Route {
  readonly type: MessageType;
  readonly scope: HandlerScope;
  readonly handler: MessageHandler<never>;
}

/** Names of unhandled types come from peers, so the list of those warned about is bounded. */
const MAX_UNHANDLED_NAMES = 100;

/**
 * An agent that routes each message to the handlers of its type.
 *
 * ```ts
 * class Thermostat extends RoutedAgent {
 *   constructor() {
 *     super("Switches the heating");
 *     this.handleEvent(Reading, async (reading) => {
 *       await this.publishMessage(Heating.of({ on: reading.celsius < 19 }), new DefaultTopicId());
 *     });
 *     this.handleRpc(GetSetting, () => Setting.of({ celsius: 19 }));
 *   }
 * }
 * ```
 *
 * A runtime gives an instance one message at a time. So an agent that calls itself inside a
 * handler, directly or through others, waits until the call's time-out.
 */
export class RoutedAgent implements Agent {
  readonly #description: string;
  readonly #routes: Route[] = [];
  readonly #anythingHandlers: MessageHandler<object>[] = [];
  readonly #unhandledNames = new Set<string>();
  readonly #timers = new AgentTimers((task) => this.runtime.enqueueTask(this.id, task));
  #lastOnly: Only | undefined;
  #binding: { readonly id: AgentId; readonly runtime: AgentRuntime } | undefined;

  constructor(description: string) {
    this.#description = description;
  }

  /** @throws AgentrtError `RUNTIME_STATE` before a runtime has bound the agent, so also in its constructor. */
  get id(): AgentId {
    return this.#bound().id;
  }

  /** @throws AgentrtError `RUNTIME_STATE`, as `id` */
  get runtime(): AgentRuntime {
    return this.#bound().runtime;
  }

  get metadata(): AgentMetadata {
    const { type, key } = this.id;
    return { type, key, description: this.#description };
  }

  /** The types that it has handlers for. */
  get messageTypes(): readonly MessageType[] {
    return [...new Set(this.#routes.map((route) => route.type))];
  }

  /**
   * Ties the agent to its id and runtime, and makes its message types known there.
   * The same binding again changes nothing.
   * @throws AgentrtError `RUNTIME_STATE` when it is bound to another id or runtime
   */
  bind(id: AgentId, runtime: AgentRuntime): void {
    if (this.#binding !== undefined) {
      if (this.#binding.id.equals(id) && this.#binding.runtime === runtime) {
        return;
      }
      throw new AgentrtError(
        "RUNTIME_STATE",
        `This agent object is ${this.#binding.id} already and cannot become ${id}. Return a new object from the factory each time.`,
      );
    }
    this.#binding = { id, runtime };
    for (const type of this.messageTypes) {
      runtime.addMessageType(type);
    }
  }

  /**
   * Adds a handler for messages of a type, published ones and calls. Several handlers of one
   * type run in the order in which they were added: all of them for an event; for a call until
   * one returns a result, which goes to the caller.
   */
  handle<T extends object>(type: MessageType<T>, handler: MessageHandler<T>): void {
    this.#addRoute({ type, scope: "both", handler });
  }

  /** As `handle`, for published messages only. */
  handleEvent<T extends object>(type: MessageType<T>, handler: MessageHandler<T>): void {
    this.#addRoute({ type, scope: "event", handler });
  }

  /** As `handle`, for calls only. */
  handleRpc<T extends object>(type: MessageType<T>, handler: MessageHandler<T>): void {
    this.#addRoute({ type, scope: "rpc", handler });
  }

  /** Adds a handler for messages that no other handler takes, `UnknownPayload` among them. */
  handleAnything(handler: MessageHandler<object>): void {
    this.#anythingHandlers.push(handler);
    this.#lastOnly = undefined;
  }

  /**
   * Publishes as this agent. A `DefaultTopicId` without a source gets this agent's key.
   * @throws AgentrtError as `AgentRuntime.publishMessage`
   */
  async publishMessage(
    message: object,
    topic: TopicId,
    options: Omit<PublishOptions, "sender"> = {},
  ): Promise<void> {
    const { id, runtime } = this.#bound();
    await runtime.publishMessage(message, topic.resolveFor(id), { ...options, sender: id });
  }

  /**
   * Calls another agent as this agent and waits for its result.
   * @throws AgentrtError as `AgentRuntime.sendMessage`
   */
  async sendMessage<R extends object = object>(
    message: object,
    recipient: AgentId,
    options: Omit<SendOptions, "sender"> = {},
  ): Promise<R | undefined> {
    const { id, runtime } = this.#bound();
    return await runtime.sendMessage<R>(message, recipient, { ...options, sender: id });
  }

  /**
   * Called by the runtime for each message.
   * @throws AgentrtError `CANNOT_HANDLE` for a call of a type without a handler; whatever a handler throws
   */
  onMessage(message: object, context: MessageContext): Promise<object | undefined> {
    const only = this.#onlyHandler(messageTypeOf(message), context.isRpc);
    if (only === undefined) {
      return this.#runHandlers(message, context);
    }
    try {
      const result = only(message as never, context);
      return result === undefined ? HANDLED : resultOf(result, context.isRpc);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Runs `handler` each `intervalMs` milliseconds from now on, in turn with the agent's messages. What
   * it throws is treated as what a message handler throws. Stopped when the instance is closed, which
   * is not put away before; connections that break and come back do not matter to it.
   * @throws AgentrtError `INVALID_OPTION`
   */
  every(intervalMs: number, handler: TimerHandler): AgentTimer {
    return this.#timers.every(intervalMs, handler);
  }

  /** As `every`, once, `delayMs` milliseconds from now. @throws AgentrtError `INVALID_OPTION` */
  after(delayMs: number, handler: TimerHandler): AgentTimer {
    return this.#timers.after(delayMs, handler);
  }

  /**
   * As `every`, at the times of a cron pattern of five fields, or six with seconds first:
   * `this.cron("0 7 * * mon-fri", () => this.wakeUp(), { timeZone: "Europe/Berlin" })`.
   * @throws AgentrtError `INVALID_OPTION` for a pattern or time zone that cannot be read
   */
  cron(pattern: string, handler: TimerHandler, options?: CronOptions): AgentTimer {
    return this.#timers.cron(pattern, handler, options);
  }

  /** Called by the runtime when the instance gets no more messages: its schedules end. */
  unbind(): void {
    this.#timers.stopAll();
  }

  /** Called by the runtime: an agent with schedules stays although no messages come. */
  canBePutAway(): boolean {
    return this.#timers.size === 0;
  }

  /** Declared for subclasses that keep state; see {@link Agent}. */
  saveState?(): JsonValue | Promise<JsonValue>;
  loadState?(state: JsonValue): void | Promise<void>;
  close?(): void | Promise<void>;

  #addRoute(route: Route): void {
    this.#routes.push(route);
    this.#lastOnly = undefined;
    this.#binding?.runtime.addMessageType(route.type);
  }

  /** The handler of a message that is the only one and takes it as it is. Messages come in rows of one type. */
  #onlyHandler(type: MessageType | undefined, isRpc: boolean): OnlyHandler {
    const known = this.#lastOnly;
    if (known !== undefined && known.type === type && known.isRpc === isRpc) {
      return known.handler;
    }
    const handler = this.#findOnlyHandler(type, isRpc);
    this.#lastOnly = { type, isRpc, handler };
    return handler;
  }

  #findOnlyHandler(type: MessageType | undefined, isRpc: boolean): OnlyHandler {
    let only: MessageHandler<never> | undefined;
    if (type !== undefined) {
      for (const route of this.#routes) {
        if (!isInScope(route, isRpc) || !isSameKind(route.type, type)) {
          continue;
        }
        if (only !== undefined || route.type !== type) {
          return undefined;
        }
        only = route.handler;
      }
    }
    return only ?? (this.#anythingHandlers.length === 1 ? this.#anythingHandlers[0] : undefined);
  }

  async #runHandlers(message: object, context: MessageContext): Promise<object | undefined> {
    const calls = this.#callsFor(message, context);
    if (calls.length === 0) {
      this.#reportUnhandled(message, context);
      return undefined;
    }
    return context.isRpc ? await firstResult(calls) : await runAll(calls);
  }

  #callsFor(message: object, context: MessageContext): HandlerCall[] {
    const type = messageTypeOf(message);
    const calls: HandlerCall[] = [];
    for (const route of this.#routes) {
      if (type === undefined || !isInScope(route, context.isRpc)) {
        continue;
      }
      if (route.type === type) {
        calls.push(async () => await route.handler(message as never, context));
      } else if (isSameKind(route.type, type)) {
        // Another declaration of the same kind was known to the runtime first. The handler's own
        // declaration decides what it may see.
        calls.push(async () => {
          const data = route.type.decode(type.encode(message));
          return await route.handler(data as never, context);
        });
      }
    }
    if (calls.length > 0) {
      return calls;
    }
    return this.#anythingHandlers.map((handler) => async () => await handler(message, context));
  }

  #reportUnhandled(message: object, context: MessageContext): void {
    const name = shorten(nameOf(message));
    if (context.isRpc) {
      throw new AgentrtError(
        "CANNOT_HANDLE",
        `Agent ${this.id} has no handler for calls with ${name}.`,
        { data: { agent: this.id.toString(), messageType: name } },
      );
    }
    const properties = {
      agent: this.id.toString(),
      topic: context.topicId?.toString() ?? "",
      messageId: context.messageId,
      messageType: name,
    };
    if (this.#unhandledNames.has(name) || this.#unhandledNames.size >= MAX_UNHANDLED_NAMES) {
      logger.debug("no handler for a message", properties);
      return;
    }
    this.#unhandledNames.add(name);
    logger.warn(
      "no handler for a message; later ones of this type are logged at debug",
      properties,
    );
  }

  #bound(): { readonly id: AgentId; readonly runtime: AgentRuntime } {
    if (this.#binding === undefined) {
      throw new AgentrtError(
        "RUNTIME_STATE",
        "The agent is not bound to a runtime yet. Register it, and use its id or send messages from handlers on.",
      );
    }
    return this.#binding;
  }
}

function isSameKind(a: MessageType, b: MessageType): boolean {
  return a === b || (a.name === b.name && a.contentType === b.contentType);
}

function isInScope({ scope }: Route, isRpc: boolean): boolean {
  return scope === "both" || (scope === "rpc") === isRpc;
}

function nameOf(message: object): string {
  if (message instanceof UnknownPayload) {
    return `${message.dataType} (${message.contentType})`;
  }
  return messageTypeOf(message)?.name ?? message.constructor.name;
}
