import { MAX_STREAM_SILENCE_MS } from "agentrt";
import type { House } from "./house.ts";

export interface EventStreamsOptions {
  readonly maxClients: number;
}

/** What a page that does not read may leave waiting; beyond it the stream ends and the page starts afresh. */
const MAX_WAITING_BYTES = 256 * 1_024;
/** How long a page waits before it connects again, so that a restarted agent is found soon. */
const RETRY_MS = 1_000;

interface Client {
  send(bytes: Uint8Array): void;
  /** Forgets the client, whose stream its reader has closed. */
  forget(): void;
  end(): void;
}

/**
 * The live streams of all open pages (server-sent events, WHATWG HTML, section 9.2).
 * Each begins with the whole house as `snapshot` and goes on with its changes.
 */
export class EventStreams {
  readonly #house: House;
  readonly #maxClients: number;
  readonly #clients = new Set<Client>();
  readonly #stopListening: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  #isClosed = false;

  constructor(house: House, options: EventStreamsOptions) {
    this.#house = house;
    this.#maxClients = options.maxClients;
    this.#stopListening = house.onChange((change) => this.#sendAll(frame(change.kind, change)));
    // An event and not a comment, because the page must see it to know that it is still connected.
    const beat = frame("heartbeat", {});
    this.#heartbeat = setInterval(() => this.#sendAll(beat), MAX_STREAM_SILENCE_MS / 2);
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /**
   * Opens a stream for one page.
   * @returns undefined when as many as allowed are open, or all of it is closed
   */
  open(stopping: AbortSignal | undefined): ReadableStream<Uint8Array> | undefined {
    if (this.#isClosed || stopping?.aborted === true || this.#clients.size >= this.#maxClients) {
      return undefined;
    }
    let client: Client | undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          client = this.#connect(controller, stopping);
        },
        cancel: () => client?.forget(),
      },
      { highWaterMark: MAX_WAITING_BYTES, size: (bytes) => bytes?.byteLength ?? 0 },
    );
  }

  /** Ends every stream; safe to call twice. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    this.#stopListening();
    for (const client of [...this.#clients]) {
      client.end();
    }
  }

  #connect(
    controller: ReadableStreamDefaultController<Uint8Array>,
    stopping: AbortSignal | undefined,
  ): Client {
    const client: Client = {
      send: (bytes) => {
        if ((controller.desiredSize ?? 0) <= 0) {
          client.end();
        } else {
          controller.enqueue(bytes);
        }
      },
      forget: () => {
        this.#clients.delete(client);
        stopping?.removeEventListener("abort", client.end);
      },
      end: () => {
        client.forget();
        controller.close();
      },
    };
    this.#clients.add(client);
    stopping?.addEventListener("abort", client.end, { once: true });
    controller.enqueue(new TextEncoder().encode(`retry: ${RETRY_MS}\n\n`));
    controller.enqueue(frame("snapshot", this.#house.snapshot()));
    return client;
  }

  #sendAll(bytes: Uint8Array): void {
    for (const client of [...this.#clients]) {
      client.send(bytes);
    }
  }
}

/** JSON has no line break of its own, so one data line is enough. */
function frame(event: string, data: object): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
