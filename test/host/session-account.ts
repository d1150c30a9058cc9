/** What a host must know of its workers, kept plainly: what the session model is compared with. */

export const WORKERS = ["w1", "w2", "w3"] as const;
export const TYPES = ["a", "b"] as const;
export const TOPICS = ["t1", "t2"] as const;
export type WorkerName = (typeof WORKERS)[number];

export interface Sub {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
}

interface Item {
  readonly text: string;
  readonly isCall: boolean;
}

/** What one stream was sent, and how many frames more it takes. */
export interface StreamAccount {
  readonly texts: string[];
  room: number;
}

export class WorkerAccount {
  state: "announced" | "connected" | "away" = "announced";
  /** When it is forgotten, unless it comes. */
  untilMs: number;
  stream: StreamAccount | undefined;
  queue: Item[] = [];
  hasWill = false;
  readonly types = new Set<string>();
  readonly subs = new Map<string, Sub>();
  readonly restorableTypes = new Set<string>();
  readonly restorableSubs = new Set<string>();

  constructor(untilMs: number) {
    this.untilMs = untilMs;
  }

  offer(item: Item): void {
    this.queue.push(item);
    this.flow();
  }

  flow(): void {
    const { stream } = this;
    while (this.state === "connected" && stream !== undefined && stream.room > 0) {
      const next = this.queue.shift();
      if (next === undefined) {
        return;
      }
      stream.texts.push(next.text);
      stream.room -= 1;
    }
  }
}

export class Account {
  readonly workers = new Map<WorkerName, WorkerAccount>();
  /** Calls that are not over, by their text. */
  readonly calls = new Map<string, { readonly target: WorkerName; isSent: boolean }>();
  /** How calls ended. */
  readonly ends = new Map<string, string>();
  readonly wills: string[] = [];
  nowMs = 0;
  /** What waited for a worker that is gone. */
  deadLetters = 0;
  numbers = 0;
  readonly #announcedMs: number;
  readonly #awayMs: number;

  constructor(announcedMs: number, awayMs: number) {
    this.#announcedMs = announcedMs;
    this.#awayMs = awayMs;
  }

  announce(name: WorkerName): WorkerAccount {
    const known = this.workers.get(name) ?? new WorkerAccount(this.nowMs + this.#announcedMs);
    this.workers.set(name, known);
    return known;
  }

  holderOf(type: string): WorkerName | undefined {
    return WORKERS.find((name) => this.workers.get(name)?.types.has(type) === true);
  }

  get subs(): readonly Sub[] {
    return [...this.workers.values()].flatMap(({ subs }) => [...subs.values()]);
  }

  /** The code of the refusal, or undefined. */
  register(name: WorkerName, type: string): string | undefined {
    const worker = this.announce(name);
    if (worker.types.has(type) && worker.restorableTypes.delete(type)) {
      return undefined;
    }
    if (this.holderOf(type) !== undefined) {
      return "AGENT_TYPE_TAKEN";
    }
    worker.types.add(type);
    return undefined;
  }

  subscribe(name: WorkerName, sub: Sub): string | undefined {
    const worker = this.announce(name);
    const isSame = ({ topic, type }: Sub): boolean => topic === sub.topic && type === sub.type;
    const own = worker.subs.get(sub.id) ?? [...worker.subs.values()].find(isSame);
    const isBack = own !== undefined && worker.restorableSubs.has(own.id);
    const others = this.subs.filter((other) => !isBack || other !== own);
    if (others.some((other) => other.id === sub.id || isSame(other))) {
      return "SUBSCRIPTION_EXISTS";
    }
    if (isBack) {
      worker.restorableSubs.delete(own.id);
      worker.subs.delete(own.id);
    }
    worker.subs.set(sub.id, sub);
    return undefined;
  }

  unsubscribe(id: string): string | undefined {
    for (const worker of this.workers.values()) {
      if (worker.subs.delete(id)) {
        worker.restorableSubs.delete(id);
        return undefined;
      }
    }
    return "NO_SUCH_SUBSCRIPTION";
  }

  open(name: WorkerName, room: number): void {
    const worker = this.announce(name);
    worker.state = "connected";
    worker.stream = { texts: [], room };
    worker.hasWill = true;
    this.flow(worker);
  }

  flow(worker: WorkerAccount): void {
    worker.flow();
    for (const [text, call] of this.calls) {
      call.isSent ||= worker.stream?.texts.includes(text) === true;
    }
  }

  publish(topic: string, text: string): void {
    const types = new Set(this.subs.filter((sub) => sub.topic === topic).map(({ type }) => type));
    const holders = new Set([...types].map((type) => this.holderOf(type)));
    for (const name of holders) {
      const worker = name === undefined ? undefined : this.workers.get(name);
      worker?.offer({ text, isCall: false });
    }
  }

  call(type: string, text: string): void {
    const target = this.holderOf(type);
    const worker = target === undefined ? undefined : this.workers.get(target);
    if (target === undefined || worker === undefined) {
      this.ends.set(text, "NO_SUCH_AGENT");
      return;
    }
    this.calls.set(text, { target, isSent: false });
    worker.offer({ text, isCall: true });
    this.flow(worker);
  }

  end(text: string, how: string): void {
    this.calls.delete(text);
    this.ends.set(text, how);
  }

  #endCallsOf(name: WorkerName): void {
    for (const [text, { target }] of this.calls) {
      if (target === name) {
        this.end(text, "WORKER_GONE");
      }
    }
  }

  /** @param how expelled is lost without a grace */
  leave(name: WorkerName, how: "left" | "lost" | "expelled"): void {
    const worker = this.workers.get(name);
    if (worker === undefined) {
      return;
    }
    if (how === "lost" && this.#awayMs > 0) {
      this.#endCallsOf(name);
      worker.state = "away";
      worker.stream = undefined;
      worker.untilMs = this.nowMs + this.#awayMs;
      const kept = worker.queue.filter(({ isCall }) => !isCall);
      this.deadLetters += worker.queue.length - kept.length;
      worker.queue = kept;
      for (const type of worker.types) {
        worker.restorableTypes.add(type);
      }
      for (const id of worker.subs.keys()) {
        worker.restorableSubs.add(id);
      }
    } else {
      this.forget(name, how !== "left");
    }
  }

  forget(name: WorkerName, isUnexpected: boolean): void {
    const worker = this.workers.get(name);
    this.workers.delete(name);
    this.#endCallsOf(name);
    this.deadLetters += worker?.queue.length ?? 0;
    if (isUnexpected && worker?.hasWill === true) {
      this.wills.push(name);
    }
  }

  wait(ms: number): void {
    this.nowMs += ms;
    for (const [name, { state, untilMs }] of [...this.workers]) {
      if (state !== "connected" && untilMs <= this.nowMs) {
        this.forget(name, true);
      }
    }
  }
}
