import { formatListenAddress, parseListenAddress } from "../security/listen-rule.ts";

/** The address to dial for one that is listened on: a wildcard is no destination everywhere. */
export function dialAddress(listened: string): string {
  const { host, port } = parseListenAddress(listened);
  if (host === "0.0.0.0") {
    return formatListenAddress({ host: "127.0.0.1", port });
  }
  return formatListenAddress({ host: host === "::" ? "::1" : host, port });
}
