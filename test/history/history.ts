/** What happened in a run, as its processes noted it. A checker reads nothing else. */

/** Names a message for ever: a publisher's life, a topic, a priority, and its number among those. */
export interface MessageName {
  /** `<publisher> <topic type>/<source> <priority>` */
  readonly stream: string;
  /** From 1, in the order in which they were published. */
  readonly n: number;
}

/** Milliseconds of one clock for all processes, with fractions. */
interface Timed {
  readonly at: number;
}

/** Who gets what, and what is promised to it. */
export interface SubscriberDeclared extends Timed {
  readonly kind: "subscriber";
  readonly agentType: string;
  readonly topicTypes: readonly string[];
  readonly isDurable: boolean;
  /** True for one whose state says what it has handled. */
  readonly isCounting: boolean;
  /** True for one that may fail messages; what it fails for good is given up. */
  readonly mayFail: boolean;
  /** True for one that several processes hold together. */
  readonly isShared: boolean;
}

/** A publication was begun. Written before anything was done. */
export interface Published extends Timed, MessageName {
  readonly kind: "publish";
  readonly isDurable: boolean;
}

/** It ended. Without one its outcome is unknown. `ok`, or the error's code. */
export interface PublishEnded extends Timed, MessageName {
  readonly kind: "published";
  readonly outcome: string;
}

/** A handler got a message, and did not fail it. */
export interface Handled extends Timed, MessageName {
  readonly kind: "handled" | "failed";
  readonly agentType: string;
  readonly key: string;
  /** A life of a process. */
  readonly process: string;
}

export interface Called extends Timed {
  readonly kind: "call";
  readonly call: string;
  readonly timeoutMs: number;
}

export interface CallEnded extends Timed {
  readonly kind: "called";
  readonly call: string;
  /** `ok`, or the error's code. */
  readonly outcome: string;
  /** The call that the answer names. */
  readonly answers: string | undefined;
}

export interface CallHandled extends Timed {
  readonly kind: "call handled";
  readonly call: string;
  readonly process: string;
}

/** What an agent's state says at the end of the run, by the agent's key. */
export interface Counted extends Timed {
  readonly kind: "counted";
  readonly agentType: string;
  readonly key: string;
  /** Numbers that were counted, as ranges, by stream. */
  readonly counted: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  /** Those that were counted before already. */
  readonly again: readonly MessageName[];
}

/** Kept as dead for an agent type at the end of the run. */
export interface GivenUp extends Timed, MessageName {
  readonly kind: "dead";
  readonly agentType: string;
  readonly reason: string;
}

/** A range of the log that its check reports as damaged. */
export interface Damaged extends Timed {
  readonly kind: "damaged";
  readonly records: number;
  /** Absent where the damage leaves unknown what it was. */
  readonly topicType: string | undefined;
}

/** A life of a process began or ended. `died` by itself, which none may. */
export interface ProcessChanged extends Timed {
  readonly kind: "process";
  readonly process: string;
  readonly role: "host" | "publisher" | "subscriber";
  readonly change: "started" | "killed" | "stopped" | "died";
}

/** Something that may lose plain messages, or hold anything up, from `at` until `untilAt`. */
export interface Fault extends Timed {
  readonly kind: "fault";
  readonly name: string;
  readonly untilAt: number;
  /** True when what is on its way is lost with it: the kill of a process, a cut connection. */
  readonly mayLose: boolean;
}

/** Plain messages of which a life of the host says that they had no receiver, or did not reach it. */
export interface HostCounted extends Timed {
  readonly kind: "host counted";
  readonly process: string;
  readonly unmatched: number;
  readonly deadLetters: number;
}

export type HistoryEvent =
  | SubscriberDeclared
  | Published
  | PublishEnded
  | Handled
  | Called
  | CallEnded
  | CallHandled
  | Counted
  | GivenUp
  | Damaged
  | ProcessChanged
  | Fault
  | HostCounted;

export function nameOf({ stream, n }: MessageName): string {
  return `${stream} ${n}`;
}

/** The part of a stream's name that is a topic type. */
export function topicTypeOf(stream: string): string {
  return stream.split(" ")[1]?.split("/")[0] ?? "";
}

/** The part of a stream's name that is a topic's source, which is the key of those who get it. */
export function keyOf(stream: string): string {
  return stream.split(" ")[1]?.split("/")[1] ?? "";
}

/** The part of a stream's name that is a life of a publisher. */
export function publisherOf(stream: string): string {
  return stream.split(" ")[0] ?? "";
}
