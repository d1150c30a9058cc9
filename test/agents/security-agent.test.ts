import { describe, expect, test } from "bun:test";
import { AgentId, AgentrtError, TopicId } from "agentrt";
import fc from "fast-check";
import { EnvironmentData, SecurityTest, TOPICS } from "../../agents/messages.ts";
import { registerSecurityAgent } from "../../agents/security/index.ts";
import { afterTemperature, REARM_GAP } from "../../agents/security/temperature-rule.ts";
import { startHome } from "./home-kit.ts";

async function startSecurity(options: { alertTemperature?: number } = {}) {
  const { runtime, heard } = await startHome();
  await registerSecurityAgent(runtime, options);
  const send = async (message: object, topicType: string): Promise<void> => {
    await runtime.publishMessage(message, new TopicId(topicType, "kitchen"));
    await runtime.idle();
  };
  return {
    runtime,
    alerts: () => heard.splice(0).filter(({ type }) => type === "SecurityAlert"),
    read: async (temperature: number) =>
      await send(EnvironmentData.of({ temperature, humidity: 40 }), TOPICS.environmentData),
    test: async () => await send(SecurityTest.of({}), TOPICS.securityCommands),
  };
}

describe("security agent", () => {
  test("heat - one alert of high priority for each excursion over the limit", async () => {
    const { read, alerts } = await startSecurity();
    await read(45);
    expect(alerts()).toEqual([]);
    await read(45.1);
    expect(alerts()).toEqual([
      {
        room: "kitchen",
        type: "SecurityAlert",
        data: {
          kind: "temperature_high",
          message: "45.1 °C in kitchen is above the limit of 45 °C.",
        },
        priority: "high",
      },
    ]);
    await read(50);
    await read(44);
    await read(46);
    expect(alerts()).toEqual([]);
    await read(43.9);
    await read(45.1);
    expect(alerts()).toHaveLength(1);
  });

  test("test button - every press gives an alert of the kind test", async () => {
    const { test: press, alerts } = await startSecurity();
    await press();
    await press();
    expect(alerts().map(({ data, priority }) => ({ ...data, priority }))).toEqual(
      Array.from({ length: 2 }, () => ({
        kind: "test",
        message: "Test alert for kitchen. Nothing is wrong.",
        priority: "high",
      })),
    );
  });

  test("limit - is settable, and checked", async () => {
    const { read, alerts } = await startSecurity({ alertTemperature: 30 });
    await read(30.1);
    expect(alerts()).toHaveLength(1);
    const tooHigh = startSecurity({ alertTemperature: 151 });
    const error = await tooHigh.catch((thrown: unknown) => AgentrtError.from(thrown));
    expect(error).toMatchObject({
      code: "INVALID_OPTION",
      message: "alertTemperature is 151. Give a number from -90 to 150.",
    });
  });

  test("state - a restart in the middle of an excursion does not repeat the alert", async () => {
    const id = new AgentId("security_agent", "kitchen");
    const first = await startSecurity();
    await first.read(46);
    const saved = await first.runtime.agentSaveState(id);
    const second = await startSecurity();
    await second.runtime.agentLoadState(id, saved);
    await second.read(46);
    expect(second.alerts()).toEqual([]);
    const loading = second.runtime.agentLoadState(id, { isAlerted: "yes" });
    const error = await loading.catch((thrown: unknown) => AgentrtError.from(thrown));
    expect(error).toMatchObject({ code: "STATE_REJECTED" });
  });

  test("rule - between two alerts the temperature was below the limit by the gap", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 400, max: 500 })), (tenths) => {
        let state = { isAlerted: false };
        let coldest = Number.NEGATIVE_INFINITY;
        for (const temperature of tenths.map((value) => value / 10)) {
          coldest = Math.min(coldest, temperature);
          const step = afterTemperature(state, temperature, 45);
          state = step.state;
          if (step.shouldAlert) {
            expect(temperature).toBeGreaterThan(45);
            expect(coldest).toBeLessThan(45 - REARM_GAP);
            coldest = Number.POSITIVE_INFINITY;
          } else if (temperature > 45) {
            expect(state.isAlerted).toBe(true);
          }
        }
      }),
    );
  });
});
