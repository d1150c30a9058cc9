import type { MessageContext } from "../../core/agent.ts";
import { AgentrtError } from "../../core/errors.ts";
import { RoutedAgent } from "../../core/routed-agent.ts";
import { EXIT } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { Invocation } from "./command.ts";
import { SENTENCES } from "./command-words.ts";
import { readOperand } from "./operand.ts";
import { jsonLineOf, textOfPayload, viewOf } from "./payload-view.ts";
import { printable } from "./printable.ts";
import { parseTopicPattern, subscriptionsFor, type TopicPattern } from "./topic-pattern.ts";
import { type CommandClient, whenAborted, withClient } from "./with-client.ts";

/** Each source of a topic has an instance; those of sources that came once shall not stay. */
const IDLE_MS = 10_000;

/** `agentrt sub TOPIC…`, from now on or from what is stored. */
export async function runSub(invocation: Invocation): Promise<number> {
  const { operands, options, io } = invocation;
  const patterns = operands.map((text) => readOperand(text, parseTopicPattern));
  if (options.from !== undefined) {
    const { showStored } = await import("./sub-from.ts");
    return await showStored(invocation, patterns, options.from);
  }
  const printer = new Printer(io, {
    isJson: options.json === true,
    count: options.count ?? Number.POSITIVE_INFINITY,
    patterns,
  });
  let lost = 0;
  const onDeadLetter = (): void => {
    lost += 1;
  };
  await withClient(invocation, { connectTimeoutMs: undefined, onDeadLetter }, (client) =>
    showUntilStopped(client, io, patterns, printer),
  );
  // Who has read enough does not ask for the rest.
  if (lost > 0 && !io.outputClosed.aborted) {
    await io.printError(`agentrt: ${SENTENCES.notShown(lost)[io.language]}\n`);
  }
  return EXIT.done;
}

async function showUntilStopped(
  { runtime, stop, connect }: CommandClient,
  io: Io,
  patterns: readonly TopicPattern[],
  printer: Printer,
): Promise<void> {
  const agentType = `agentrt.sub.${crypto.randomUUID()}`;
  const factory = (): RoutedAgent => {
    const agent = new RoutedAgent("Shows messages for agentrt sub");
    agent.handleAnything(async (message, context) => await printer.show(message, context));
    return agent;
  };
  await runtime.registerFactory(agentType, factory, { idleTimeoutMs: IDLE_MS });
  for (const subscription of subscriptionsFor(patterns, agentType)) {
    await runtime.addSubscription(subscription);
  }
  let isWaiting = false;
  runtime.onConnectionChange(({ kind }) => {
    if (kind === "waiting" && !isWaiting) {
      isWaiting = true;
      const text = SENTENCES.waiting(runtime.hostAddress)[io.language];
      void io.printError(`agentrt: ${text}\n`);
    } else if (kind === "connected" && isWaiting) {
      isWaiting = false;
      void io.printError(`agentrt: ${SENTENCES.connected()[io.language]}\n`);
    }
  });
  try {
    await connect();
  } catch (thrown) {
    if (AgentrtError.from(thrown).code === "CANCELLED" && stop.aborted) {
      return;
    }
    throw thrown;
  }
  await Promise.race([printer.done, whenAborted(stop)]);
}

interface PrinterOptions {
  readonly isJson: boolean;
  readonly count: number;
  readonly patterns: readonly TopicPattern[];
}

/** Prints messages one after the other, as many as were asked for. */
class Printer {
  readonly #io: Io;
  readonly #options: PrinterOptions;
  readonly #done = Promise.withResolvers<void>();
  #begun = 0;
  #printed = 0;

  constructor(io: Io, options: PrinterOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** Resolves when as many were printed as were asked for. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  async show(message: object, context: MessageContext): Promise<undefined> {
    const { count, isJson, patterns } = this.#options;
    const { topicId } = context;
    if (topicId === undefined) {
      throw new AgentrtError("CANNOT_HANDLE", "agentrt sub takes published messages, not calls.");
    }
    if (!patterns.some((pattern) => pattern.matches(topicId)) || this.#begun >= count) {
      return undefined;
    }
    this.#begun += 1;
    const at = new Date();
    await this.#io.print(
      isJson ? jsonOf(message, context, at) : textOf(message, context, at, this.#io),
    );
    this.#printed += 1;
    if (this.#printed >= count) {
      this.#done.resolve();
    }
    return undefined;
  }
}

function jsonOf(message: object, context: MessageContext, at: Date): string {
  const { topicId, sender, messageId, headers } = context;
  const facts = {
    at: at.toISOString(),
    topic: topicId?.toString(),
    sender: sender?.toString() ?? null,
    id: messageId,
    headers,
  };
  return `${jsonLineOf(facts, viewOf(message))}\n`;
}

function textOf(message: object, { topicId }: MessageContext, at: Date, { style }: Io): string {
  const view = viewOf(message);
  const time = style.faint(at.toTimeString().slice(0, 8));
  const topic = style.accent(printable(String(topicId)));
  const type = style.faint(printable(view.dataType));
  return `${time} ${topic} ${type} ${textOfPayload(view)}\n`;
}
