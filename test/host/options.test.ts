import { expect, test } from "bun:test";
import { type HostOptions, resolveHostOptions } from "../../src/host/options.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { thrownBy } from "../kit/thrown.ts";

const MIB = 1024 * 1024;

const DEFAULTS: HostOptions = {
  listen: "127.0.0.1:50051",
  isInsecureAllowed: false,
  maxMessageBytes: 4 * MIB,
  rpcTimeoutMs: 60_000,
  drainTimeoutMs: 5_000,
  outboxMaxMessages: 100_000,
  outboxMaxBytes: 64 * MIB,
  slowWorkerPolicy: "shed",
  fullQueue: {},
  slowWorkerTimeoutMs: 30_000,
  publisherHoldMs: 500,
  maxConnections: 10_000,
  maxWorkers: 10_000,
  maxPendingCalls: 100_000,
  maxAgentTypesPerWorker: 1_000,
  maxSubscriptionsPerWorker: 10_000,
  maxTopicsTracked: 10_000,
  registrationGraceMs: 30_000,
  sessionGraceMs: 0,
  agentPolicies: {},
  retain: [],
  retainMaxAgeMs: 7 * 86_400_000,
  retainOwnerGraceMs: 60_000,
  retainMaxValues: 10_000,
  retainMaxBytes: 64 * MIB,
  maxRoutes: 16_384,
  linkWindowBytes: 524_288,
  linkWindowMessages: 65_536,
  maxHeaders: 128,
  maxHeaderBytes: 16 * 1_024,
  handshakeTimeoutMs: 10_000,
  messageLog: undefined,
  durable: [],
  durableMaxDeliver: 10,
  deadLetterStore: undefined,
  backupFolder: "backups",
  tracerProvider: undefined,
  version: "0.0.0",
};
const NAMES = Object.keys(DEFAULTS) as (keyof HostOptions)[];

const RANGES = [
  ["maxMessageBytes", 1_024, 1_024 * MIB],
  ["rpcTimeoutMs", 1, 86_400_000],
  ["drainTimeoutMs", 0, 3_600_000],
  ["outboxMaxMessages", 1, 10_000_000],
  ["outboxMaxBytes", 1_024, 1_024 * 1_024 * MIB],
  ["slowWorkerTimeoutMs", 100, 86_400_000],
  ["publisherHoldMs", 0, 60_000],
  ["maxConnections", 1, 1_000_000],
  ["maxWorkers", 1, 1_000_000],
  ["maxPendingCalls", 1, 10_000_000],
  ["maxAgentTypesPerWorker", 1, 1_000_000],
  ["maxSubscriptionsPerWorker", 1, 10_000_000],
  ["maxTopicsTracked", 1, 1_000_000],
  ["registrationGraceMs", 100, 3_600_000],
  ["sessionGraceMs", 0, 86_400_000],
  ["durableMaxDeliver", 1, 1_000_000],
  ["retainMaxAgeMs", 1, 365 * 86_400_000],
  ["retainOwnerGraceMs", 0, 86_400_000],
  ["retainMaxValues", 1, 10_000_000],
  ["retainMaxBytes", 1_024, 1_024 * 1_024 * MIB],
  ["maxHeaders", 1, 100_000],
  ["maxRoutes", 1, 1_000_000],
  ["linkWindowBytes", 1_024, 1_073_741_824],
  ["linkWindowMessages", 16, 1_000_000_000],
  ["maxHeaderBytes", 64, 16 * MIB],
  ["handshakeTimeoutMs", 100, 3_600_000],
] as const;

test("host options - all have defaults, and the result is frozen", () => {
  const options = resolveHostOptions({});
  expect(options).toEqual(DEFAULTS);
  expect(Object.isFrozen(options)).toBe(true);
});

test.each(NAMES)("host options - an explicit undefined for %s counts as absent", (name) => {
  expect(resolveHostOptions({ [name]: undefined })).toEqual(DEFAULTS);
});

test("host options - what is given is taken", () => {
  const deadLetterStore = createMemoryStore();
  const given: Partial<HostOptions> = {
    listen: "127.0.0.1:0",
    isInsecureAllowed: true,
    slowWorkerPolicy: "disconnect",
    deadLetterStore,
    version: "1.2.3",
  };
  expect(resolveHostOptions(given)).toEqual({ ...DEFAULTS, ...given });
});

test("host options - every number has a range", () => {
  const numbers = NAMES.filter((name) => typeof DEFAULTS[name] === "number");
  expect(RANGES.map(([name]) => name as keyof HostOptions).sort()).toEqual(numbers.sort());
});

test.each(RANGES)("host options - %s goes from %d to %d", (name, least, most) => {
  expect(resolveHostOptions({ [name]: least })[name]).toBe(least);
  expect(resolveHostOptions({ [name]: most })[name]).toBe(most);
  for (const value of [least - 1, most + 1, least + 0.5, Number.NaN, "5" as unknown as number]) {
    expect(thrownBy(() => resolveHostOptions({ [name]: value }))).toMatchObject({
      code: "INVALID_OPTION",
      message: `Host option ${name} is ${value}; give a whole number from ${least} to ${most}.`,
      data: { option: name },
    });
  }
});

test("host options - a policy that does not exist is refused", () => {
  const slowWorkerPolicy = "wait" as unknown as HostOptions["slowWorkerPolicy"];
  expect(thrownBy(() => resolveHostOptions({ slowWorkerPolicy }))).toMatchObject({
    code: "INVALID_OPTION",
    message: 'Host option slowWorkerPolicy is "wait"; give "shed" or "disconnect".',
  });
});

test("host options - an agent policy that does not exist is refused, and so is an illegal type", () => {
  const refused = thrownBy(() => resolveHostOptions({ agentPolicies: { a: "often" as "shared" } }));
  expect(refused).toMatchObject({ code: "INVALID_OPTION", data: { option: "agentPolicies" } });
  expect(thrownBy(() => resolveHostOptions({ agentPolicies: { "a b": "shared" } })).code).toBe(
    "INVALID_AGENT_ID",
  );
  const agentPolicies = { a: "shared", b: "standby" } as const;
  expect(resolveHostOptions({ agentPolicies }).agentPolicies).toEqual(agentPolicies);
});
