import { expect, test } from "bun:test";
import { measureAll, type Outcome } from "../../bench/measure-all.ts";
import { FailedRun, type Measurement, Unavailable } from "../../bench/results.ts";
import { systemsFor } from "../../bench/systems.ts";
import type { Candidate } from "../../bench/works/work.ts";

const tools = {
  ...{ repository: "/r", bun: "bun", agentrt: "agentrt", natsServer: "nats-server" },
  ...{ mosquitto: "mosquitto", python: "python" },
};
const versions = {
  ...{ agentrt: "1", natsServer: "2", natsClient: "3", mosquitto: "4", mqttClient: "5" },
  ...{ python: "6", autogen: "7", grpcio: "8" },
};
const { agentrt } = systemsFor(tools, versions);
const FINE: Measurement = { values: { perSecond: 1 }, cpu: {}, messages: 1 };

/** Candidates by what each does in a run, and the order in which they were measured. */
async function outcomeOf(
  runs: number,
  behaviours: Readonly<Record<string, () => Measurement>>,
): Promise<{ outcome: Outcome; order: string[] }> {
  const order: string[] = [];
  const candidates = Object.entries(behaviours).map(
    ([name, behave]): Candidate => ({
      name,
      system: agentrt,
      measure: async () => {
        order.push(name);
        return behave();
      },
    }),
  );
  const work = { id: "w", group: "g", title: "W", metrics: [], candidates };
  const silent = { say: () => undefined, onStart: () => undefined };
  const plan = { ...{ runs, seconds: 1, scale: 1, tools }, ...silent };
  return { outcome: await measureAll([work], plan), order };
}

function failing(error: Error): () => never {
  return () => {
    throw error;
  };
}

test("bench runs - systems take turns in being first", async () => {
  const { order } = await outcomeOf(3, { a: () => FINE, b: () => FINE, c: () => FINE });
  expect(order.join("")).toBe("abcbcacab");
});

test("bench runs - a run that lost something does not count, and is no error of the benchmark", async () => {
  let run = 0;
  const flaky = (): Measurement => {
    run += 1;
    if (run === 2) {
      throw new FailedRun("3 were lost");
    }
    return FINE;
  };
  const { outcome } = await outcomeOf(3, { flaky });
  expect(outcome).toMatchObject({
    hasErrors: false,
    works: [{ systems: [{ measurements: [FINE, FINE], failures: ["3 were lost"] }] }],
  });
});

test("bench runs - what breaks is told without its words, and left alone after three times", async () => {
  const broken = failing(new Error("/home/somebody: no such file"));
  const { outcome, order } = await outcomeOf(5, { broken, fine: () => FINE });
  expect(outcome.hasErrors).toBe(true);
  expect(outcome.works[0]?.systems).toMatchObject([
    { measurements: [], failures: ["a program failed", "a program failed", "a program failed"] },
    { measurements: [FINE, FINE, FINE, FINE, FINE], failures: [] },
  ]);
  expect(order.filter((name) => name === "broken")).toHaveLength(3);
});

test("bench runs - what is not available is tried once and has its reason", async () => {
  const absent = failing(new Unavailable("no durable topics"));
  const { outcome, order } = await outcomeOf(2, { absent, fine: () => FINE });
  expect(outcome.hasErrors).toBe(false);
  expect(outcome.works[0]?.systems[0]).toMatchObject({
    unavailable: "no durable topics",
    failures: [],
  });
  expect(order).toEqual(["absent", "fine", "fine"]);
});
