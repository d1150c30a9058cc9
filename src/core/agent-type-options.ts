/** When an instance that fails again and again is closed and made anew with its saved state. */
export interface RestartOptions {
  /** Failures in a row of one instance before it is made anew. Default: 3. */
  readonly afterFailures?: number | undefined;
  /**
   * The longest pause before the first message after a restart, in milliseconds. Each further restart
   * without a success between doubles it. Default: 100.
   */
  readonly backoffInitialMs?: number | undefined;
  /** The longest such pause ever, in milliseconds. Default: 30,000. */
  readonly backoffMaxMs?: number | undefined;
}

/** When an agent type that fails again and again is given no messages for a while. */
export interface CircuitOptions {
  /** Failures in a row of all instances of the type before the circuit opens. Default: 10. */
  readonly afterFailures?: number | undefined;
  /** How long it stays open, in milliseconds. Then one message is let through: its success closes the circuit. Default: 10,000. */
  readonly openForMs?: number | undefined;
}

/**
 * How a runtime treats the instances of one agent type.
 *
 * A failure, for `restart` and `circuit`, is a handler or timer that throws, that runs into its time
 * limit, or whose instance cannot be made. Data that do not fit their type, a type without a handler
 * and a call that was given up say nothing about the agent, and do not count.
 */
export interface AgentTypeOptions {
  /** Messages that one instance handles at a time: `false` is 1, `true` is 1,000. Default: `false`. */
  readonly concurrent?: boolean | number | undefined;
  /**
   * How long a handler may take, in milliseconds. Then `context.signal` aborts and the message ends
   * with `DEADLINE`; an instance whose handler does not end soon after is made anew. Default: no limit.
   */
  readonly handlerTimeoutMs?: number | undefined;
  /**
   * An instance without a message for so long, in milliseconds, is saved, closed and forgotten; its
   * next message makes it again with its state. An instance stays while it has live timers, or state
   * and no store to save it to. Default: never.
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * `true` runs the type in a thread of its own, so that an endless loop in it harms no other type; see
   * `isolated`. In a file for `agentrt --agent` this is all; elsewhere the factory has to come from
   * `isolated`, and is refused when it does not. Default: `false`.
   */
  readonly isolate?: boolean | undefined;
  /** `true` is all of its defaults. Default: `false`, never. */
  readonly restart?: boolean | RestartOptions | undefined;
  /** `true` is all of its defaults. While open, messages end with `CIRCUIT_OPEN`. Default: `false`, none. */
  readonly circuit?: boolean | CircuitOptions | undefined;
}
