import { describe, expect, test } from "bun:test";
import type { WorkerOptionsInput } from "../../src/worker/worker-options.ts";
import { workerOptions } from "../../src/worker/worker-options.ts";
import { thrownBy } from "../kit/thrown.ts";

describe("worker options", () => {
  test("absent and undefined options take their defaults; the result is frozen", () => {
    const absent = workerOptions();
    const names = Object.keys(absent) as (keyof WorkerOptionsInput)[];
    const explicit = workerOptions(Object.fromEntries(names.map((name) => [name, undefined])));
    const { clientId: _first, ...rest } = absent;
    const { clientId: _second, ...others } = explicit;
    expect(others).toEqual(rest);
    expect(rest).toEqual({
      hostAddress: "localhost:50051",
      connectTimeoutMs: undefined,
      connectAttemptTimeoutMs: 5_000,
      registerTimeoutMs: 10_000,
      backoffInitialMs: 50,
      backoffMaxMs: 1_000,
      registration: "fail",
      lastWill: undefined,
      dialect: "agentrt",
      compression: "auto",
      retainMaxValues: 10_000,
      retainMaxBytes: 16 * 2 ** 20,
      maxMessageBytes: 4 * 2 ** 20,
      callTimeoutMs: 60_000,
      drainTimeoutMs: 5_000,
      mailboxMaxMessages: 10_000,
      mailboxMaxBytes: 64 * 2 ** 20,
      mailboxFullPolicy: "drop-oldest",
      maxInstances: 100_000,
      agentDefaults: {},
      dedupWindowMs: 60_000,
      dedupMaxEntries: 100_000,
      bufferMaxMessages: 10_000,
      bufferMaxBytes: 16 * 2 ** 20,
      interventionHandlers: [],
      stateStore: undefined,
      onDeadLetter: undefined,
      tracerProvider: undefined,
    });
    expect(Object.isFrozen(absent)).toBe(true);
    expect(absent.clientId).not.toBe(explicit.clientId);
  });

  test("bounds - the smallest and largest values are taken", () => {
    const timer = 2 ** 31 - 1;
    for (const value of [1, timer]) {
      const taken = workerOptions({
        callTimeoutMs: value,
        connectTimeoutMs: value,
        maxMessageBytes: value,
      });
      expect(taken.callTimeoutMs).toBe(value);
      expect(taken.connectTimeoutMs).toBe(value);
    }
    expect(workerOptions({ drainTimeoutMs: 0, bufferMaxMessages: 0 }).drainTimeoutMs).toBe(0);
  });

  test("bounds - what is beyond is refused, naming the option", () => {
    const beyond: readonly WorkerOptionsInput[] = [
      { callTimeoutMs: 0 },
      { callTimeoutMs: 2 ** 31 },
      { connectTimeoutMs: 0 },
      { drainTimeoutMs: -1 },
      { dedupWindowMs: -1 },
      { dedupMaxEntries: 1 },
      { mailboxMaxMessages: 0 },
      { mailboxMaxBytes: 0.5 },
      { maxInstances: Number.NaN },
      { bufferMaxMessages: Number.POSITIVE_INFINITY },
      { backoffMaxMs: 0 },
      { maxMessageBytes: 0 },
      { clientId: "" },
      { clientId: "with space" },
      { clientId: "x".repeat(129) },
    ];
    for (const input of beyond) {
      const error = thrownBy(() => workerOptions(input));
      expect(error.code).toBe("INVALID_OPTION");
      expect(error.data["option"]).toBe(Object.keys(input)[0] ?? "");
    }
    for (const [name, value] of [
      ["mailboxFullPolicy", "drop-everything"],
      ["registration", "maybe"],
      ["compression", "lz4"],
    ] as const) {
      const error = thrownBy(() => workerOptions({ [name]: value } as WorkerOptionsInput));
      expect(error.data["option"]).toBe(name);
    }
  });

  test("hostAddress - a host and a port, nothing else", () => {
    for (const hostAddress of ["localhost:1", "127.0.0.1:65535", "[::1]:50051", "a-b.example:80"]) {
      expect(workerOptions({ hostAddress }).hostAddress).toBe(hostAddress);
    }
    for (const hostAddress of [
      "localhost",
      "localhost:",
      ":1",
      "::1:50051",
      "h:65536",
      "unix:/x",
      "http://h:1",
      "h :1",
      "",
    ]) {
      expect(thrownBy(() => workerOptions({ hostAddress })).code).toBe("INVALID_OPTION");
    }
  });
});
