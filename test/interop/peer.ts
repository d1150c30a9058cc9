import { resolve } from "node:path";
import { waitFor } from "../kit/wait.ts";
import { within } from "../kit/within.ts";
import { pythonWithAutogen } from "./venv.ts";

/** A message as both languages describe it: the name of its type and its fields. */
export interface Described {
  readonly type: string;
  readonly data: unknown;
}

/** What a recording agent of a peer got. */
export interface Received {
  /** `type/key` of the agent. */
  readonly agent: string;
  /** `type/source`; null for a call. */
  readonly topic: string | null;
  readonly sender: string | null;
  readonly isRpc: boolean;
  readonly messageId: string;
  readonly message: Described;
}

/** A command that the peer could not obey; the fields are what its own runtime reported. */
export class PeerError extends Error {
  override readonly name = "PeerError";
  /** The class of the error in the peer's language. */
  readonly type: string;
  /** gRPC status name in Python, agentrt's code in TypeScript. */
  readonly code: string | null;

  constructor(type: string, code: string | null, text: string) {
    super(text);
    this.type = type;
    this.code = code;
  }
}

type Fact = { readonly event: string } & Readonly<Record<string, unknown>>;
type Arguments = Readonly<Record<string, unknown>>;
interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}
export type Language = "py" | "ts";

/** Python leaves no `__pycache__` among the sources. */
const NO_CACHE = "-B";
const START_TIMEOUT_MS = 60_000;
const REPLY_TIMEOUT_MS = 15_000;
const KILL_TIMEOUT_MS = 5_000;
const SHOWN_ERRORS = 4_000;

/** A worker in a process of its own, in either language, that obeys the same commands. */
export class Peer implements AsyncDisposable {
  readonly language: Language;
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #facts: Fact[] = [];
  readonly #waiting = new Map<number, Waiting>();
  readonly #reading: Promise<unknown>;
  #nextId = 1;
  #errors = "";

  private constructor(language: Language, command: readonly string[]) {
    this.language = language;
    this.#child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.pid = this.#child.pid;
    this.exited = this.#child.exited;
    this.#reading = Promise.all([this.#readFacts(), this.#readErrors()]);
  }

  /** An AutoGen worker. @param payload how it publishes; its calls are JSON always */
  static async python(
    host: string,
    payload: "json" | "protobuf" = "json",
    flags: readonly string[] = [],
  ): Promise<Peer> {
    const program = resolve(import.meta.dir, "python/worker.py");
    const python = await pythonWithAutogen();
    return await new Peer("py", [
      python,
      program,
      "--host",
      host,
      "--payload",
      payload,
      ...flags,
    ]).#untilReady();
  }

  /** An AutoGen worker that comes back to its host by itself: `examples/python`. */
  static async reconnectingPython(host: string): Promise<Peer> {
    const program = resolve(import.meta.dir, "python/worker.py");
    const python = await pythonWithAutogen();
    const command = [python, NO_CACHE, program, "--host", host, "--reconnecting"];
    return await new Peer("py", command).#untilReady();
  }

  /** Our worker, through the public entry. */
  static async typescript(host: string): Promise<Peer> {
    const program = resolve(import.meta.dir, "ts/worker.ts");
    return await new Peer("ts", [process.execPath, program, "--host", host]).#untilReady();
  }

  /** AutoGen's own host, which only listens and ends. */
  static async autogenHost(listen: string): Promise<Peer> {
    const program = resolve(import.meta.dir, "python/host.py");
    const python = await pythonWithAutogen();
    return await new Peer("py", [python, NO_CACHE, program, "--listen", listen]).#untilReady();
  }

  /**
   * Obeys one command.
   * @throws PeerError when the peer's runtime refuses or fails
   * @throws Error when no reply comes in time, or the peer ends without one; the text shows its output
   */
  async tell(command: string, args: Arguments = {}): Promise<unknown> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(() => {
      const late = `Waited ${REPLY_TIMEOUT_MS} ms for the reply to ${command}, in vain.`;
      reject(new Error(`${late}\n${this.#picture()}`));
    }, REPLY_TIMEOUT_MS);
    try {
      this.#child.stdin.write(`${JSON.stringify({ id, do: command, ...args })}\n`);
      await this.#child.stdin.flush();
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async call(target: string, message: Described, sender?: string): Promise<unknown> {
    return await this.tell("call", {
      target,
      message,
      ...(sender === undefined ? {} : { sender }),
    });
  }

  async publish(topic: string, message: Described, options: Arguments = {}): Promise<void> {
    await this.tell("publish", { topic, message, ...options });
  }

  /** Registers an agent type and its subscriptions to exact topic types. */
  async register(
    agentType: string,
    kind: string,
    topicTypes: readonly string[] = [],
  ): Promise<void> {
    await this.tell("register", { agentType, kind });
    for (const pattern of topicTypes) {
      await this.tell("subscribe", { kind: "type", pattern, agentType });
    }
  }

  /** All that the instances of an agent type have got so far, oldest first. */
  receivedBy(agentType: string): readonly Received[] {
    return this.#facts
      .filter(
        (fact) => fact.event === "received" && String(fact["agent"]).startsWith(`${agentType}/`),
      )
      .map(({ event: _, ...received }) => received as unknown as Received);
  }

  /** Waits until an agent type has got that many messages, and gives all it has got. */
  async waitForReceived(agentType: string, count: number): Promise<readonly Received[]> {
    return await this.#waitFor(`${count} messages at ${agentType}`, () => {
      const received = this.receivedBy(agentType);
      return received.length >= count ? received : undefined;
    });
  }

  /** Waits for one message that an agent type gets, now or earlier. */
  async waitForMessage(
    agentType: string,
    what: string,
    isIt: (message: Described) => boolean,
  ): Promise<void> {
    await this.#waitFor(`${what} at ${agentType}`, () =>
      this.receivedBy(agentType).find(({ message }) => isIt(message)),
    );
  }

  /** Waits until a callee was told to hang and does. */
  async waitForHanging(agent: string): Promise<void> {
    await this.#waitFor(`${agent} to hang`, () =>
      this.#facts.find((fact) => fact.event === "hanging" && fact["agent"] === agent),
    );
  }

  /** SIGKILL: the peer's host sees a connection that breaks. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    // Nothing survives SIGKILL; under load Bun now and then does not report the end of a killed child's pipe.
    await within(this.exited, KILL_TIMEOUT_MS);
    await within(this.#reading, KILL_TIMEOUT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #untilReady(): Promise<this> {
    try {
      await this.#waitFor(
        "it to be ready",
        () => this.#facts.find((fact) => fact.event === "ready"),
        START_TIMEOUT_MS,
      );
    } catch (error) {
      await this.kill();
      throw error;
    }
    return this;
  }

  async #waitFor<T>(what: string, look: () => T | undefined, timeoutMs = 10_000): Promise<T> {
    let found: T | undefined;
    const isOver = () => {
      found = look();
      return found !== undefined || this.#child.exitCode !== null;
    };
    await waitFor(isOver, {
      what: `${what} (${this.language} peer)`,
      timeoutMs,
      intervalMs: 5,
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#picture()}`);
    });
    if (found === undefined) {
      throw new Error(`The peer ended before ${what}.\n${this.#picture()}`);
    }
    return found;
  }

  async #readFacts(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#take(JSON.parse(line) as Fact);
      }
    }
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(`The peer ended before it replied.\n${this.#picture()}`));
    }
    this.#waiting.clear();
  }

  #take(fact: Fact): void {
    if (fact.event !== "reply") {
      this.#facts.push(fact);
      return;
    }
    const id = Number(fact["id"]);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    const error = fact["error"] as { type: string; code: string | null; text: string } | undefined;
    if (error === undefined) {
      waiting?.resolve(fact["value"]);
    } else {
      waiting?.reject(new PeerError(error.type, error.code, error.text));
    }
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.#errors += decoder.decode(chunk, { stream: true });
    }
  }

  #picture(): string {
    const facts = this.#facts.slice(-10).map((fact) => JSON.stringify(fact).slice(0, 400));
    return [
      `${this.language} peer, pid ${this.pid}, exit code ${this.#child.exitCode}`,
      `--- last facts\n${facts.join("\n")}`,
      `--- stderr\n${this.#errors.slice(-SHOWN_ERRORS)}`,
    ].join("\n");
  }
}
