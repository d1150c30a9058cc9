import { expect, test } from "bun:test";
import fc from "fast-check";
import { AgentrtError } from "../../src/core/errors.ts";
import {
  assertListenAllowed,
  formatListenAddress,
  isLoopbackHost,
  parseListenAddress,
} from "../../src/security/listen-rule.ts";

function codeOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    return AgentrtError.from(error).code;
  }
  return "";
}

test.each([
  ["127.0.0.1:50051", "127.0.0.1", 50051],
  ["localhost:0", "localhost", 0],
  ["my_host.example-1.net:65535", "my_host.example-1.net", 65535],
  ["[::1]:8080", "::1", 8080],
  ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
])("listen address - %s is read", (text, host, port) => {
  expect(parseListenAddress(text)).toEqual({ host, port });
});

test.each([
  "",
  "localhost",
  "127.0.0.1",
  ":8080",
  "[]:8080",
  "::1:8080",
  "[127.0.0.1]:80",
  "[::1]",
  "[::1]8080",
  "localhost:",
  "localhost:65536",
  "localhost:-1",
  "localhost:1e3",
  "localhost:000001",
  "localhost:80:80",
  "http://localhost:80",
  "local host:80",
  "-a:80",
  "a..b:80",
  "127.1:80",
  "1.2.3.256:80",
  "0x7f.1:80",
  "2130706433:80",
  `${"a".repeat(254)}:80`,
  "localhost:80\n",
])("listen address - %p is refused", (text) => {
  expect(codeOf(() => parseListenAddress(text))).toBe("INVALID_OPTION");
});

test("listen address - an error says what to write", () => {
  expect(() => parseListenAddress("localhost")).toThrow(
    new AgentrtError(
      "INVALID_OPTION",
      '"localhost" is not host:port. Write it as 127.0.0.1:50051, localhost:50051 or [::1]:50051.',
    ),
  );
});

test("listen address - formatting undoes parsing", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("localhost", "a-b.c"));
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      const address = { host: name, port };
      expect(parseListenAddress(formatListenAddress(address))).toEqual(address);
    }),
  );
});

test("listen address - any text is read or refused with a code", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(["", "INVALID_OPTION"]).toContain(codeOf(() => parseListenAddress(text)));
    }),
  );
});

test.each([
  "127.0.0.1",
  "127.255.0.9",
  "localhost",
  "LOCALHOST",
  "::1",
  "[::1]",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::1%lo",
])("loopback - %s is", (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

test.each([
  "0.0.0.0",
  "::",
  "[::]",
  "128.0.0.1",
  "126.255.255.255",
  "::2",
  "::ffff:10.0.0.1",
  "fe80::1",
  "192.168.1.2",
  "example.com",
  "localhost.example.com",
  "127.0.0.1.example.com",
  "",
])("loopback - %p is not", (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});

test("listen rule - loopback needs no permission", () => {
  expect(assertListenAllowed("[::1]:0", false)).toEqual({ host: "::1", port: 0 });
});

test("listen rule - another address is refused with the reason and the way out", () => {
  expect(codeOf(() => assertListenAllowed("0.0.0.0:50051", false))).toBe("LISTEN_REFUSED");
  expect(() => assertListenAllowed("0.0.0.0:50051", false)).toThrow(
    "Listening on 0.0.0.0:50051 is refused: other machines could reach it, and without TLS and " +
      "identities everybody there may read and send every message. Listen on 127.0.0.1:50051, " +
      "or accept this with --insecure.",
  );
});

test("listen rule - another address is taken when that is accepted", () => {
  expect(assertListenAllowed({ host: "::", port: 1 }, true)).toEqual({ host: "::", port: 1 });
});
