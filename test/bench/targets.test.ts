import { describe, expect, test } from "bun:test";
import { systemsFor } from "../../bench/systems.ts";
import type { Reference } from "../../bench/targets.ts";
import { TARGETS } from "../../bench/targets.ts";
import { allWorks } from "../../bench/works/all-works.ts";

const tools = {
  ...{ repository: "/r", bun: "bun", agentrt: "agentrt", natsServer: "nats-server" },
  ...{ mosquitto: "mosquitto", python: "python" },
};
const versions = {
  ...{ agentrt: "1", natsServer: "2", natsClient: "3", mosquitto: "4", mqttClient: "5" },
  ...{ python: "6", autogen: "7", grpcio: "8" },
};
const works = allWorks(systemsFor(tools, versions), tools);

describe("bench targets", () => {
  test("works - ids are unique, and so are the systems of each", () => {
    const ids = works.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { candidates } of works) {
      const names = candidates.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("targets - each names a number that its work measures", () => {
    const isMeasured = ({ work, system, metric, format }: Reference): boolean =>
      works.some(
        ({ id, candidates, metrics }) =>
          id === work &&
          candidates.some(({ name }) => name === system) &&
          metrics.some((one) => one.id === metric && one.format === format),
      );
    const strangers = TARGETS.flatMap(({ measured, against }) => [measured, against]).filter(
      (reference) => reference !== undefined && !isMeasured(reference),
    );
    expect(strangers).toEqual([]);
  });

  test("targets - every work has one, but calls of AutoGen's workers, which say only what Python allows", () => {
    const aimed = new Set(TARGETS.map(({ measured }) => measured.work));
    const others = works.map(({ id }) => id).filter((id) => !aimed.has(id));
    expect(others).toEqual(["autogen-calls"]);
  });
});
