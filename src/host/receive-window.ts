import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { RECEIVE_WINDOW_BYTES } from "../wire/channel-options.ts";

/**
 * Lets a peer send so much before the host's HTTP/2 answers, on each stream and connection. A client has
 * the option `grpc-node.flow_control_window` for it; grpc-js 1.14 has none for a server, so this reaches
 * for the options that it hands to node:http2. To be called before the server makes a listener; a grpc-js
 * that keeps them elsewhere works on with HTTP/2's own 64 KiB.
 */
export function widenStreams(server: Server): void {
  const options: unknown = Reflect.get(server, "commonServerOptions");
  if (typeof options === "object" && options !== null) {
    const settings: unknown = Reflect.get(options, "settings");
    Reflect.set(options, "settings", {
      ...(typeof settings === "object" ? settings : undefined),
      initialWindowSize: RECEIVE_WINDOW_BYTES,
    });
  }
}

/** The same for connections; to be called when the server has made its listeners. */
export function widenConnections(server: Server): void {
  const listeners: unknown = Reflect.get(server, "http2Servers");
  if (listeners instanceof Map) {
    for (const listener of listeners.keys() as Iterable<Http2Server>) {
      listener.on("session", (session: ServerHttp2Session) => {
        session.setLocalWindowSize(RECEIVE_WINDOW_BYTES);
      });
    }
  }
}
