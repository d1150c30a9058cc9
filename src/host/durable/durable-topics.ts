import { AgentrtError } from "../../core/errors.ts";
import { type TopicPattern, topicPattern } from "../../core/topic-pattern.ts";
import type { MessageLog } from "../../store/log/message-log.ts";
import { declarationOf, type TopicDeclaration } from "../../store/log/topic-declaration.ts";

/** Topic types come from peers, so what is known of them is bounded; beyond, it begins anew. */
const MAX_KNOWN = 10_000;

const NO_RETENTION = { maxAgeMs: undefined, maxRecords: undefined, maxBytes: undefined };

/** `orders` is one topic type, `orders.*` all that begin with `orders.`. @throws AgentrtError `INVALID_OPTION` */
export function durablePattern(text: string): TopicPattern {
  return topicPattern(text, "durable");
}

/** As {@link durablePattern} reads it. */
export function durablePatternText({ kind, text }: TopicPattern): string {
  return kind === "prefix" ? `${text}*` : text;
}

/** Which topics are durable at a host: what is declared in its message log, those of its settings among it. */
export class DurableTopics {
  readonly #log: MessageLog | undefined;
  readonly #configured: readonly TopicPattern[];
  readonly #listeners = new Set<() => void>();
  #declarations: readonly TopicDeclaration[] = [];
  #hasDurable = false;
  /** By topic type; null for one that is not durable. */
  readonly #known = new Map<string, TopicDeclaration | null>();

  /**
   * @param configured topics that are declared durable when nothing else is declared for them
   * @throws AgentrtError `DURABLE_NEEDS_DATA` when there are some and no log
   */
  constructor(log: MessageLog | undefined, configured: readonly TopicPattern[] = []) {
    this.#log = log;
    this.#configured = configured;
    if (configured.length > 0) {
      this.#assertLog();
    }
  }

  /** Reads what is declared. To be called once, before anything else. @throws AgentrtError as the log */
  async open(): Promise<void> {
    if (this.#log === undefined) {
      return;
    }
    const stored = await this.#log.listTopics();
    for (const pattern of this.#configured) {
      if (!stored.some((one) => isSame(one.pattern, pattern))) {
        await this.#log.putTopic(durable(pattern));
      }
    }
    await this.#refresh();
  }

  /** The declaration of a durable topic; undefined for one that is not. */
  declarationFor(topicType: string): TopicDeclaration | undefined {
    if (!this.#hasDurable) {
      return undefined;
    }
    const known = this.#known.get(topicType);
    if (known !== undefined) {
      return known ?? undefined;
    }
    const found = declarationOf(this.#declarations, topicType);
    const durableOne = found?.isDurable === true ? found : undefined;
    if (this.#known.size >= MAX_KNOWN) {
      this.#known.clear();
    }
    this.#known.set(topicType, durableOne ?? null);
    return durableOne;
  }

  /** Everything declared, by kind and text of the pattern; not only what is durable. */
  list(): readonly TopicDeclaration[] {
    return this.#declarations;
  }

  /** Patterns of durable topics. One that is declared otherwise may be among what they match. */
  get patterns(): readonly TopicPattern[] {
    return this.#declarations.filter(({ isDurable }) => isDurable).map(({ pattern }) => pattern);
  }

  /** Replaces an earlier declaration of the same pattern. @throws AgentrtError `DURABLE_NEEDS_DATA`; as the log */
  async put(declaration: TopicDeclaration): Promise<void> {
    await this.#assertLog().putTopic(declaration);
    await this.#refresh();
  }

  /**
   * False when there was none. What is stored of its topics stays, as the cursors do.
   * One of the host's settings comes back with the next start.
   * @throws AgentrtError `DURABLE_NEEDS_DATA`; as the log
   */
  async remove(pattern: TopicPattern): Promise<boolean> {
    const wasThere = await this.#assertLog().removeTopic(pattern);
    await this.#refresh();
    return wasThere;
  }

  /** Calls `listener` after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #assertLog(): MessageLog {
    if (this.#log === undefined) {
      throw new AgentrtError(
        "DURABLE_NEEDS_DATA",
        "A topic cannot be durable at a host that keeps no data. Give it a folder with --data DIR.",
      );
    }
    return this.#log;
  }

  async #refresh(): Promise<void> {
    this.#declarations = (await this.#log?.listTopics()) ?? [];
    this.#hasDurable = this.#declarations.some(({ isDurable }) => isDurable);
    this.#known.clear();
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

/** The declaration of a topic of which nothing is known but that it is durable. */
export function durable(pattern: TopicPattern): TopicDeclaration {
  return {
    pattern,
    isDurable: true,
    retention: NO_RETENTION,
    maxDeliver: undefined,
    timeToLiveMs: undefined,
    settingsJson: undefined,
  };
}

function isSame(a: TopicPattern, b: TopicPattern): boolean {
  return a.kind === b.kind && a.text === b.text;
}
