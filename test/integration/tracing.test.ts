import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector, type OtlpRequest, type ReceivedSpan, spansOf } from "../kit/collector.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

const HOST = ["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", "none"];
/** Spans are exported soon, so that a test need not wait for the five seconds of the default. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: "100" };

let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
  // The first run builds the collector.
}, 540_000);
afterAll(async () => await collector[Symbol.asyncDispose]());

async function startHost(
  trace: string,
  env: Record<string, string>,
): Promise<[AgentrtProcess, string]> {
  const host = startAgentrt([...HOST, "--trace", trace], { env });
  const ready = await host.waitForLog("host ready");
  return [host, String(ready.properties["listen"])];
}

function startAgents(
  roles: string,
  hostAddress: string,
  trace: string,
  env: Record<string, string>,
): AgentrtProcess {
  const settings = ["--host-address", hostAddress, "--data", "none", "--ui", "127.0.0.1:0"];
  const ui = roles.includes("ui-agent") ? settings : settings.slice(0, 4);
  const interval = roles.includes("environment-agent") ? ["--interval", "300ms"] : [];
  return startAgentrt(["--role", roles, ...ui, ...interval, "--trace", trace], { env });
}

function childrenOf(spans: readonly ReceivedSpan[], parent: ReceivedSpan): ReceivedSpan[] {
  return spans.filter(
    ({ traceId, parentSpanId }) => traceId === parent.traceId && parentSpanId === parent.spanId,
  );
}

/** A publish on environment_data with its route and both handlings. */
function wholeTrace(spans: readonly ReceivedSpan[]) {
  for (const publish of spans.filter(({ name }) => name === "publish environment_data")) {
    const [route] = childrenOf(spans, publish);
    const handlings = route === undefined ? [] : childrenOf(spans, route);
    if (route !== undefined && handlings.length === 2) {
      return { publish, route, handlings };
    }
  }
  return undefined;
}

test("tracing - a collector gets publish, route and both handlings of three processes as one trace", async () => {
  const env = { ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
  const [host, address] = await startHost("otlp", { ...env, OTEL_SERVICE_NAME: "my-host" });
  await using _host = host;
  await using _receivers = startAgents("device-agent,security-agent", address, "otlp", {
    ...env,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=receivers",
  });
  await using _sender = startAgents("environment-agent", address, "otlp", env);
  const { publish, route, handlings } = await collector.waitFor("a whole trace", (spans) =>
    wholeTrace(spans.filter(({ service }) => service !== "late-host")),
  );

  const message = {
    "messaging.system": "agentrt",
    "messaging.destination.name": "environment_data",
    "messaging.message.id": publish.attributes["messaging.message.id"] ?? "",
    "message.topic": "environment_data/home",
  };
  expect(publish).toMatchObject({
    service: "agentrt.environment-agent",
    name: "publish environment_data",
    kind: "PRODUCER",
    parentSpanId: "",
    isError: false,
  });
  expect(publish.attributes).toEqual({
    ...message,
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "message.sender": "environment_agent.home/home",
  });
  expect(publish.resource["service.version"]).toMatch(/^\d+\.\d+\.\d+/);
  expect(publish.attributes["messaging.message.id"]).toMatch(/^[0-9a-f-]{36}$/);

  expect(route).toMatchObject({
    service: "my-host",
    name: "route environment_data",
    kind: "INTERNAL",
    isError: false,
  });
  expect(route.attributes).toEqual({ ...message, "messaging.operation.name": "route" });

  const agents = handlings.map(({ attributes }) => attributes["message.agent"]).sort();
  expect(agents).toEqual(["device_agent/home", "security_agent/home"]);
  for (const handling of handlings) {
    expect(handling).toMatchObject({ service: "receivers", name: "handle_message" });
    expect(handling.kind).toBe("CONSUMER");
    expect(handling.resource["deployment.environment.name"]).toBe("test");
    expect(handling.attributes).toEqual({
      ...message,
      "messaging.operation.name": "handle_message",
      "messaging.operation.type": "process",
      "message.agent": handling.attributes["message.agent"] ?? "",
      "message.sender": "environment_agent.home/home",
    });
  }
});

test("tracing - a call is one trace from its sender through the host to the handler and back", async () => {
  const env = { ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
  const roles = "device-agent,security-agent,ui-agent,environment-agent";
  const [host, address] = await startHost("otlp", { ...env, OTEL_SERVICE_NAME: "call-host" });
  await using _host = host;
  await using _agents = startAgents(roles, address, "otlp", {
    ...env,
    OTEL_SERVICE_NAME: "call-agents",
  });
  const { send, route, handling } = await collector.waitFor("a call", (spans) => {
    for (const one of spans.filter((span) => span.name === "send device_agent")) {
      const [routed] = childrenOf(spans, one);
      const [handled] = routed === undefined ? [] : childrenOf(spans, routed);
      if (routed !== undefined && handled !== undefined) {
        return { send: one, route: routed, handling: handled };
      }
    }
    return undefined;
  });
  expect([send.kind, send.service]).toEqual(["CLIENT", "call-agents"]);
  expect([route.name, route.kind, route.service]).toEqual([
    "route device_agent",
    "INTERNAL",
    "call-host",
  ]);
  expect([handling.name, handling.kind]).toEqual(["handle_message", "SERVER"]);
  expect(handling.attributes["message.agent"]).toBe("device_agent/home");
  expect(handling.attributes["message.topic"]).toBeUndefined();
  // The UI agent asks while it handles an event, so the call belongs to the event's trace.
  const cause = collector.spans.find(({ spanId }) => spanId === send.parentSpanId);
  expect(cause?.attributes["message.agent"]).toBe("ui_agent/home");
});

test("tracing - without a collector everything runs, the log says so once, and spans come when it is there", async () => {
  await using late = await Collector.absent();
  const env = {
    ...SOON,
    OTEL_EXPORTER_OTLP_ENDPOINT: late.endpoint,
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    OTEL_SERVICE_NAME: "late-host",
  };
  const roles = "host,environment-agent,device-agent,security-agent";
  const flags = [
    "--listen",
    "127.0.0.1:0",
    "--http",
    "off",
    "--data",
    "none",
    "--interval",
    "100ms",
  ];
  await using home = startAgentrt(["--role", roles, ...flags, "--trace", "otlp"], { env });
  const complaint = "spans cannot be exported and are lost; messages are not affected";
  await home.waitForLog(complaint, 40_000);
  await late.resume();
  await home.waitForLog("spans are exported again", 40_000);
  await late.waitFor("a span", (spans) => spans[0]);
  expect(home.logs.filter(({ message }) => message === complaint)).toHaveLength(1);
  expect(home.logs.filter(({ level }) => level === "ERROR" || level === "FATAL")).toEqual([]);
  expect(await home.stop()).toBe(0);
});

test("tracing - a host whose collector is absent ends in good time", async () => {
  await using absent = await Collector.absent();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: absent.endpoint };
  const roles = "host,environment-agent,device-agent";
  const flags = [
    "--listen",
    "127.0.0.1:0",
    "--http",
    "off",
    "--data",
    "none",
    "--interval",
    "100ms",
  ];
  await using home = startAgentrt(["--role", roles, ...flags, "--trace", "otlp"], { env });
  await home.waitForLog("joining host");
  expect(await home.stop()).toBe(0);
  expect(home.logs.at(-1)?.message).toBe("stopped");
  const said = home.logs.find(({ message }) => message === "not all spans could be exported");
  expect(said?.properties["target"]).toBe("otlp");
  expect(Number(said?.properties["lost"])).toBeGreaterThan(0);
});

test("tracing - a file gets one OTLP request as JSON a line, and all of it by the end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-trace-"));
  try {
    const path = join(folder, "spans.json");
    const roles = "host,environment-agent,device-agent,security-agent";
    const flags = ["--listen", "127.0.0.1:0", "--http", "off", "--data", "none"];
    await using home = startAgentrt([
      "--role",
      roles,
      ...flags,
      "--interval",
      "100ms",
      "--trace",
      `file:${path}`,
    ]);
    const read = async () =>
      (await readFile(path, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .flatMap((line) => spansOf(JSON.parse(line) as OtlpRequest));
    await waitFor(async () => wholeTrace(await read()), { what: "a whole trace in the file" });
    expect(await home.stop()).toBe(0);
    const services = new Set((await read()).map(({ service }) => service));
    expect([...services]).toEqual([`agentrt.${roles.replaceAll(",", "+")}`]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("tracing - the console gets a line a span", async () => {
  const roles = "host,environment-agent,device-agent";
  const flags = [
    "--listen",
    "127.0.0.1:0",
    "--http",
    "off",
    "--data",
    "none",
    "--interval",
    "100ms",
  ];
  await using home = startAgentrt(["--role", roles, ...flags, "--trace", "console"]);
  await home.waitForStdout(
    /^span "handle_message" CONSUMER \d+\.\d{3}ms trace=[0-9a-f]{32} span=[0-9a-f]{16} parent=[0-9a-f]{16} .*message\.agent="device_agent\/home"/m,
  );
});

test.each([
  ["OTEL_SDK_DISABLED", "true"],
  ["OTEL_TRACES_SAMPLER", "always_off"],
  ["OTEL_TRACES_SAMPLER", "parentbased_traceidratio"],
])("tracing - %s=%s leaves nothing to export", async (name, value) => {
  const roles = "host,environment-agent,device-agent";
  const flags = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", "none"];
  await using home = startAgentrt(
    ["--role", roles, ...flags, "--interval", "100ms", "--trace", "console"],
    { env: { [name]: value, OTEL_TRACES_SAMPLER_ARG: "0" } },
  );
  const page = String((await home.waitForLog("host ready")).properties["http"]);
  await waitFor(
    async () =>
      /^agentrt_events_delivered_total [1-9]/m.test(await (await fetch(`${page}/metrics`)).text()),
    { what: "events to flow" },
  );
  expect(await home.stop()).toBe(0);
  expect(home.stdout).toBe("");
});

test.each(["not a url", "127.0.0.1:4318", "ftp://127.0.0.1"])(
  "tracing - a collector at %s is a clear line and exit code",
  async (address) => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: address };
    await using host = startAgentrt([...HOST, "--trace", "otlp"], { env });
    expect(await host.waitForExit()).toBe(2);
    expect(host.stderr).toBe(
      `agentrt: --trace: OTEL_EXPORTER_OTLP_ENDPOINT is "${address}", which is not the address of a collector. Write it as http://127.0.0.1:4318. [INVALID_OPTION]\n`,
    );
  },
);

test("tracing - what OpenTelemetry's own library finds wrong with a variable is in the log", async () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_COMPRESSION: "zip",
  };
  await using host = startAgentrt([...HOST, "--trace", "otlp"], { env });
  const said = await host.waitForLog("OpenTelemetry has an objection to its variables");
  expect(said.properties["problem"]).toContain("OTEL_EXPORTER_OTLP_COMPRESSION");
  expect(await host.stop()).toBe(0);
});

test.each([
  ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"],
  ["OTEL_BSP_MAX_QUEUE_SIZE", "-1"],
])("tracing - %s=%s is warned of, and spans are exported", async (name, value) => {
  const flags = ["--listen", "127.0.0.1:0", "--http", "off", "--data", "none"];
  await using home = startAgentrt(
    [
      ...["--role", "host,environment-agent,device-agent"],
      ...flags,
      ...["--interval", "100ms", "--trace", "console"],
    ],
    { env: { [name]: value } },
  );
  await home.waitForStdout(/^span "handle_message" /m);
  expect(await home.stop()).toBe(0);
  const warning = home.logs.find(({ message }) => message.startsWith(`${name} is not a whole`));
  expect(warning?.properties["value"]).toBe(value);
  // A stop in order loses none.
  expect(home.logs.map(({ message }) => message)).not.toContain("not all spans could be exported");
});

test("tracing - a file that cannot be written is a clear line and exit code", async () => {
  const path = join(tmpdir(), "agentrt-no-such-folder", "spans.json");
  await using host = startAgentrt([...HOST, "--trace", `file:${path}`]);
  expect(await host.waitForExit()).toBeGreaterThan(0);
  expect(host.stderr).toContain(`agentrt: --trace: Spans cannot be written to ${path}`);
});

test("tracing - an agent of the user's own finds its span and adds to it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-trace-"));
  try {
    const file = join(folder, "watcher.ts");
    await writeFile(
      file,
      `import { activeSpan, defineAgent } from "agentrt";
      export const watcher = defineAgent({
        type: "watcher",
        subscriptions: ["environment_data"],
        description: "Watches",
        setup(agent) {
          agent.handleAnything(async () => {
            await Bun.sleep(1);
            activeSpan()?.setAttribute("watched.by", agent.id.key);
          });
        },
      });`,
    );
    const flags = ["--listen", "127.0.0.1:0", "--http", "off", "--data", "none"];
    const roles = ["--role", "host,environment-agent,worker", "--agent", file];
    await using home = startAgentrt([
      ...roles,
      ...flags,
      ...["--interval", "100ms", "--trace", "console"],
    ]);
    await home.waitForStdout(
      /^span "handle_message" .*message\.agent="watcher\/home" .*watched\.by="home"$/m,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
