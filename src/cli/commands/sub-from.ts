import { AgentrtError } from "../../core/errors.ts";
import { patternOf } from "../../core/subscription.ts";
import type { DurableAnswer, DurableRequestInit } from "../../wire/durable-admin/codec.ts";
import { EXIT } from "../exit-codes.ts";
import { Lifecycle, OF_THIS_PROCESS } from "../lifecycle.ts";
import type { Invocation } from "./command.ts";
import { SENTENCES } from "./command-words.ts";
import { type DurableSource, durableSource } from "./durable-source.ts";
import { DURABLE_SENTENCES } from "./durable-words.ts";
import type { ReplayStart } from "./from-type.ts";
import { jsonOfStored, messagesOf, textOfStored } from "./stored-message.ts";
import { subscriptionsFor, type TopicPattern } from "./topic-pattern.ts";

/** How long to wait at the end of the log before looking again. */
const LOOK_AGAIN_MS = 200;

type Page = DurableAnswer<"read">;
type Topics = NonNullable<DurableRequestInit<"read">["topics"]>;
type ReadFrom = NonNullable<DurableRequestInit<"read">["from"]>;

/** `agentrt sub TOPIC… --from SEQUENCE|TIME`: what is stored, then what comes. */
export async function showStored(
  invocation: Invocation,
  patterns: readonly TopicPattern[],
  start: ReplayStart,
): Promise<number> {
  const { io, options } = invocation;
  using lifecycle = new Lifecycle(OF_THIS_PROCESS);
  const stop = AbortSignal.any([lifecycle.stopSignal, io.outputClosed]);
  using source = durableSource(invocation);
  const topics = subscriptionsFor(patterns, "agentrt").map((subscription) => ({
    text: patternOf(subscription),
    isPrefix: subscription.kind === "prefix",
  }));
  const pages = new Pages(invocation, source, { topics, from: firstOf(start) });
  let left = options.count ?? Number.POSITIVE_INFINITY;
  let first = start.kind === "position" ? start.position : 1;
  while (left > 0 && !stop.aborted) {
    const page = await pages.next(stop);
    if (page === undefined) {
      break;
    }
    if (page.removedUntil > first) {
      const text = DURABLE_SENTENCES.removed(first, page.removedUntil - 1);
      await io.printError(`agentrt: ${text[io.language]}\n`);
    }
    for (const range of page.damaged) {
      const text = DURABLE_SENTENCES.damagedRange(
        range.first,
        range.last,
        range.topicType,
        range.reason,
      );
      await io.printError(`agentrt: ${text[io.language]}\n`);
    }
    for (const batch of page.batches) {
      for (const message of messagesOf(batch)) {
        // A batch may begin before what was asked for.
        const isWanted =
          message.position >= first && patterns.some((pattern) => pattern.matches(message.topic));
        if (isWanted && left > 0 && !stop.aborted) {
          left -= 1;
          await io.print(
            options.json === true ? jsonOfStored(message) : textOfStored(message, io.style),
          );
        }
      }
    }
    first = page.next;
    if (left > 0 && page.isAtEnd) {
      await pause(LOOK_AGAIN_MS, stop);
    }
  }
  return EXIT.done;
}

function firstOf(start: ReplayStart): ReadFrom {
  switch (start.kind) {
    case "position":
      return { case: "position", value: BigInt(start.position) };
    case "time":
      return { case: "timeMs", value: BigInt(start.timeMs) };
    case "ago":
      return { case: "timeMs", value: BigInt(Math.max(0, Date.now() - start.ms)) };
    default:
      return start satisfies never;
  }
}

/** Reads on where the page before ended, and waits for a host that is not there. */
class Pages {
  readonly #invocation: Invocation;
  readonly #source: DurableSource;
  readonly #topics: Topics;
  #from: ReadFrom;
  #isWaiting = false;

  constructor(
    invocation: Invocation,
    source: DurableSource,
    { topics, from }: { readonly topics: Topics; readonly from: ReadFrom },
  ) {
    this.#invocation = invocation;
    this.#source = source;
    this.#topics = topics;
    this.#from = from;
  }

  /** Undefined when it was stopped while it waited. */
  async next(stop: AbortSignal): Promise<Page | undefined> {
    while (!stop.aborted) {
      try {
        const page = await this.#source.ask("read", { topics: this.#topics, from: this.#from });
        this.#from = { case: "position", value: BigInt(page.next) };
        await this.#say(false);
        return page;
      } catch (thrown) {
        const error = AgentrtError.from(thrown);
        const isPatient = this.#invocation.options["connect-timeout"] === undefined;
        if (error.code !== "NOT_CONNECTED" || !isPatient) {
          throw error;
        }
        await this.#say(true);
        await pause(LOOK_AGAIN_MS, stop);
      }
    }
    return undefined;
  }

  async #say(isWaiting: boolean): Promise<void> {
    if (this.#isWaiting !== isWaiting) {
      this.#isWaiting = isWaiting;
      const { io } = this.#invocation;
      const text = isWaiting ? SENTENCES.waiting(this.#source.hostAddress) : SENTENCES.connected();
      await io.printError(`agentrt: ${text[io.language]}\n`);
    }
  }
}

/** Ends early when it is stopped. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) {
    return;
  }
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener("abort", end);
  });
}
