/**
 * The `method` of requests, agentrt's own, by which an instance of a shared agent type moves between
 * workers. AutoGen's workers leave the field empty, and are never sent these.
 */
export const HAND_OVER = {
  /** Host to worker: finish what you have for the instance, give its state, forget it. */
  takeOut: "agentrt.take-out",
  /** Host to worker: the state of an instance that is yours from now on. */
  putIn: "agentrt.put-in",
  /** Worker to host: I take my leave; move my instances. Answered when they have moved. */
  leave: "agentrt.leave",
  /** Worker to host: I give up the agent type that the target's key names; move my instances of it first. */
  leaveType: "agentrt.leave-type",
} as const;

/** The agent that a worker addresses to take its leave. */
export const LEAVE_TARGET = { type: "agentrt.host", key: "leave" } as const;
