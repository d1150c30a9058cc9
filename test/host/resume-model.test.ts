/**
 * What a worker publishes while its connection breaks at any point, its host reads and answers as late as it
 * likes, stores slowly or not at all, and is started anew, against a plain account of what was published.
 */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import fc from "fast-check";
import { OutgoingQueue } from "../../src/worker/outgoing-queue.ts";
import { HostLife, Line, PRODUCER, type Taken, topicOf } from "./resume-stage.ts";

const TOPICS = ["plain.1", "plain.2", "plain.3", "durable.1", "durable.2"] as const;
type Topic = (typeof TOPICS)[number];
/** When a receiver gives the credit that is owed. */
const CREDIT_MS = 60;

/** The account: what was published, by topic and in order. */
class Model {
  readonly published = new Map<Topic, string[]>(TOPICS.map((topic) => [topic, []]));
  numbers = 0;

  publish(topic: Topic): string {
    this.numbers += 1;
    this.published.get(topic)?.push(String(this.numbers));
    return String(this.numbers);
  }
}

class Stage {
  readonly queue = new OutgoingQueue({
    limits: { maxMessages: 10_000, maxBytes: 10_000_000 },
    maxMessageBytes: 1_000_000,
    producer: PRODUCER,
    onWritten: () => undefined,
  });
  readonly lives: HostLife[] = [];
  /** Broken for the worker, and not yet for the host. */
  readonly stale: Line[] = [];
  line: Line | undefined;
  /** Of durable topics, published since the worker knew that they are. */
  readonly awaited: string[] = [];
  readonly outcomes = new Map<string, "stored" | "refused">();
  readonly #windows: readonly number[];
  readonly #maxRoutes: number;
  #lastInstance = "";

  constructor(windows: readonly number[], maxRoutes: number) {
    this.#windows = windows;
    this.#maxRoutes = maxRoutes;
    this.startHost();
  }

  get life(): HostLife {
    return this.lives.at(-1) as HostLife;
  }

  startHost(): void {
    this.cut();
    const { length } = this.lives;
    this.lives.push(
      new HostLife(length, this.#windows[length % this.#windows.length] ?? 1_024, this.#maxRoutes),
    );
    this.stale.length = 0;
  }

  cut(): void {
    if (this.line !== undefined) {
      this.line.cut();
      this.checkLine();
      this.stale.push(this.line);
      this.line = undefined;
    }
  }

  connect(): void {
    if (this.line === undefined) {
      this.line = new Line(this.queue, this.life, this.#lastInstance);
      this.#lastInstance = this.life.state.instance;
    }
  }

  publish(model: Model, topic: Topic, bytes: number): void {
    const text = model.publish(topic);
    const data = new TextEncoder().encode(text.padEnd(bytes, "."));
    const headers = topic === "plain.2" ? { priority: "high" } : {};
    const route = {
      topic: topicOf(topic),
      sender: undefined,
      headers,
      dataType: "T",
      contentType: "c",
    };
    const published = this.queue.publish({ kind: "record", route, data, extras: undefined });
    if (published !== undefined) {
      this.awaited.push(text);
    }
    published?.then(
      () => this.outcomes.set(text, "stored"),
      () => this.outcomes.set(text, "refused"),
    );
  }

  checkLine(): void {
    expect(this.line?.faults ?? []).toEqual([]);
  }

  /** Lets what is due at the end of the turn be done. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async settle(): Promise<void> {
    this.connect();
    for (const line of this.stale.splice(0)) {
      line.hostNotices();
    }
    if (this.line?.isReplaced === true) {
      this.cut();
      this.connect();
    }
    for (let idle = 0; idle < 3; ) {
      await this.turn();
      const { line, life } = this;
      const isBusy =
        (line?.packetsToHost ?? 0) + (line?.packetsToWorker ?? 0) + life.onTheirWay.length > 0;
      idle = isBusy ? 0 : idle + 1;
      line?.toHost(Number.POSITIVE_INFINITY);
      line?.toWorker(Number.POSITIVE_INFINITY);
      for (const taken of life.onTheirWay) {
        life.settle(taken, true);
      }
      jest.advanceTimersByTime(CREDIT_MS);
    }
  }
}

const textOf = (text: string): string => text.replace(/\.+$/, "");
const textsOf = (batches: readonly Taken[], topic: Topic): string[] =>
  batches.filter((batch) => batch.topic === topic).flatMap(({ texts }) => texts.map(textOf));

/** In each life of a host: no record twice, none left out, each topic in the order in which it was published. */
function checkLives(model: Model, stage: Stage): void {
  stage.checkLine();
  if (stage.line?.isReplaced === true) {
    stage.cut();
  }
  for (const life of stage.lives) {
    for (const topic of TOPICS) {
      const texts = textsOf(life.taken, topic);
      const published = model.published.get(topic) ?? [];
      const from = published.indexOf(texts[0] ?? "");
      const to = published.indexOf(texts.at(-1) ?? "") + 1;
      // What an earlier life has refused, and the worker has heard of, does not come again.
      const expected = published
        .slice(Math.max(0, from), to)
        .filter((text) => texts.includes(text) || stage.outcomes.get(text) !== "refused");
      expect(texts).toEqual(expected);
    }
  }
  for (const [text, outcome] of stage.outcomes) {
    const batches = stage.lives.flatMap(({ taken }) => taken);
    const states = batches.filter(({ texts }) => texts.map(textOf).includes(text));
    expect([text, states.map(({ state }) => state)]).toEqual([
      text,
      expect.arrayContaining([outcome]),
    ]);
  }
}

function checkAll(model: Model, stage: Stage): void {
  const batches = stage.lives.flatMap(({ taken }) => taken);
  for (const topic of TOPICS) {
    const published = model.published.get(topic) ?? [];
    const taken = new Set(textsOf(batches, topic));
    expect(published.filter((text) => !taken.has(text))).toEqual([]);
  }
  expect(stage.awaited.filter((text) => !stage.outcomes.has(text))).toEqual([]);
  expect(stage.queue.length).toBe(0);
  expect(stage.line?.underWayBytes).toBe(0);
}

type Step = fc.AsyncCommand<Model, Stage>;

function step(name: string, run: (model: Model, stage: Stage) => void | Promise<void>): Step {
  return {
    check: () => true,
    run: async (model, stage) => {
      await run(model, stage);
      checkLives(model, stage);
    },
    toString: () => name,
  };
}

const topic = fc.constantFrom(...TOPICS);
const publish = fc
  .array(fc.tuple(topic, fc.integer({ min: 1, max: 600 })), { minLength: 1, maxLength: 6 })
  .map((records) =>
    step(`publish ${records.map(([on]) => on).join(", ")}`, (model, stage) => {
      for (const [on, bytes] of records) {
        stage.publish(model, on, bytes);
      }
    }),
  );
const turn = fc.constant(step("turn", (_, stage) => stage.turn()));
const connect = fc.constant(step("connect", (_, stage) => stage.connect()));
const cut = fc.constant(step("cut", (_, stage) => stage.cut()));
const notice = fc.constant(
  step("the host notices", (_, stage) => stage.stale.shift()?.hostNotices()),
);
const late = fc
  .integer({ min: 1, max: 4 })
  .map((packets) =>
    step(`${packets} of a cut line to the host`, (_, stage) => stage.stale[0]?.toHost(packets)),
  );
const some = fc.integer({ min: 1, max: 4 });
const toHost = some.map((packets) =>
  step(`${packets} to the host`, (_, stage) => stage.line?.toHost(packets)),
);
const toWorker = some.map((packets) =>
  step(`${packets} to the worker`, (_, stage) => stage.line?.toWorker(packets)),
);
const flow = some.map((rounds) =>
  step(`flow ${rounds}`, async (_, stage) => {
    for (let round = 0; round < rounds; round += 1) {
      await stage.turn();
      stage.line?.toHost(10);
      stage.line?.toWorker(10);
    }
  }),
);
const disk = fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 3 })).map(([which, luck]) =>
  step(`disk ${which} ${luck > 0}`, (_, { life }) => {
    const { onTheirWay } = life;
    const taken = onTheirWay[which % Math.max(1, onTheirWay.length)];
    if (taken !== undefined) {
      life.settle(taken, luck > 0);
    }
  }),
);
const wait = fc.constant(step("wait", () => void jest.advanceTimersByTime(CREDIT_MS)));
const restart = fc.constant(step("restart", (_, stage) => stage.startHost()));
const settle = fc.constant(
  step("settle", async (model, stage) => {
    await stage.settle();
    checkAll(model, stage);
  }),
);

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000 });
});

afterEach(() => {
  jest.useRealTimers();
});

test("resume model - through cuts and host restarts each life of a host takes each record once and in order, none is lost, and the window is kept", async () => {
  const commands = fc.commands(
    [
      ...[publish, publish, turn, connect, connect, cut, notice, late, toHost, toWorker],
      ...[flow, flow, disk, disk, wait, restart, settle],
    ],
    { maxCommands: 60, size: "max" },
  );
  const windows = fc.array(fc.integer({ min: 1_024, max: 3_000 }), { minLength: 1, maxLength: 3 });
  /** Fewer than there are topics, or enough. */
  const maxRoutes = fc.constantFrom(1, 2, 4, 100);
  await fc.assert(
    fc.asyncProperty(windows, maxRoutes, commands, async (sizes, routes, all) => {
      const model = new Model();
      const stage = new Stage(sizes, routes);
      await fc.asyncModelRun(() => ({ model, real: stage }), all);
      await stage.settle();
      checkLives(model, stage);
      checkAll(model, stage);
      for (const { host } of stage.lives) {
        host[Symbol.dispose]();
      }
    }),
    { numRuns: 150 },
  );
});
