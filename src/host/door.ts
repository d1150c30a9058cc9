import { createServer, type Socket, type Server as TcpServer } from "node:net";
import type { Server as GrpcServer } from "@grpc/grpc-js";
import { ServerCredentials } from "@grpc/grpc-js";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { formatListenAddress, type ListenAddress } from "../security/listen-rule.ts";
import type { IncidentLog } from "./incident-log.ts";
import { widenConnections, widenStreams } from "./receive-window.ts";
import type { MutableTotals } from "./totals.ts";

export interface DoorLimits {
  readonly maxConnections: number;
  /** A connection that has made no call by then is closed. */
  readonly handshakeTimeoutMs: number;
}

/**
 * The host's TCP listener. It is ours rather than grpc-js's, so that connections are counted and
 * bounded before HTTP/2 sees a byte, and so that what breaks on them is seen and reported.
 */
export class Door {
  readonly #limits: DoorLimits;
  readonly #totals: MutableTotals;
  readonly #incidents: IncidentLog;
  readonly #tcp: TcpServer;
  /** Open connections by the peer's `host:port`, with the timer that runs until their first call. */
  readonly #connections = new Map<Socket, ReturnType<typeof setTimeout> | undefined>();
  readonly #byPeer = new Map<string, Socket>();

  constructor(grpc: GrpcServer, limits: DoorLimits, totals: MutableTotals, incidents: IncidentLog) {
    this.#limits = limits;
    this.#totals = totals;
    this.#incidents = incidents;
    widenStreams(grpc);
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    widenConnections(grpc);
    this.#tcp = createServer({ noDelay: true }, (socket) => {
      if (this.#admit(socket)) {
        injector.injectConnection(socket);
      }
    });
  }

  /**
   * @returns the address with the real port
   * @throws AgentrtError `ADDRESS_IN_USE`, `ADDRESS_NOT_ALLOWED`, `ADDRESS_NOT_HERE`
   */
  async open(address: ListenAddress): Promise<ListenAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once("error", (error) => reject(listenError(error, address)));
      this.#tcp.listen({ host: address.host, port: address.port, backlog: 1_024 }, resolve);
    });
    const bound = this.#tcp.address();
    return { host: address.host, port: typeof bound === "object" ? (bound?.port ?? 0) : 0 };
  }

  /** Tells the door that a peer, `host:port` as gRPC names it, has made a call. */
  called(peer: string): void {
    const socket = this.#byPeer.get(peer);
    if (socket !== undefined) {
      clearTimeout(this.#connections.get(socket));
      this.#connections.set(socket, undefined);
    }
  }

  /** Closes the connection of a peer, with all that waits to be sent on it. */
  hangUp(peer: string): void {
    this.#byPeer.get(peer)?.destroy();
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Takes no more connections; the open ones stay. */
  stopAccepting(): void {
    this.#tcp.close();
  }

  /** Closes the connections that are still open. */
  destroyConnections(): void {
    for (const socket of [...this.#connections.keys()]) {
      socket.destroy();
    }
  }

  #admit(socket: Socket): boolean {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    // Without a listener an error of the socket would end the process.
    socket.on("error", (error) => this.#broke(error, peer));
    if (this.#connections.size >= this.#limits.maxConnections) {
      this.#totals.connectionsRefused += 1;
      this.#incidents.record(
        new AgentrtError(
          "TOO_MANY",
          `A connection was refused: ${this.#limits.maxConnections} are open, which is the limit. Raise max-connections if they are all wanted.`,
        ),
        peer,
      );
      socket.destroy();
      return false;
    }
    this.#totals.connectionsAccepted += 1;
    const timer = setTimeout(() => this.#timedOut(socket, peer), this.#limits.handshakeTimeoutMs);
    this.#connections.set(socket, timer);
    this.#byPeer.set(peer, socket);
    socket.once("close", () => {
      clearTimeout(this.#connections.get(socket));
      this.#connections.delete(socket);
      this.#byPeer.delete(peer);
    });
    return true;
  }

  #timedOut(socket: Socket, peer: string): void {
    this.#broke(new Error(`no call within ${this.#limits.handshakeTimeoutMs} ms`), peer);
    socket.destroy();
  }

  #broke(error: Error, peer: string): void {
    this.#totals.connectionsBroken += 1;
    this.#incidents.record(
      new AgentrtError("BAD_FRAME", `A connection broke: ${messageOf(error)}.`, { cause: error }),
      peer,
    );
  }
}

function listenError(error: NodeJS.ErrnoException, address: ListenAddress): AgentrtError {
  const where = formatListenAddress(address);
  const data = { address: where };
  switch (error.code) {
    case "EADDRINUSE":
      return new AgentrtError(
        "ADDRESS_IN_USE",
        `Cannot listen on ${where}: another process does. Stop it, or choose another port with --listen.`,
        { cause: error, data },
      );
    case "EACCES":
      return new AgentrtError(
        "ADDRESS_NOT_ALLOWED",
        `Cannot listen on ${where}: the system does not allow it. Ports below 1024 often need more rights; choose a higher one.`,
        { cause: error, data },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new AgentrtError(
        "ADDRESS_NOT_HERE",
        `Cannot listen on ${where}: this machine has no such address. Use one that it has, such as 127.0.0.1.`,
        { cause: error, data },
      );
    default:
      return new AgentrtError("INTERNAL", `Cannot listen on ${where}: ${messageOf(error)}.`, {
        cause: error,
        data,
      });
  }
}
