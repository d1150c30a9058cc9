import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { messageOf } from "../../core/errors.ts";
import { isLoopbackHost, type ListenAddress } from "../../security/listen-rule.ts";
import { type Check, failed, ok, warning } from "./doctor-check.ts";

/** HTTP/2's connection preface and an empty SETTINGS frame. Source: RFC 9113, section 3.4. */
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_FRAME = 4;

export async function checkName({ host }: ListenAddress): Promise<Check> {
  if (isIP(host) !== 0) {
    return ok("name", `${host} is an address, no name to look up`);
  }
  const started = performance.now();
  try {
    const found = await lookup(host, { all: true });
    const addresses = found.map(({ address }) => address).join(", ");
    return ok("name", `${host} is ${addresses} (${since(started)} ms)`);
  } catch (error) {
    return failed(
      "name",
      `${host} is not known: ${messageOf(error)}`,
      "Check the spelling and the DNS of this machine, or give the host's IP address.",
    );
  }
}

export async function checkPort(address: ListenAddress, timeoutMs: number): Promise<Check> {
  const where = `port ${address.port}`;
  const started = performance.now();
  const { code } = await talk(address, undefined, timeoutMs);
  switch (code) {
    case "open":
      return ok("port", `${where} is open (${since(started)} ms)`);
    case "ECONNREFUSED":
      return failed(
        "port",
        `${where} is closed: nothing listens there`,
        "Start the host (agentrt --role host), or check the port. A host listens on 127.0.0.1 only, unless --listen 0.0.0.0:50051 --insecure lets other machines in.",
      );
    case "timeout":
      return failed(
        "port",
        `${where} did not answer within ${timeoutMs} ms`,
        "A firewall drops the packets, or the machine is off. Allow TCP to this port, also in a cloud's own firewall.",
      );
    default:
      return failed(
        "port",
        `${where} cannot be reached: ${code}`,
        "Check the network and its routes.",
      );
  }
}

/** What the transport is not, once it is known to answer in plain HTTP/2. */
export function checkTls({ host }: ListenAddress): Check {
  return isLoopbackHost(host)
    ? ok("tls", "no TLS, as expected: this machine only")
    : warning(
        "tls",
        "no TLS: whoever is on the way can read and change every message",
        "Keep it inside a network that you trust, or go through a tunnel such as WireGuard or ssh -L.",
      );
}

export async function checkHttp2(address: ListenAddress, timeoutMs: number): Promise<Check> {
  const { bytes } = await talk(address, PREFACE, timeoutMs);
  if (bytes[3] === SETTINGS_FRAME && bytes.length >= 9) {
    return ok("http2", "answers in HTTP/2");
  }
  if (/^(?:HTTP\/|<)/.test(bytes.subarray(0, 5).toString("latin1"))) {
    return failed(
      "http2",
      "answers in HTTP/1: this is a web server",
      "Give the port of the host's --listen (50051), not of its status page, and let no proxy in between turn HTTP/2 into HTTP/1.",
    );
  }
  // Only now, because a host counts a handshake that it does not understand as a broken connection.
  if (await speaksTls(address, timeoutMs)) {
    return failed(
      "http2",
      "the port speaks TLS, which agentrt does not speak yet",
      "Connect to the port behind the proxy, or let the proxy pass plain HTTP/2 (h2c).",
    );
  }
  return failed(
    "http2",
    bytes.length > 0 ? "answers with something that is not HTTP/2" : "says nothing to HTTP/2",
    "Another program listens on this port, or the host is at its --max-connections. Check what it is: ss -ltnp.",
  );
}

async function speaksTls({ host, port }: ListenAddress, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"] });
  const timer = setTimeout(() => resolve(false), timeoutMs);
  socket.once("secureConnect", () => resolve(true));
  // What does not speak TLS answers a handshake with something else, or not at all.
  socket.on("error", () => resolve(false));
  socket.once("close", () => resolve(false));
  const isTls = await promise;
  clearTimeout(timer);
  socket.destroy();
  return isTls;
}

/** Connects; writes, and reads the first bytes, when there is something to write. */
async function talk(
  address: ListenAddress,
  written: Buffer | undefined,
  timeoutMs: number,
): Promise<{ readonly code: string; readonly bytes: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: address.host, port: address.port });
  const timer = setTimeout(() => resolve(socket.connecting ? "timeout" : "open"), timeoutMs);
  let bytes = Buffer.alloc(0);
  socket.once("connect", () => {
    if (written === undefined) {
      resolve("open");
    } else {
      socket.write(written);
    }
  });
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 9) {
      resolve("open");
    }
  });
  socket.on("error", (error) => resolve("code" in error ? String(error.code) : messageOf(error)));
  socket.once("close", () => resolve("open"));
  const code = await promise;
  clearTimeout(timer);
  // An orderly end first, or the host counts a broken connection.
  socket.end(() => socket.destroy());
  return { code, bytes };
}

function since(started: number): string {
  return (performance.now() - started).toFixed(1);
}
