import { BlockList, isIPv4, isIPv6 } from "node:net";
import { shorten } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";

/** Where a server listens. `host` is without the brackets of IPv6; port 0 means any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;
/** RFC 1123: labels of letters, digits and inner hyphens; container networks use underscores as well. */
const HOST_NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/i;
/** A name whose last label is a number is read as an IPv4 address by resolvers (WHATWG URL, "ends in a number"). */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Reads `host:port`, with IPv6 addresses in brackets as in `[::1]:50051`.
 * @throws AgentrtError `INVALID_OPTION` with a sentence that says what is wrong with the text.
 */
export function parseListenAddress(text: string): ListenAddress {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  if (parts === null) {
    throw invalid(text, "is not host:port");
  }
  const [, bracketed, plain, portText = ""] = parts;
  const host = bracketed ?? plain ?? "";
  if (host === "") {
    throw invalid(text, "has no host");
  }
  if (bracketed === undefined ? !isHostName(host) : !isIPv6(host)) {
    throw invalid(text, `has an illegal host "${shorten(host)}"`);
  }
  if (!/^\d{1,5}$/.test(portText) || Number(portText) > MAX_PORT) {
    throw invalid(text, `has no port between 0 and ${MAX_PORT}`);
  }
  return Object.freeze({ host, port: Number(portText) });
}

/** The opposite of {@link parseListenAddress}. */
export function formatListenAddress(address: ListenAddress): string {
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/**
 * True when only processes of this machine can reach the host: 127.0.0.0/8, ::1 and
 * `localhost`. Any other name counts as reachable from outside, because what it resolves to may
 * change. Brackets round IPv6 are allowed.
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (isIPv4(bare)) {
    return LOOPBACK.check(bare, "ipv4");
  }
  if (isIPv6(bare)) {
    // The zone is a network interface, which the list does not know.
    return LOOPBACK.check(bare.replace(/%.*$/, ""), "ipv6");
  }
  return bare.toLowerCase() === "localhost";
}

/**
 * Holds the rule that a server without TLS and identities is reachable from this machine only.
 * @param address as {@link parseListenAddress} reads it
 * @returns the address, so that the rule and the parsing are one call
 * @throws AgentrtError `LISTEN_REFUSED`, or `INVALID_OPTION` when the text is no address
 */
export function assertListenAllowed(
  address: string | ListenAddress,
  isInsecureAllowed: boolean,
): ListenAddress {
  const parsed = typeof address === "string" ? parseListenAddress(address) : address;
  if (!isInsecureAllowed && !isLoopbackHost(parsed.host)) {
    const text = formatListenAddress(parsed);
    throw new AgentrtError(
      "LISTEN_REFUSED",
      `Listening on ${text} is refused: other machines could reach it, and without TLS and ` +
        `identities everybody there may read and send every message. Listen on ` +
        `127.0.0.1:${parsed.port}, or accept this with --insecure.`,
      { data: { address: text } },
    );
  }
  return parsed;
}

function isHostName(host: string): boolean {
  if (isIPv4(host)) {
    return true;
  }
  return host.length <= 253 && HOST_NAME.test(host) && !ENDS_IN_NUMBER.test(host);
}

function invalid(text: string, what: string): AgentrtError {
  return new AgentrtError(
    "INVALID_OPTION",
    `"${shorten(text)}" ${what}. Write it as 127.0.0.1:50051, localhost:50051 or [::1]:50051.`,
    { data: { value: shorten(text) } },
  );
}
