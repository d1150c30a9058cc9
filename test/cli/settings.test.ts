import { expect, test } from "bun:test";
import { readConfigText } from "../../src/cli/config-file.ts";
import { type Flags, readFlags } from "../../src/cli/flags.ts";
import { resolveSettings } from "../../src/cli/resolve-settings.ts";
import { type Machine, variableOf } from "../../src/cli/setting.ts";
import {
  isForRoles,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  settingOf,
} from "../../src/cli/settings.ts";
import { fullQueueOf, spilledTopicsOf } from "../../src/cli/settings-queues.ts";
import { policiesOf } from "../../src/cli/settings-routing.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { resolveHostOptions } from "../../src/host/options.ts";

const MACHINE: Machine = { platform: "linux", environment: {}, home: "/home/user" };

interface Samples {
  /** Two legal values, both other than the default, as text. */
  readonly legal: readonly [string, string];
  /** The least and the most that is legal. */
  readonly bounds?: readonly [string, string];
  /** Just beyond the bounds, or otherwise illegal. */
  readonly illegal: readonly string[];
}

const TEMPERATURE: Samples = {
  legal: ["26", "26.5"],
  bounds: ["-50", "100"],
  illegal: ["-50.1", "100.1", "warm"],
};
const HUMIDITY: Samples = { legal: ["40", "41.5"], bounds: ["0", "100"], illegal: ["-1", "101"] };
const countTo = (max: number): Samples => ({
  legal: ["7", "8"],
  bounds: ["1", String(max)],
  illegal: ["0", String(max + 1), "1.5", "many"],
});
const timeTo = (min: string, max: string, ...illegal: string[]): Samples => ({
  legal: ["7s", "8s"],
  bounds: [min, max],
  illegal: [...illegal, "7", "soon"],
});
const TIMER = timeTo("1ms", "24d", "0ms", "25d");
const ADDRESS: Samples = {
  legal: ["127.0.0.1:1", "[::1]:65535"],
  illegal: ["localhost", "localhost:65536", ":1"],
};

/** A setting without samples does not compile. */
const SAMPLES: Record<SettingName, Samples> = {
  role: { legal: ["host", "host,ui-agent"], illegal: ["hots", "host,host", ","] },
  config: { legal: ["a.toml", "b.toml"], illegal: ["a\0b"] },
  data: { legal: ["none", "folder"], illegal: ["a\0b"] },
  "max-message-size": {
    legal: ["1MiB", "2000000"],
    bounds: ["1KiB", "256MiB"],
    illegal: ["1023", "257MiB", "big"],
  },
  "drain-timeout": timeTo("0ms", "10m", "-1s", "11m"),
  insecure: { legal: ["true", "yes"], illegal: ["perhaps"] },
  "allowed-hosts": { legal: ["house.example", "a,localhost:9000"], illegal: ["a b", "http://x"] },
  "log-level": { legal: ["debug", "fatal"], illegal: ["verbose"] },
  trace: { legal: ["otlp", "file:spans.json"], illegal: ["jaeger", "file:", "on"] },
  "log-format": { legal: ["json", "pretty"], illegal: ["xml"] },
  listen: ADDRESS,
  http: { ...ADDRESS, legal: ["off", "127.0.0.1:0"] },
  "rpc-timeout": timeTo("1ms", "1d", "0ms", "25h"),
  "outbox-max-messages": countTo(1_000_000),
  "outbox-max-size": {
    legal: ["1MiB", "2MiB"],
    bounds: ["64KiB", "4GiB"],
    illegal: ["1KiB", "5GiB"],
  },
  "publisher-hold": { legal: ["1s", "250ms"], bounds: ["0s", "1m"], illegal: ["2m", "-1s"] },
  "slow-worker-policy": { legal: ["disconnect", "disconnect"], illegal: ["wait"] },
  "slow-worker-timeout": timeTo("100ms", "1h", "99ms", "2h"),
  "max-connections": countTo(1_000_000),
  "max-workers": countTo(1_000_000),
  "max-pending-calls": countTo(10_000_000),
  "agent-policy": {
    legal: ["a=shared,b.c=standby", "d=broadcast"],
    illegal: ["a", "a=often", "=shared", "a b=shared"],
  },
  retain: { legal: ["a", "a/b,c:d"], illegal: ["a b", "/b"] },
  "retain-max-age": timeTo("1ms", "365d", "0ms", "366d"),
  "retain-owner-grace": timeTo("0ms", "1d", "-1s", "25h"),
  "retain-max-values": countTo(10_000_000),
  "retain-max-size": { legal: ["1MiB", "2MiB"], bounds: ["1KiB", "4GiB"], illegal: ["1", "5GiB"] },
  "session-grace": timeTo("0ms", "1d", "-1s", "25h"),
  "max-headers": countTo(100_000),
  "max-header-size": { legal: ["1KiB", "2KiB"], bounds: ["64", "16MiB"], illegal: ["63", "17MiB"] },
  "max-routes": countTo(1_000_000),
  "durable-topics": { legal: ["orders", "orders.*,jobs"], illegal: ["a*b", "**", "a b"] },
  "durable-max-deliver": countTo(1_000_000),
  "durable-dead-max-count": countTo(10_000_000),
  "durable-dead-max-size": {
    legal: ["1GiB", "2MiB"],
    bounds: ["1MiB", "1024GiB"],
    illegal: ["1KiB"],
  },
  "durable-dead-max-age": { ...timeTo("1s", "36500d", "999ms", "36501d"), legal: ["7d", "off"] },
  "durable-max-size": { legal: ["1GiB", "2MiB"], bounds: ["1MiB", "1024GiB"], illegal: ["1KiB"] },
  compression: { legal: ["off", "zstd"], illegal: ["on", "lz4"] },
  "link-window": { legal: ["1KiB", "2MiB"], bounds: ["1KiB", "1GiB"], illegal: ["1", "2GiB"] },
  "full-queue": {
    legal: ["a=block", "sensor.*=keep-latest,x=y=drop-oldest,orders=spill"],
    bounds: ["*=drop-oldest", "a=block"],
    illegal: ["a", "a=never", "a*b=block"],
  },
  "link-window-messages": {
    legal: ["16", "100000"],
    bounds: ["16", "1000000000"],
    illegal: ["15", "1KiB", "1000000001"],
  },
  "registration-grace": timeTo("100ms", "1h", "99ms", "2h"),
  "handshake-timeout": timeTo("100ms", "1h", "99ms", "2h"),
  "max-agent-types": countTo(100_000),
  "max-subscriptions": countTo(1_000_000),
  "max-topics": countTo(1_000_000),
  "host-address": { legal: ["host:1", "[::1]:2"], illegal: ["host:0", "host", "host:65536"] },
  agent: { legal: ["a.ts", "a.ts,./agents"], illegal: ["a\0b"] },
  watch: { legal: ["true", "yes"], illegal: ["perhaps"] },
  name: { legal: ["kitchen", "厨房"], illegal: ["a b", "a/b", "x".repeat(65)] },
  interval: timeTo("100ms", "1d", "99ms", "25h"),
  seed: { legal: ["1", "2"], bounds: ["0", "4294967295"], illegal: ["-1", "4294967296", "1.5"] },
  "air-conditioner-on": TEMPERATURE,
  "air-conditioner-off": TEMPERATURE,
  "humidifier-on": HUMIDITY,
  "humidifier-off": HUMIDITY,
  "manual-hold": timeTo("0ms", "7d", "8d"),
  "alert-temperature": TEMPERATURE,
  ui: ADDRESS,
  "handler-timeout": { ...TIMER, legal: ["7s", "off"] },
  "restart-after": { ...countTo(1_000_000), legal: ["7", "off"] },
  "restart-pause": TIMER,
  "restart-pause-max": TIMER,
  "circuit-after": { ...countTo(1_000_000), legal: ["7", "off"] },
  "circuit-open": TIMER,
  "idle-timeout": { ...TIMER, legal: ["7s", "off"] },
  "max-instances": countTo(10_000_000),
  "mailbox-max-messages": countTo(10_000_000),
  "mailbox-max-size": { legal: ["1MiB", "2MiB"], bounds: ["1KiB", "4GiB"], illegal: ["1", "5GiB"] },
  "mailbox-full": { legal: ["drop-newest", "drop-newest"], illegal: ["block"] },
  "isolate-unresponsive": timeTo("10ms", "24d", "9ms", "25d"),
  "isolate-max-memory": {
    legal: ["1MiB", "2MiB"],
    bounds: ["1MiB", "64GiB"],
    illegal: ["1023KiB", "65GiB"],
  },
};

function flagsFor(name: SettingName, text: string): Flags {
  const isSwitch = settingOf(name).type.placeholder === "";
  const isOn = text === "true" || text === "yes";
  return readFlags(isSwitch ? [`--${isOn ? "" : "no-"}${name}`] : [`--${name}=${text}`]);
}

function resolve(
  name: SettingName,
  given: { flag?: string; variable?: string; file?: string },
): unknown {
  const machine = {
    ...MACHINE,
    environment: given.variable === undefined ? {} : { [variableOf(name)]: given.variable },
  };
  const flags = given.flag === undefined ? [] : flagsFor(name, given.flag).given;
  const isFromFile = given.file !== undefined;
  const config = isFromFile ? readFlags(["--config=agentrt.toml"]).given : [];
  const text = `${name} = ${JSON.stringify(given.file)}`;
  return resolveSettings([...config, ...flags], machine, () =>
    isFromFile ? readConfigText(text, "agentrt.toml") : [],
  ).values[name];
}

function read(name: SettingName, text: string): unknown {
  const parsed = settingOf(name).type.parse(text);
  if (!parsed.ok) {
    throw new Error(parsed.problem);
  }
  return parsed.value;
}

function fails(step: () => unknown): AgentrtError {
  try {
    step();
  } catch (error) {
    return AgentrtError.from(error);
  }
  throw new Error("It did not fail.");
}

for (const name of SETTING_NAMES) {
  const { legal, bounds = [], illegal } = SAMPLES[name];
  const [first, second] = legal;
  const isForFiles = settingOf(name).isNotForFiles !== true;

  test(`setting ${name} - absent, it has its default`, () => {
    expect(resolve(name, {})).toEqual(settingOf(name).fallback(MACHINE));
  });

  test(`setting ${name} - its default can be written and read back`, () => {
    const { type, fallback } = settingOf(name);
    const value = fallback(MACHINE);
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (value !== undefined && !isEmpty) {
      expect(type.parse(type.format(value))).toEqual({ ok: true, value });
    }
  });

  test(`setting ${name} - a variable that is empty counts as not set`, () => {
    expect(resolve(name, { variable: "" })).toEqual(settingOf(name).fallback(MACHINE));
  });

  test(`setting ${name} - each way alone gives the value`, () => {
    expect(resolve(name, { flag: first })).toEqual(read(name, first));
    if (name !== "config") {
      expect(resolve(name, { variable: first })).toEqual(read(name, first));
    }
    if (isForFiles) {
      expect(resolve(name, { file: first })).toEqual(read(name, first));
    }
  });

  test(`setting ${name} - flag before environment before file`, () => {
    expect(resolve(name, { flag: first, variable: second })).toEqual(read(name, first));
    expect(resolve(name, { flag: second, variable: first })).toEqual(read(name, second));
    if (isForFiles) {
      expect(resolve(name, { variable: first, file: second })).toEqual(read(name, first));
      expect(resolve(name, { flag: second, file: first })).toEqual(read(name, second));
    }
  });

  test(`setting ${name} - its bounds are legal`, () => {
    for (const bound of bounds) {
      expect(resolve(name, { variable: bound })).toEqual(read(name, bound));
    }
  });

  test(`setting ${name} - beyond is an error that names the place`, () => {
    for (const text of illegal) {
      const error = fails(() => resolve(name, { variable: text }));
      expect(error.code).toBe("INVALID_OPTION");
      expect(error.message).toStartWith(`${variableOf(name)}: `);
      expect(error.data).toEqual({ setting: name });
      if (settingOf(name).type.placeholder !== "") {
        expect(fails(() => resolve(name, { flag: text })).message).toStartWith(`--${name}: `);
      }
      if (isForFiles) {
        expect(fails(() => resolve(name, { file: text })).message).toStartWith(
          `${name} in agentrt.toml line 1: `,
        );
      }
    }
  });
}

test("settings - a stronger way does not hide an invalid value", () => {
  expect(fails(() => resolve("interval", { flag: "7s", variable: "7" })).code).toBe(
    "INVALID_OPTION",
  );
});

test("settings - the host's own defaults are the same", () => {
  const fallback = <N extends SettingName>(name: N) => SETTINGS[name].fallback(MACHINE);
  expect(resolveHostOptions({})).toMatchObject({
    listen: fallback("listen"),
    isInsecureAllowed: fallback("insecure"),
    maxMessageBytes: fallback("max-message-size"),
    rpcTimeoutMs: fallback("rpc-timeout"),
    drainTimeoutMs: fallback("drain-timeout"),
    outboxMaxMessages: fallback("outbox-max-messages"),
    outboxMaxBytes: fallback("outbox-max-size"),
    publisherHoldMs: fallback("publisher-hold"),
    slowWorkerPolicy: fallback("slow-worker-policy"),
    fullQueue: fullQueueOf(SETTINGS["full-queue"].fallback(MACHINE)),
    slowWorkerTimeoutMs: fallback("slow-worker-timeout"),
    maxConnections: fallback("max-connections"),
    maxWorkers: fallback("max-workers"),
    maxPendingCalls: fallback("max-pending-calls"),
    maxAgentTypesPerWorker: fallback("max-agent-types"),
    maxSubscriptionsPerWorker: fallback("max-subscriptions"),
    maxTopicsTracked: fallback("max-topics"),
    registrationGraceMs: fallback("registration-grace"),
    sessionGraceMs: fallback("session-grace"),
    agentPolicies: policiesOf(SETTINGS["agent-policy"].fallback(MACHINE)),
    retain: fallback("retain"),
    retainMaxAgeMs: fallback("retain-max-age"),
    retainOwnerGraceMs: fallback("retain-owner-grace"),
    retainMaxValues: fallback("retain-max-values"),
    retainMaxBytes: fallback("retain-max-size"),
    maxHeaders: fallback("max-headers"),
    maxHeaderBytes: fallback("max-header-size"),
    maxRoutes: fallback("max-routes"),
    durable: fallback("durable-topics"),
    durableMaxDeliver: fallback("durable-max-deliver"),
    linkWindowBytes: fallback("link-window"),
    linkWindowMessages: fallback("link-window-messages"),
    handshakeTimeoutMs: fallback("handshake-timeout"),
  } as Partial<ReturnType<typeof resolveHostOptions>>);
});

test("settings - every limit says what it prevents", () => {
  const limits = SETTING_NAMES.filter((name) => settingOf(name).group === "limits");
  const silent = limits.filter((name) => settingOf(name).prevents === undefined);
  // A policy is a choice between two answers to a limit that says it.
  expect(silent).toEqual(["slow-worker-policy"]);
});

test("settings - a setting belongs to its roles, or to all", () => {
  expect(isForRoles("listen", ["host"])).toBe(true);
  expect(isForRoles("listen", ["ui-agent", "device-agent"])).toBe(false);
  expect(isForRoles("log-level", ["ui-agent"])).toBe(true);
});

test("settings - topics of full-queue that spill are durable; their queues let nothing go", () => {
  const texts = ["a=spill", "b.*=spill", "c=x=spill", "d=drop-oldest"];
  expect(spilledTopicsOf(texts)).toEqual(["a", "b.*", "c=x"]);
  expect(fullQueueOf(texts)).toEqual({
    ...{ a: "block", "b.*": "block", "c=x": "block", d: "drop-oldest" },
  });
});
