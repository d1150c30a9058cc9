import {
  type CallEnded,
  type Called,
  type CallHandled,
  type Counted,
  type Damaged,
  type Fault,
  type GivenUp,
  type Handled,
  type HistoryEvent,
  type HostCounted,
  nameOf,
  type ProcessChanged,
  type Published,
  type SubscriberDeclared,
} from "../history.ts";

/** A promise that a history shows to be broken. */
export interface Violation {
  readonly invariant:
    | "lost"
    | "invented"
    | "order"
    | "repeated"
    | "unaccounted"
    | "call"
    | "given up"
    | "process";
  readonly text: string;
}

/** A history, arranged for questions. */
export class IndexedHistory {
  readonly subscribers: SubscriberDeclared[] = [];
  /** By name, in the order in which they were begun. */
  readonly published = new Map<string, Published>();
  /** By name; absent where it is unknown. */
  readonly outcomes = new Map<string, string>();
  /** Of each agent type, by time. */
  readonly handled = new Map<string, Handled[]>();
  readonly failed: Handled[] = [];
  readonly dead: GivenUp[] = [];
  readonly damaged: Damaged[] = [];
  readonly calls = new Map<string, Called>();
  readonly callEnds: CallEnded[] = [];
  readonly callsHandled: CallHandled[] = [];
  readonly processes: ProcessChanged[] = [];
  readonly faults: Fault[] = [];
  readonly hostCounts = new Map<string, HostCounted>();
  readonly #counted = new Map<string, Counted>();

  constructor(events: readonly HistoryEvent[]) {
    for (const event of events) {
      this.#add(event);
    }
  }

  /** What the states of an agent type say, the last of each key. */
  countedBy(agentType: string): readonly Counted[] {
    return [...this.#counted.values()].filter((one) => one.agentType === agentType);
  }

  handledBy(agentType: string): readonly Handled[] {
    return this.handled.get(agentType) ?? [];
  }

  /** Names of all that reached an agent type: for one that counts, as its state has it. */
  reached({ agentType, isCounting }: SubscriberDeclared): Set<string> {
    if (!isCounting) {
      return new Set(this.handledBy(agentType).map(nameOf));
    }
    const names = new Set<string>();
    for (const { counted } of this.countedBy(agentType)) {
      for (const [stream, ranges] of Object.entries(counted)) {
        for (const [first, last] of ranges) {
          for (let n = first; n <= last; n += 1) {
            names.add(nameOf({ stream, n }));
          }
        }
      }
    }
    return names;
  }

  #add(event: HistoryEvent): void {
    switch (event.kind) {
      case "subscriber":
        this.subscribers.push(event);
        return;
      case "publish":
        this.published.set(nameOf(event), event);
        return;
      case "published":
        this.outcomes.set(nameOf(event), event.outcome);
        return;
      case "handled": {
        const known = this.handled.get(event.agentType) ?? [];
        this.handled.set(event.agentType, known);
        known.push(event);
        return;
      }
      case "failed":
        this.failed.push(event);
        return;
      case "call":
        this.calls.set(event.call, event);
        return;
      case "called":
        this.callEnds.push(event);
        return;
      case "call handled":
        this.callsHandled.push(event);
        return;
      case "counted":
        this.#counted.set(`${event.agentType}/${event.key}`, event);
        return;
      case "dead":
        this.dead.push(event);
        return;
      case "damaged":
        this.damaged.push(event);
        return;
      case "process":
        this.processes.push(event);
        return;
      case "fault":
        this.faults.push(event);
        return;
      case "host counted":
        this.hostCounts.set(event.process, event);
        return;
      default:
        event satisfies never;
    }
  }
}
