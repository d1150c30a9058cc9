import type { TypePolicy } from "../core/type-policy.ts";
import { placeOf } from "./placement.ts";
import type { Session } from "./session.ts";

/** The workers that hold one agent type, and who of them gets its messages; see {@link TypePolicy}. */
export class TypeHolders {
  readonly type: string;
  readonly policy: TypePolicy;
  /** In the order in which they registered. */
  readonly #members: Session[] = [];
  /** Members that are about to give the type up. */
  readonly #leaving = new Set<Session>();
  readonly #routesOf: (member: Session) => number;
  #ready: readonly Session[] | undefined;
  #turn = 0;

  /** @param routesOf how many of the type's subscriptions a member has made */
  constructor(type: string, policy: TypePolicy, routesOf: (member: Session) => number) {
    this.type = type;
    this.policy = policy;
    this.#routesOf = routesOf;
  }

  get first(): Session | undefined {
    return this.#members[0];
  }

  get members(): readonly Session[] {
    return this.#members;
  }

  has(session: Session): boolean {
    return this.#members.includes(session);
  }

  add(session: Session): void {
    this.#members.push(session);
    this.refresh();
  }

  /** It holds the type until it is removed, and gets new messages only when nobody else does. */
  beginLeave(session: Session): void {
    if (this.has(session)) {
      this.#leaving.add(session);
      this.refresh();
    }
  }

  remove(session: Session): void {
    this.#leaving.delete(session);
    const index = this.#members.indexOf(session);
    if (index >= 0) {
      this.#members.splice(index, 1);
    }
    this.refresh();
  }

  /** To be called when a subscription of the type came or went. */
  refresh(): void {
    this.#ready = undefined;
  }

  /** The worker that an event for the instance goes to; for `broadcast` see {@link members}. */
  ownerOf(key: string): Session | undefined {
    switch (this.policy) {
      case "exclusive":
        return this.#members[0];
      case "standby":
      case "broadcast":
        return this.#readyMembers()[0];
      case "shared":
        return placeOf(this.#readyMembers(), `${this.type}/${key}`);
      default:
        throw this.policy satisfies never;
    }
  }

  /** The worker that a call for the instance goes to. */
  calleeFor(key: string): Session | undefined {
    if (this.policy !== "broadcast") {
      return this.ownerOf(key);
    }
    const ready = this.#readyMembers();
    this.#turn = (this.#turn + 1) % Math.max(ready.length, 1);
    return ready[this.#turn];
  }

  /**
   * A worker matches events against its own subscriptions once more, so one that has not made all of
   * them yet would drop what it is given: it gets its share when it has as many as the others, and
   * not while it takes its leave.
   */
  #readyMembers(): readonly Session[] {
    if (this.#ready === undefined) {
      const staying = this.#members.filter(
        (member) => !member.isLeaving && !this.#leaving.has(member),
      );
      const candidates = staying.length > 0 ? staying : this.#members;
      const counts = candidates.map((member) => this.#routesOf(member));
      const most = Math.max(0, ...counts);
      this.#ready = candidates.filter((_, index) => counts[index] === most);
    }
    return this.#ready;
  }
}
