/**
 * Workers that announce themselves, connect, are replaced by newer streams, leave, are lost, come back in
 * time or too late and are cut off, in any order, against a plain account of what the host must know of them.
 */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import fc from "fast-check";
import { AgentrtError } from "../../src/core/errors.ts";
import type { Session } from "../../src/host/session.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/autogen/codec.ts";
import {
  event,
  exact,
  FakeStream,
  type FakeWorker,
  InMemoryHost,
  request,
  response,
  textOf,
} from "./in-memory-host.ts";
import { Account, TOPICS, TYPES, WORKERS, type WorkerName } from "./session-account.ts";

const ANNOUNCED_MS = 400;

/** The real host, and somebody who publishes, calls, and hears of wills. */
class Stage {
  readonly host: InMemoryHost;
  readonly sender: FakeWorker;
  /** All streams of a worker, the newest last. */
  readonly streams = new Map<WorkerName, FakeStream[]>(WORKERS.map((name) => [name, []]));
  readonly ends = new Map<string, string[]>();
  readonly wills: string[] = [];
  /** Sessions that are over. */
  readonly gone = new Set<Session>();

  constructor(sessionGraceMs: number) {
    this.host = new InMemoryHost({ sessionGraceMs, registrationGraceMs: ANNOUNCED_MS });
    this.sender = this.host.join("sender");
    this.sender.register("heir");
    this.sender.subscribe(exact("wills", "heir"));
  }

  session(name: WorkerName): Session {
    return this.host.sessions.obtain(name, "127.0.0.1:1");
  }

  /** Its stream of now, which may be over. */
  stream(name: WorkerName): FakeStream | undefined {
    return this.streams.get(name)?.at(-1);
  }

  open(name: WorkerName, room: number): void {
    const session = this.session(name);
    const stream = new FakeStream();
    stream.room = room;
    this.streams.get(name)?.push(stream);
    session.lastWill = event(`will of ${name}`, "wills", {}, name);
    this.host.sessions.connected(session, stream.asHostStream, "127.0.0.1:1");
  }

  /** The code that it is refused with, or undefined. */
  refusal(action: () => void): string | undefined {
    try {
      action();
      return undefined;
    } catch (thrown) {
      return AgentrtError.from(thrown).code;
    }
  }

  answer(name: WorkerName, text: string): void {
    const session = this.host.registry.session(name);
    const frames = (this.streams.get(name) ?? []).flatMap(({ frames }) => frames);
    const call = frames.map(decodeMessage).findLast((envelope) => textOf(envelope) === text);
    if (session !== undefined && call !== undefined) {
      const bytes = encodeMessage(response(call.id, "done"));
      this.host.router.route(decodeMessage(bytes), session);
    }
  }

  listen(): void {
    for (const envelope of this.sender.received()) {
      if (envelope.kind === "event") {
        this.wills.push(textOf(envelope));
      } else {
        const how = envelope.headers["agentrt-code"] ?? textOf(envelope);
        this.ends.set(envelope.id, [...(this.ends.get(envelope.id) ?? []), how]);
      }
    }
  }
}

function compare(account: Account, stage: Stage): void {
  const { registry, router, deadLetters } = stage.host;
  stage.listen();
  const known = WORKERS.map((name) => {
    const session = registry.session(name);
    return {
      ...{ name, state: session?.state, queued: session?.outbox.queuedMessages },
      types: [...(session?.agentTypes ?? [])].toSorted(),
      subs: [...(session?.subscriptionIds ?? [])].toSorted(),
    };
  });
  expect(known).toEqual(
    WORKERS.map((name) => {
      const worker = account.workers.get(name);
      return {
        ...{ name, state: worker?.state, queued: worker?.queue.length },
        types: [...(worker?.types ?? [])].toSorted(),
        subs: [...(worker?.subs.keys() ?? [])].toSorted(),
      };
    }),
  );
  for (const [name, { state, stream }] of account.workers) {
    if (state === "connected") {
      const texts = stage.stream(name)?.frames.map((bytes) => textOf(decodeMessage(bytes)));
      expect([name, texts]).toEqual([name, stream?.texts]);
    }
  }
  const held = TYPES.filter((type) => account.holderOf(type) !== undefined);
  expect([...registry.agentTypes].toSorted()).toEqual([...held, "heir"]);
  expect(new Set(Array.from(registry.subscriptions, ({ id }) => id).filter(isOurs))).toEqual(
    new Set(account.subs.map(({ id }) => id)),
  );
  expect(router.pendingCalls).toBe(account.calls.size);
  expect(Object.fromEntries(stage.ends)).toEqual(
    Object.fromEntries(Array.from(account.ends, ([text, how]) => [text, [how]])),
  );
  expect(stage.wills.toSorted()).toEqual(account.wills.toSorted());
  expect(deadLetters.byReason["WORKER_GONE"] ?? 0).toBe(account.deadLetters);
  for (const session of stage.gone) {
    expect(session.state).toBe("ended");
  }
}

const isOurs = (id: string): boolean => id.startsWith("s-");

type Step = fc.Command<Account, Stage>;

function step(name: string, run: (account: Account, stage: Stage) => void): Step {
  return {
    check: () => true,
    run: (account, stage) => {
      const before = WORKERS.map((worker) => stage.host.registry.session(worker));
      run(account, stage);
      for (const session of before) {
        if (session !== undefined && !stage.host.registry.session(session.clientId)) {
          stage.gone.add(session);
        }
      }
      compare(account, stage);
    },
    toString: () => name,
  };
}

const worker = fc.constantFrom(...WORKERS);
const type = fc.constantFrom(...TYPES);
const topic = fc.constantFrom(...TOPICS);
const room = fc.constantFrom(1, 1, 1, 2, Number.POSITIVE_INFINITY);

const announce = worker.map((name) =>
  step(`announce ${name}`, (account, stage) => {
    account.announce(name);
    stage.session(name);
  }),
);
const register = fc.tuple(worker, type).map(([name, agentType]) =>
  step(`${name} registers ${agentType}`, (account, { host, refusal }) => {
    const expected = account.register(name, agentType);
    const of = host.sessions.obtain(name, "127.0.0.1:1");
    expect(refusal(() => host.enrolment.registerAgentType(of, agentType))).toBe(expected);
  }),
);
const subscribe = fc
  .tuple(worker, topic, type, fc.integer({ min: 1, max: 2 }))
  .map(([name, on, agentType, number]) =>
    step(`${name} subscribes ${agentType} to ${on} as s-${number}`, (account, stage) => {
      const id = `s-${number}`;
      const expected = account.subscribe(name, { id, topic: on, type: agentType });
      const of = stage.session(name);
      const refusal = stage.refusal(() =>
        stage.host.enrolment.addSubscription(of, exact(on, agentType, id)),
      );
      expect(refusal).toBe(expected);
    }),
  );
const unsubscribe = fc.integer({ min: 1, max: 2 }).map((number) =>
  step(`unsubscribe s-${number}`, (account, stage) => {
    const id = `s-${number}`;
    const expected = account.unsubscribe(id);
    expect(stage.refusal(() => stage.host.enrolment.removeSubscription(id))).toBe(expected);
  }),
);
const open = fc.tuple(worker, room).map(([name, frames]) =>
  step(`${name} opens a stream for ${frames}`, (account, stage) => {
    const before =
      account.workers.get(name)?.state === "connected" ? stage.stream(name) : undefined;
    account.open(name, frames);
    stage.open(name, frames);
    // The older stream says why it is over, and the newer one is not.
    expect([before?.status?.code, stage.stream(name)?.status]).toEqual([
      before === undefined ? undefined : 10,
      undefined,
    ]);
  }),
);
const drain = fc.tuple(worker, room).map(([name, frames]) =>
  step(`${name} reads ${frames}`, (account, stage) => {
    const known = account.workers.get(name);
    if (known?.state === "connected" && known.stream?.room === 0) {
      known.stream.room = frames;
      account.flow(known);
      stage.stream(name)?.drain(frames);
    }
  }),
);
const leave = fc
  .tuple(worker, fc.constantFrom("left" as const, "lost" as const, "lost" as const))
  .map(([name, how]) =>
    step(`${name} is ${how}`, (account, stage) => {
      const stream = stage.stream(name);
      const session = stage.host.registry.session(name);
      if (stream !== undefined && session !== undefined) {
        if (session.state === "connected") {
          account.leave(name, how);
        }
        stage.host.sessions.left(session, stream.asHostStream, how);
      }
    }),
  );
/** What becomes of a stream that a newer one has replaced changes nothing. */
const oldLeaves = worker.map((name) =>
  step(`an old stream of ${name} ends`, (_, stage) => {
    const stream = stage.streams.get(name)?.at(-2);
    const session = stage.host.registry.session(name);
    if (stream !== undefined && session !== undefined) {
      stage.host.sessions.left(session, stream.asHostStream, "lost");
      stream.drain();
    }
  }),
);
const expel = worker.map((name) =>
  step(`${name} is cut off`, (account, stage) => {
    const session = stage.host.registry.session(name);
    if (session !== undefined) {
      account.leave(name, "expelled");
      stage.host.sessions.expel(session, new AgentrtError("SLOW_WORKER", "too slow"));
    }
  }),
);
const publish = topic.map((on) =>
  step(`publish on ${on}`, (account, stage) => {
    account.numbers += 1;
    const text = `event ${account.numbers}`;
    account.publish(on, text);
    stage.sender.send(event(text, on, {}, text));
  }),
);
const call = type.map((agentType) =>
  step(`call ${agentType}`, (account, stage) => {
    account.numbers += 1;
    const text = `call ${account.numbers}`;
    account.call(agentType, text);
    stage.sender.send(request(text, agentType, text));
  }),
);
const answer = worker.map((name) =>
  step(`${name} answers`, (account, stage) => {
    const [text] =
      [...account.calls].find(([, { target, isSent }]) => isSent && target === name) ?? [];
    if (text !== undefined && account.workers.get(name)?.state === "connected") {
      account.end(text, "done");
      stage.answer(name, text);
    }
  }),
);
const wait = fc.constantFrom(100, 250, 1_100).map((ms) =>
  step(`wait ${ms}`, (account, _) => {
    account.wait(ms);
    jest.advanceTimersByTime(ms);
  }),
);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});

afterEach(() => {
  jest.useRealTimers();
});

test("session model - whoever comes, goes, is replaced or comes back, what the host keeps of it is what it must, and nothing is left at the end", () => {
  const commands = fc.commands(
    [
      ...[announce, register, register, subscribe, subscribe, unsubscribe, open, open, open],
      ...[drain, leave, leave, oldLeaves, expel, publish, publish, call, call, call, answer, wait],
    ],
    { maxCommands: 70, size: "max" },
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 300, 1_000), commands, (graceMs, all) => {
      jest.clearAllTimers();
      const stage = new Stage(graceMs);
      const account = new Account(ANNOUNCED_MS, graceMs);
      fc.modelRun(() => ({ model: account, real: stage }), all);
      stage.host[Symbol.dispose]();
      const { registry, router } = stage.host;
      expect([registry.size, [...registry.agentTypes], [...registry.subscriptions]]).toEqual([
        ...[0, [], []],
      ]);
      expect(router.pendingCalls).toBe(0);
      expect(jest.getTimerCount()).toBe(0);
    }),
    { numRuns: 250 },
  );
});
