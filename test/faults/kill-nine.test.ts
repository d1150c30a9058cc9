import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PARTS, SmartHome } from "../kit/smart-home.ts";

describe("faults - kill -9 of each process in turn", () => {
  let home: SmartHome;
  beforeAll(async () => {
    home = await SmartHome.start();
  }, 60_000);
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
  });

  for (const part of PARTS) {
    test(`faults - the home is alive again after the ${part} was killed and came back`, async () => {
      const others = PARTS.filter((other) => other !== part).map((other) => home.process(other));
      await home.process(part).kill();
      await home.waitUntilGone(part);
      home.startPart(part);
      await home.waitUntilAlive();
      expect(others.every((other) => other.isRunning)).toBe(true);
    }, 60_000);
  }

  test("faults - a manual command and its hold outlive the kill of the device agent", async () => {
    expect(await home.command("humidifier", "on")).toBe(202);
    await home.waitForDevice("humidifier", "on");
    expect(await home.command("air_conditioner", "on")).toBe(202);
    await home.waitForDevice("air_conditioner", "on");
    await home.process("device").kill();
    await home.waitUntilGone("device");
    home.startPart("device");
    await home.waitUntilAlive();
    await home.waitForDevice("humidifier", "on");
    await home.waitForDevice("air_conditioner", "on");
  }, 60_000);

  test("faults - the host forgets a killed worker at once", async () => {
    const before = await home.report();
    await home.process("security").kill();
    await home.waitUntilGone("security");
    const after = await home.report();
    expect(after.workers).toHaveLength(before.workers.length - 1);
    expect(after.totals.workersLeft).toBe(before.totals.workersLeft + 1);
    home.startPart("security");
    await home.waitUntilAlive();
  }, 60_000);
});
