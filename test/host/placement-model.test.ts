/**
 * Any comings and goings of the workers of a shared type, which answer the host when they get to it,
 * against a plain account: what each instance must have seen, and that there is one of it.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { AgentId } from "../../src/core/agent-id.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { placeOf } from "../../src/host/placement.ts";
import { event, InMemoryHost, request, response } from "./in-memory-host.ts";
import { SharingWorker } from "./sharing-worker.ts";

const KEYS = ["1", "2", "3", "4", "5", "6"] as const;
const WORKERS = 4;
type Key = (typeof KEYS)[number];

/** What was sent to each key, and up to which number a worker that died took it along. */
class Model {
  readonly sent = new Map<Key, number[]>(KEYS.map((key) => [key, []]));
  readonly calls: number[] = [];
  numbers = 0;

  send(key: Key, isHeard: boolean): number {
    this.numbers += 1;
    if (isHeard) {
      this.sent.get(key)?.push(this.numbers);
    }
    return this.numbers;
  }

  /** An instance that was there is lost, with all that it had been sent. */
  lose(key: Key, last: number): void {
    this.sent.set(key, this.sent.get(key)?.filter((number) => number > last) ?? []);
  }

  loseAll(): void {
    for (const key of KEYS) {
      this.sent.set(key, []);
    }
  }
}

class Stage {
  readonly host = new InMemoryHost();
  readonly sender = this.host.join("sender");
  readonly workers: (SharingWorker | undefined)[] = [];
  readonly answered: string[] = [];
  /** By worker that takes its leave: who stayed then. */
  readonly #staying = new Map<SharingWorker, readonly SharingWorker[]>();

  get present(): readonly SharingWorker[] {
    return this.workers.filter((worker) => worker !== undefined);
  }

  listen(): void {
    for (const worker of this.present) {
      worker.listen();
    }
    this.answered.push(...this.sender.received().map(({ id }) => id));
  }

  takeLeave(worker: SharingWorker): void {
    worker.takeLeave();
    this.#staying.set(
      worker,
      this.present.filter(({ isLeaving }) => !isLeaving),
    );
  }

  /** The worker forgets everything; the account says what that is. */
  remove(worker: SharingWorker, model: Model): void {
    for (const key of KEYS) {
      const last = worker.lastOf(key);
      if (last !== undefined) {
        model.lose(key, last);
      }
    }
    this.workers[this.workers.indexOf(worker)] = undefined;
    if (this.present.length === 0) {
      // Nobody is left to take what the host has of instances that move.
      model.loseAll();
    }
  }

  /** Lets all do all that there is to do. */
  settle(model: Model): void {
    let busy = this.present;
    while (busy.length > 0) {
      for (const worker of busy) {
        this.goOn(worker, model);
      }
      busy = this.present.filter(({ unread }) => unread.length > 0);
    }
  }

  goOn(worker: SharingWorker, model: Model): void {
    worker.goOn();
    if (worker.hasLeft) {
      const [staying] = this.#staying.get(worker)?.filter(({ isLeaving }) => !isLeaving) ?? [];
      if (staying !== undefined && this.present.includes(staying)) {
        // There was somebody to take all that it had.
        expect(KEYS.map((key) => worker.lastOf(key))).toEqual(KEYS.map(() => undefined));
      }
      this.remove(worker, model);
    }
    this.listen();
  }
}

type Step = fc.Command<Model, Stage>;

function step(name: string, run: (model: Model, stage: Stage) => void): Step {
  return {
    check: () => true,
    run: (model, stage) => {
      run(model, stage);
      stage.listen();
    },
    toString: () => name,
  };
}

const worker = fc.nat(WORKERS - 1);
const key = fc.constantFrom(...KEYS);

/** A worker that came back is another one: it has another client id. */
const join = worker.map((one) =>
  step(`join ${one}`, (model, stage) => {
    model.numbers += 1;
    stage.workers[one] ??= new SharingWorker(`w${one}-${model.numbers}`, stage.host);
  }),
);
const lose = worker.map((one) =>
  step(`lose ${one}`, (model, stage) => {
    const lost = stage.workers[one];
    if (lost !== undefined) {
      stage.remove(lost, model);
      lost.fake.leave("lost");
    }
  }),
);
const takeLeave = worker.map((one) =>
  step(`take leave ${one}`, (_, stage) => {
    const leaving = stage.workers[one];
    if (leaving?.isLeaving === false) {
      stage.takeLeave(leaving);
    }
  }),
);
const goOn = fc.tuple(worker, fc.integer({ min: 1, max: 5 })).map(([one, times]) =>
  step(`${one} does ${times}`, (model, stage) => {
    for (let left = times; left > 0; left -= 1) {
      const busy = stage.workers[one];
      if (busy !== undefined) {
        stage.goOn(busy, model);
      }
    }
  }),
);
/** Somebody who was not asked gives an answer to a move. */
const forge = fc.integer({ min: 1, max: 30 }).map((number) =>
  step(`forge move-${number}`, (_, stage) => {
    stage.sender.send(response(`move-${number}`, "[0]"));
  }),
);
const publish = key.map((one) =>
  step(`publish ${one}`, (model, stage) => {
    const id = String(model.send(one, stage.present.length > 0));
    stage.sender.send({ ...event(id, "topic"), topic: new TopicId("topic", one) });
  }),
);
const call = key.map((one) =>
  step(`call ${one}`, (model, stage) => {
    const number = model.send(one, stage.present.length > 0);
    model.calls.push(number);
    const asked = request(String(number), "a", String(number));
    stage.sender.send({ ...asked, target: new AgentId("a", one) });
  }),
);

test("placement model - one instance for each key, where it belongs, with all that it was sent in order, whoever comes and goes", () => {
  const commands = fc.commands<Model, Stage>(
    [join, lose, takeLeave, goOn, goOn, forge, publish, publish, publish, call],
    { maxCommands: 80, size: "max" },
  );
  fc.assert(
    fc.property(commands, (steps) => {
      const [model, stage] = [new Model(), new Stage()];
      fc.modelRun(() => ({ model, real: stage }), steps);
      stage.settle(model);
      // Each call is answered, once, whatever became of its worker.
      expect(stage.answered.toSorted()).toEqual(model.calls.map(String).toSorted());
      // One more message for each key takes each to where it belongs.
      for (const one of KEYS) {
        const id = String(model.send(one, stage.present.length > 0));
        stage.sender.send({ ...event(id, "topic"), topic: new TopicId("topic", one) });
      }
      stage.listen();
      stage.settle(model);
      const places = stage.present.map(({ name }) => ({ clientId: name }));
      for (const one of KEYS) {
        const found = stage.present.filter(({ instances }) => instances.has(one));
        expect(found.map(({ name }) => name)).toEqual(
          [placeOf(places, `a/${one}`)?.clientId ?? ""].slice(0, places.length),
        );
        expect(found[0]?.instances.get(one) ?? []).toEqual(
          places.length > 0 ? (model.sent.get(one) ?? []) : [],
        );
      }
      stage.host[Symbol.dispose]();
    }),
    { numRuns: 1_000 },
  );
}, 120_000);
