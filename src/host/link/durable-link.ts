import { AgentrtError } from "../../core/errors.ts";
import type { TopicDeclaration } from "../../store/log/topic-declaration.ts";
import { type ControlFrame, encodeControlFrame } from "../../wire/link/frames.ts";
import type { AgentRpcParts } from "../admission.ts";
import { durablePatternText } from "../durable/durable-topics.ts";
import type { Session } from "../session.ts";
import type { InboundBatch } from "./inbound-batch.ts";
import type { LinkSink } from "./link-sink.ts";
import type { Producers, ProducerWatcher, Refusal } from "./producers.ts";

export interface DurableLinkOptions {
  readonly parts: AgentRpcParts;
  readonly producers: Producers;
  readonly session: Session;
  /** Told when more of the producer's records are accepted. */
  readonly onAccepted: () => void;
}

interface Greeted {
  readonly producer: string;
  readonly sink: LinkSink;
}

/** What one worker and the host say of durable topics. */
export class DurableLink {
  readonly #options: DurableLinkOptions;
  readonly #watcher: ProducerWatcher = {
    onAccepted: () => this.#acceptedSoon(),
    onRefused: (refusal) => this.#tellRefusal(refusal),
  };
  #greeted: Greeted | undefined;
  #told = "";
  #accepting: ReturnType<typeof setImmediate> | undefined;
  #unwatchTopics: () => void = () => undefined;

  constructor(options: DurableLinkOptions) {
    this.#options = options;
  }

  /** The worker has been welcomed. */
  open(producer: string, sink: LinkSink): void {
    const { parts, producers } = this.#options;
    this.#greeted = { producer, sink };
    producers.touch(producer, this.#watcher);
    this.#tellTopics();
    this.#unwatchTopics = parts.durable.topics.onChange(() => this.#tellTopics());
    for (const refusal of producers.refusals(producer)) {
      this.#tellRefusal(refusal);
    }
  }

  close(): void {
    if (this.#greeted !== undefined) {
      this.#options.producers.unwatch(this.#greeted.producer, this.#watcher);
    }
    clearImmediate(this.#accepting);
    this.#unwatchTopics();
  }

  /** Stores a batch, which counts as accepted then. @param taken called when there is room for more */
  publish(batch: InboundBatch, declaration: TopicDeclaration, taken: () => void): void {
    const { parts, producers, session } = this.#options;
    const settle = producers.hold(batch.route.producer, batch.sequence, batch.count);
    const settled = (error?: AgentrtError): void => {
      // Only now, so that a slow disk slows its publishers down.
      taken();
      settle(error);
    };
    parts.router.events.publishDurable(batch, declaration, session).then(
      () => settled(),
      (error: unknown) => settled(AgentrtError.from(error)),
    );
  }

  /** Takes what the worker says became of records. False: it is another kind of frame. */
  take({ frame }: ControlFrame): boolean {
    const { parts, session } = this.#options;
    const { cursors } = parts.durable;
    if (frame.case === "ack") {
      cursors.ack(session, frame.value.cursor, frame.value.ranges.map(Number));
      return true;
    }
    if (frame.case === "nack") {
      const { cursor, position, error } = frame.value;
      cursors.nack(session, cursor, Number(position), error);
      return true;
    }
    return false;
  }

  #tellTopics(): void {
    const patterns = this.#options.parts.durable.topics.patterns.map(durablePatternText);
    if (patterns.join() !== this.#told) {
      this.#told = patterns.join();
      const frame = encodeControlFrame({ case: "durableTopics", value: { patterns } });
      this.#greeted?.sink.writeControl(frame);
    }
  }

  #tellRefusal({ sequence, count, error }: Refusal): void {
    const { code, message } = error;
    const value = { sequence: BigInt(sequence), count, code, message };
    this.#greeted?.sink.writeControl(encodeControlFrame({ case: "refused", value }));
  }

  /** What was stored with one fsync is told with one frame. */
  #acceptedSoon(): void {
    this.#accepting ??= setImmediate(() => {
      this.#accepting = undefined;
      this.#options.onAccepted();
    });
  }
}
