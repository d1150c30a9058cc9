/** A TCP connection's way to the host that can be cut, slowed, and held up in one direction. */
import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** toHost: what the worker sends. toWorker: what the host sends. */
export type Direction = "toHost" | "toWorker";

/** What may wait in one direction; beyond, the sender is not read, as a full socket would have it. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** One direction of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #link: FaultyLink;
  readonly #direction: Direction;
  readonly #waiting: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  #waitingBytes = 0;
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    link: FaultyLink,
    direction: Direction,
    {
      from,
      to,
      onEnded,
    }: { readonly from: Socket; readonly to: Socket; readonly onEnded: (pipe: Pipe) => void },
  ) {
    this.#link = link;
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    from.on("data", (chunk: Buffer) => {
      this.#waiting.push({ chunk, dueAt: performance.now() + link.delayMs });
      this.#waitingBytes += chunk.byteLength;
      this.pump();
    });
    from.on("close", () => {
      this.#hasEnded = true;
      this.pump();
    });
    to.on("drain", () => this.pump());
    to.on("close", () => {
      clearTimeout(this.#timer);
      onEnded(this);
    });
  }

  pump(): void {
    clearTimeout(this.#timer);
    while (!this.#link.isHeld(this.#direction) && !this.#to.writableNeedDrain) {
      const [first] = this.#waiting;
      if (first === undefined) {
        break;
      }
      const leftMs = first.dueAt - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.pump(), leftMs);
        break;
      }
      this.#waiting.shift();
      this.#waitingBytes -= first.chunk.byteLength;
      this.#to.write(first.chunk);
    }
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#from.pause();
    } else {
      this.#from.resume();
    }
    if (this.#hasEnded && this.#waiting.length === 0) {
      this.#to.destroySoon();
    }
  }
}

export class FaultyLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #hostPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #pipes = new Set<Pipe>();
  readonly #held = new Set<Direction>();
  #delayMs = 0;
  #port = 0;

  private constructor(hostPort: number) {
    this.#hostPort = hostPort;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async open(hostPort: number): Promise<FaultyLink> {
    const link = new FaultyLink(hostPort);
    await new Promise<void>((resolve) => link.#server.listen(0, "127.0.0.1", resolve));
    const address = link.#server.address();
    link.#port = typeof address === "object" && address !== null ? address.port : 0;
    return link;
  }

  /** What the worker dials. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  isHeld(direction: Direction): boolean {
    return this.#held.has(direction);
  }

  /** From now on everything takes so much longer. */
  delay(ms: number): void {
    this.#delayMs = ms;
    this.#pump();
  }

  /** Nothing goes this way until {@link release}; nobody is told. */
  hold(direction: Direction): void {
    this.#held.add(direction);
  }

  /** What was held up goes on, in its order. */
  release(): void {
    this.#held.clear();
    this.#delayMs = 0;
    this.#pump();
  }

  /** Ends all connections; what was on its way is lost. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.resetAndDestroy();
    }
    this.#pipes.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await Promise.resolve();
  }

  #accept(worker: Socket): void {
    const host = dial({ host: "127.0.0.1", port: this.#hostPort, noDelay: true });
    worker.setNoDelay(true);
    for (const socket of [worker, host]) {
      this.#sockets.add(socket);
      // The close that follows says all.
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
    }
    const onEnded = (pipe: Pipe): void => {
      this.#pipes.delete(pipe);
    };
    const pipes = [
      new Pipe(this, "toHost", { from: worker, to: host, onEnded }),
      new Pipe(this, "toWorker", { from: host, to: worker, onEnded }),
    ];
    for (const pipe of pipes) {
      this.#pipes.add(pipe);
    }
  }

  #pump(): void {
    for (const pipe of this.#pipes) {
      pipe.pump();
    }
  }
}
