import { expect, test } from "bun:test";
import { readEnvironment } from "../../src/cli/environment-variables.ts";
import { AgentrtError } from "../../src/core/errors.ts";

test("environment - only AGENTRT_ variables count", () => {
  expect(readEnvironment({ AGENTRT_LISTEN: "a:1", LISTEN: "b:2", AGENTRT: "x" })).toEqual([
    {
      name: "listen",
      raw: "a:1",
      origin: { kind: "environment", variable: "AGENTRT_LISTEN" },
    },
  ]);
});

test("environment - an unknown variable names the nearest", () => {
  expect(() => readEnvironment({ AGENTRT_LISTN: "a:1" })).toThrow(
    new AgentrtError(
      "UNKNOWN_OPTION",
      "The environment variable AGENTRT_LISTN is not a setting. Did you mean AGENTRT_LISTEN?",
    ),
  );
});

test.each([
  "AGENTRT_SERVICE_HOST",
  "AGENTRT_SERVICE_PORT",
  "AGENTRT_SERVICE_PORT_GRPC",
  "AGENTRT_PORT",
  "AGENTRT_PORT_50051_TCP",
  "AGENTRT_PORT_50051_TCP_ADDR",
  "AGENTRT_HOST_SERVICE_HOST",
  "AGENTRT_HOST_PORT_50051_TCP_PROTO",
])("environment - %s, which Kubernetes makes for a service, is no mistake", (variable) => {
  expect(readEnvironment({ [variable]: "10.0.0.1" })).toEqual([]);
});
