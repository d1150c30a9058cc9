import { Cron } from "croner";
import type { AgentTask } from "./agent.ts";
import { AgentrtError, messageOf } from "./errors.ts";

/** A schedule of an agent. It ends by itself when the instance is closed. */
export interface AgentTimer extends Disposable {
  /** What it was made with, such as `every 1000 ms`. */
  readonly name: string;
  readonly isStopped: boolean;
  /** Runs no more, not even a run that waits for its turn; one that has begun goes on. Safe to call again. */
  stop(): void;
}

export type TimerHandler = (signal: AbortSignal) => unknown;

export interface CronOptions {
  /** IANA name, such as `Europe/Berlin`. Default: the process's own. */
  readonly timeZone?: string;
}

/** The longest that a timer of the system can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The schedules of one agent instance. Each run is a task in the agent's mailbox. A run that is due
 * while the one before of the same schedule has not ended is left out, so that a slow agent does not
 * collect them.
 */
export class AgentTimers {
  readonly #enqueue: (task: AgentTask) => void;
  readonly #live = new Set<AgentTimer>();

  /** @param enqueue puts a task into the agent's mailbox, or throws */
  constructor(enqueue: (task: AgentTask) => void) {
    this.#enqueue = enqueue;
  }

  get size(): number {
    return this.#live.size;
  }

  /** @throws AgentrtError `INVALID_OPTION` */
  every(intervalMs: number, handler: TimerHandler): AgentTimer {
    assertMs("every", intervalMs, 1);
    return this.#start(`every ${intervalMs} ms`, handler, false, (tick) => {
      const timer = setInterval(tick, intervalMs);
      return () => clearInterval(timer);
    });
  }

  /** @throws AgentrtError `INVALID_OPTION` */
  after(delayMs: number, handler: TimerHandler): AgentTimer {
    assertMs("after", delayMs, 0);
    return this.#start(`after ${delayMs} ms`, handler, true, (tick) => {
      const timer = setTimeout(tick, delayMs);
      return () => clearTimeout(timer);
    });
  }

  /** @throws AgentrtError `INVALID_OPTION` for a pattern or time zone that cannot be read */
  cron(pattern: string, handler: TimerHandler, { timeZone }: CronOptions = {}): AgentTimer {
    return this.#start(`cron ${pattern}`, handler, false, (tick) => {
      try {
        const cron = new Cron(pattern, timeZone === undefined ? {} : { timezone: timeZone }, tick);
        return () => cron.stop();
      } catch (error) {
        throw new AgentrtError(
          "INVALID_OPTION",
          `The schedule "${pattern}"${timeZone === undefined ? "" : ` in ${timeZone}`} cannot be read: ${messageOf(error)} Write five or six fields, such as "*/5 * * * *".`,
          { cause: error, data: { option: "cron" } },
        );
      }
    });
  }

  stopAll(): void {
    for (const timer of this.#live) {
      timer.stop();
    }
  }

  /** @param begin starts the clock and returns what stops it */
  #start(
    name: string,
    handler: TimerHandler,
    isOnce: boolean,
    begin: (tick: () => void) => () => void,
  ): AgentTimer {
    let isStopped = false;
    let isWaiting = false;
    const task: AgentTask = {
      name,
      run: (signal) => (isStopped ? undefined : handler(signal)),
      onEnd: () => {
        isWaiting = false;
        if (isOnce) {
          timer.stop();
        }
      },
    };
    const tick = (): void => {
      if (!isWaiting && !isStopped) {
        isWaiting = true;
        this.#offer(task);
      }
    };
    const end = begin(tick);
    const stop = (): void => {
      isStopped = true;
      end();
      this.#live.delete(timer);
    };
    const timer: AgentTimer = {
      name,
      get isStopped() {
        return isStopped;
      },
      stop,
      [Symbol.dispose]: stop,
    };
    this.#live.add(timer);
    return timer;
  }

  #offer(task: AgentTask): void {
    try {
      this.#enqueue(task);
    } catch {
      // The runtime stops, which closes the agent and so its schedules.
      task.onEnd();
    }
  }
}

function assertMs(name: string, value: number, min: number): void {
  if (!Number.isFinite(value) || value < min || value > MAX_TIMER_MS) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${name}() cannot wait ${value} ms; give ${min} to ${MAX_TIMER_MS} milliseconds.`,
      { data: { option: name } },
    );
  }
}
