import { expect, test } from "bun:test";
import { readFlags } from "../../src/cli/flags.ts";
import { resolveSettings } from "../../src/cli/resolve-settings.ts";
import { isolateLimitsOf, supervisionOf } from "../../src/cli/supervision.ts";
import { runtimeOptions } from "../../src/worker/runtime-options.ts";

function valuesOf(args: string) {
  const machine = { platform: "linux", environment: {}, home: "/home/user" } as const;
  return resolveSettings(readFlags(args.split(" ")).given, machine).values;
}

test("supervision - without settings the rules are those of the API", () => {
  const { agentDefaults, ...options } = runtimeOptions(supervisionOf(valuesOf("--role=worker")));
  expect(agentDefaults).toEqual({
    handlerTimeoutMs: undefined,
    idleTimeoutMs: undefined,
    restart: false,
    circuit: false,
  });
  expect({ ...options, agentDefaults: {} }).toEqual({ ...runtimeOptions(), agentDefaults: {} });
});

test("supervision - each setting becomes its option", () => {
  const values = valuesOf(
    "--handler-timeout=1s --idle-timeout=2s --restart-after=3 --restart-pause=4s --restart-pause-max=5s --circuit-after=6 --circuit-open=7s --max-instances=8 --mailbox-max-messages=9 --mailbox-max-size=10KiB --mailbox-full=drop-newest --isolate-unresponsive=11s --isolate-max-memory=12MiB",
  );
  expect(supervisionOf(values)).toEqual({
    agentDefaults: {
      handlerTimeoutMs: 1_000,
      idleTimeoutMs: 2_000,
      restart: { afterFailures: 3, backoffInitialMs: 4_000, backoffMaxMs: 5_000 },
      circuit: { afterFailures: 6, openForMs: 7_000 },
    },
    maxInstances: 8,
    mailboxMaxMessages: 9,
    mailboxMaxBytes: 10_240,
    mailboxFullPolicy: "drop-newest",
  });
  expect(isolateLimitsOf(values)).toEqual({
    unresponsiveAfterMs: 11_000,
    maxMemoryBytes: 12 * 1_048_576,
  });
});
