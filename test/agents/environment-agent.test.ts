import { afterEach, describe, expect, test } from "bun:test";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import {
  AgentId,
  AgentrtError,
  type PublishOptions,
  type SingleThreadedAgentRuntime,
  type TopicId,
} from "agentrt";
import { EnvironmentAgent } from "../../agents/environment/environment-agent.ts";
import { registerEnvironmentAgent } from "../../agents/environment/index.ts";
import { resolveEnvironmentOptions } from "../../agents/environment/options.ts";
import { type Heard, startHome, until } from "./home-kit.ts";

const running: SingleThreadedAgentRuntime[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (runtime) => await runtime.stop()));
  await reset();
});

/** Publishes nowhere, and fails when told to. */
class CountingAgent extends EnvironmentAgent {
  attempts = 0;
  isHostAway = false;
  readonly signals: (AbortSignal | undefined)[] = [];

  override async publishMessage(
    _message: object,
    _topic: TopicId,
    options: PublishOptions = {},
  ): Promise<void> {
    this.attempts += 1;
    this.signals.push(options.signal);
    if (this.isHostAway) {
      throw new AgentrtError("NOT_CONNECTED", "The host is away.");
    }
  }
}

async function start(options: object): Promise<Heard[]> {
  const { runtime, heard } = await startHome();
  running.push(runtime);
  await registerEnvironmentAgent(runtime, options);
  return heard;
}

describe("environment agent", () => {
  test("first reading - comes at once, under the name as topic source", async () => {
    const heard = await start({ name: "kitchen", intervalMs: 86_400_000, seed: 1 });
    await until(() => heard.length > 0);
    expect(heard).toEqual([
      {
        room: "kitchen",
        type: "EnvironmentData",
        data: { temperature: expect.any(Number), humidity: expect.any(Number) },
        priority: undefined,
      },
    ]);
  });

  test("seed - the same seed repeats the readings", async () => {
    const first = await start({ intervalMs: 100, seed: 42 });
    const second = await start({ intervalMs: 100, seed: 42 });
    await until(() => first.length >= 3 && second.length >= 3);
    expect(first.slice(0, 3)).toEqual(second.slice(0, 3));
  });

  test("names - every name is an agent type of its own, and is taken once", async () => {
    const { runtime, heard } = await startHome();
    running.push(runtime);
    await registerEnvironmentAgent(runtime, { name: "kitchen" });
    await registerEnvironmentAgent(runtime, { name: "bedroom" });
    await until(() => heard.length >= 2);
    expect(heard.map(({ room }) => room).sort()).toEqual(["bedroom", "kitchen"]);
    const metadata = await runtime.agentMetadata(
      new AgentId("environment_agent.bedroom", "bedroom"),
    );
    expect(metadata.description).toBe("Measures temperature and humidity of bedroom");
    await expect(registerEnvironmentAgent(runtime, { name: "kitchen" })).rejects.toMatchObject({
      code: "AGENT_TYPE_TAKEN",
    });
  });

  test("stop - closes the agent, which then measures no more", async () => {
    const { runtime } = await startHome();
    const stopped = new CountingAgent(resolveEnvironmentOptions({ intervalMs: 100 }));
    await runtime.registerAgentInstance(stopped, new AgentId("environment_agent.home", "home"));
    stopped.start();
    await until(() => stopped.attempts >= 2);
    await runtime.stop();
    const { attempts } = stopped;
    const other = await start({ name: "other", intervalMs: 100 });
    await until(() => other.length >= 3);
    expect(stopped.attempts).toBe(attempts);
  });

  test("host away - is logged once for each outage, and older readings are given up", async () => {
    const records: LogRecord[] = [];
    await configure({
      sinks: { list: (record) => records.push(record) },
      loggers: [
        { category: ["agentrt", "agents"], sinks: ["list"] },
        { category: ["logtape", "meta"], lowestLevel: "error" },
      ],
    });
    const agent = new CountingAgent(resolveEnvironmentOptions({ intervalMs: 100 }));
    agent.isHostAway = true;
    agent.start();
    await until(() => agent.attempts >= 3);
    agent.isHostAway = false;
    await until(() => records.length >= 2);
    agent.isHostAway = true;
    await until(() => records.length >= 3);
    agent.close();
    expect(records.map((record) => [record.level, record.rawMessage])).toEqual([
      ["warning", "readings cannot be published; trying on silently"],
      ["info", "readings are published again"],
      ["warning", "readings cannot be published; trying on silently"],
    ]);
    expect(agent.signals.map((signal) => signal?.aborted)).toEqual([
      ...Array.from({ length: agent.signals.length - 1 }, () => true),
      false,
    ]);
  });

  test.each([
    [{ name: "" }, 'name is "". Use 1 to 64 letters, digits, "_", "-" and ".".'],
    [{ name: "a/b" }, 'name is "a/b". Use 1 to 64 letters, digits, "_", "-" and ".".'],
    [{ intervalMs: 99 }, "intervalMs is 99. Give a number from 100 to 86400000."],
    [{ intervalMs: Number.NaN }, "intervalMs is NaN. Give a number from 100 to 86400000."],
    [{ seed: 1.5 }, "seed is 1.5. Give a whole number."],
    [{ seed: -1 }, "seed is -1. Give a number from 0 to 4294967295."],
  ])("options - %j is refused", async (options, message) => {
    const { runtime } = await startHome();
    running.push(runtime);
    await expect(registerEnvironmentAgent(runtime, options)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message,
    });
  });
});
