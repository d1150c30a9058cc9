import { getLogger } from "@logtape/logtape";
import { AgentId } from "../core/agent-id.ts";
import {
  EMPTY_PAYLOAD,
  type Payload,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../core/envelope.ts";
import { HAND_OVER } from "../core/hand-over.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { type Delivery, frameOf } from "./delivery.ts";
import type { Session } from "./session.ts";
import type { MutableTotals } from "./totals.ts";
import type { TypeHolders } from "./type-holders.ts";

/** How long an instance may take to move with its state, before it goes on without. */
const MOVE_TIMEOUT_MS = 5_000;
/** Instances whose place is remembered; one that was forgotten moves without its state. */
const MAX_LOCATED = 100_000;
/** Messages that may wait for one moving instance. */
const MAX_WAITING = 10_000;

/** Gives a message that waited to the worker that now has the instance; undefined when there is none. */
type Deliver = (owner: Session | undefined) => void;

/**
 * - `draining`: what was queued for the old worker goes out first.
 * - `saving`: the old worker was asked for the state.
 * - `loading`: the new worker was given it.
 */
interface Move {
  readonly agent: AgentId;
  readonly holders: TypeHolders;
  readonly from: Session;
  readonly deadlineMs: number;
  readonly waiting: Deliver[];
  step: "draining" | "saving" | "loading";
  to: Session | undefined;
  requestId: string;
  state: Payload;
  unwatch: () => void;
}

/** A worker that takes its leave, from one agent type or from all. */
export interface Leave {
  readonly session: Session;
  /** Undefined when it leaves all. */
  readonly agentType: string | undefined;
  /** Called when none of its instances is left. */
  readonly done: () => void;
}

/**
 * Where the instances of shared agent types live. When the workers of a type come and go, an instance
 * moves with its next message: the old worker finishes what it has, gives the state and forgets the
 * instance, the new one loads it, and only then gets what came meanwhile. So there is one instance at
 * any time, and its messages keep their order. A worker that died has no state to give.
 */
export class Placements {
  readonly #delivery: Delivery;
  readonly #totals: MutableTotals;
  readonly #now: () => number;
  readonly #located = new Map<string, Session>();
  readonly #moves = new Map<string, Move>();
  readonly #byRequest = new Map<string, Move>();
  readonly #leaves = new Set<Leave>();
  readonly #logger = getLogger(["agentrt", "host"]);
  #lastRequest = 0;

  constructor(delivery: Delivery, totals: MutableTotals, now: () => number = Date.now) {
    this.#delivery = delivery;
    this.#totals = totals;
    this.#now = now;
  }

  /**
   * The worker that has the instance; undefined while it moves, and then `deliver` is called once it has
   * arrived, in the order of the calls of this method.
   */
  ownerFor(holders: TypeHolders, key: string, deliver: Deliver): Session | undefined {
    const name = `${holders.type}/${key}`;
    const moving = this.#moves.get(name);
    if (moving !== undefined) {
      moving.waiting.push(deliver);
      if (moving.waiting.length >= MAX_WAITING) {
        this.#finish(moving, false);
      }
      return undefined;
    }
    const owner = holders.ownerOf(key);
    const at = this.#located.get(name);
    if (owner === undefined || at === owner) {
      return owner;
    }
    if (at === undefined || !at.canHandOver) {
      this.#totals.instancesMovedWithoutState += at === undefined ? 0 : 1;
      this.#locate(name, owner);
      return owner;
    }
    this.#begin(holders, key, at, [deliver]);
    return undefined;
  }

  /** True when the instance is this worker's, and lives there or begins to live there now. */
  isAt(holders: TypeHolders, key: string, session: Session): boolean {
    const name = `${holders.type}/${key}`;
    const at = this.#located.get(name) ?? session;
    if (at !== session || this.#moves.has(name) || holders.ownerOf(key) !== session) {
      return false;
    }
    this.#locate(name, session);
    return true;
  }

  /** Moves the instances of a worker that takes its leave, those that can live elsewhere. */
  leave(leave: Leave, holdersOf: (type: string) => TypeHolders | undefined): void {
    const { session, agentType } = leave;
    this.#leaves.add(leave);
    for (const [name, at] of [...this.#located]) {
      const { type, key } = AgentId.parse(name);
      const holders = type === (agentType ?? type) ? holdersOf(type) : undefined;
      const hasElsewhere = holders !== undefined && holders.ownerOf(key) !== session;
      if (at === session && hasElsewhere && !this.#moves.has(name)) {
        this.#begin(holders, key, at, []);
      }
    }
    this.#tellIfGone(session);
  }

  /** True when the response belongs to a move. */
  answered(response: ResponseEnvelope, from: Session): boolean {
    if (this.#byRequest.size === 0) {
      return false;
    }
    const move = this.#byRequest.get(response.id);
    if (move === undefined || from !== (move.step === "saving" ? move.from : move.to)) {
      return false;
    }
    const isRefused = response.error !== "";
    if (isRefused || move.step === "loading") {
      this.#finish(move, !isRefused);
    } else {
      move.state = response.payload;
      this.#load(move);
    }
    return true;
  }

  /** True when the request, which did not reach its worker, belongs to a move. */
  lost(requestId: string): boolean {
    const move = this.#byRequest.get(requestId);
    if (move !== undefined) {
      this.#finish(move, false);
    }
    return move !== undefined;
  }

  /** Ends the moves from and to a worker that is gone, and forgets its instances. */
  forget(session: Session): void {
    for (const leave of [...this.#leaves].filter((one) => one.session === session)) {
      this.#leaves.delete(leave);
    }
    let lost = 0;
    for (const move of [...this.#moves.values()]) {
      if (move.step === "loading" && move.to === session) {
        this.#load(move);
      } else if (move.step !== "loading" && move.from === session) {
        this.#finish(move, false);
      }
    }
    for (const [name, at] of this.#located) {
      if (at === session) {
        this.#located.delete(name);
        lost += 1;
      }
    }
    if (lost > 0) {
      this.#totals.instancesMovedWithoutState += lost;
      const { clientId } = session;
      this.#logger.warn(
        "a worker is gone; its shared instances begin anew elsewhere, without the state they had there",
        { clientId, instances: lost },
      );
    }
  }

  /** Goes on without the state where a worker takes too long. To be called often. */
  expire(): void {
    const nowMs = this.#now();
    for (const move of [...this.#moves.values()]) {
      if (nowMs >= move.deadlineMs) {
        this.#finish(move, false);
      }
    }
  }

  #begin(holders: TypeHolders, key: string, from: Session, waiting: Deliver[]): void {
    const agent = new AgentId(holders.type, key);
    const move: Move = {
      ...{ agent, holders, from, waiting, step: "draining", to: undefined, requestId: "" },
      ...{ deadlineMs: this.#now() + MOVE_TIMEOUT_MS, state: EMPTY_PAYLOAD, unwatch: nothing },
    };
    this.#moves.set(String(agent), move);
    const ask = (): void => {
      // In the stream behind everything that the instance was sent before.
      if (move.step === "draining" && from.outbox.queuedMessages === 0) {
        move.unwatch();
        move.step = "saving";
        this.#request(move, from, HAND_OVER.takeOut, EMPTY_PAYLOAD);
      }
    };
    move.unwatch = from.outbox.watchRelief(Number.MIN_VALUE, ask);
    ask();
  }

  #load(move: Move): void {
    const to = move.holders.ownerOf(move.agent.key);
    if (to?.canHandOver !== true || move.state.data.byteLength === 0) {
      this.#finish(move, move.state.data.byteLength === 0);
      return;
    }
    move.step = "loading";
    move.to = to;
    this.#request(move, to, HAND_OVER.putIn, move.state);
  }

  #request(move: Move, to: Session, method: string, payload: Payload): void {
    this.#lastRequest += 1;
    this.#byRequest.delete(move.requestId);
    move.requestId = `move-${this.#lastRequest}`;
    this.#byRequest.set(move.requestId, move);
    const request: RequestEnvelope = {
      ...{ kind: "request", id: move.requestId, target: move.agent, sender: undefined },
      ...{ method, headers: {}, payload },
    };
    this.#delivery.offer(to, frameOf(request, encodeMessage(request), "normal"));
  }

  #finish(move: Move, isWithState: boolean): void {
    move.unwatch();
    const name = String(move.agent);
    this.#moves.delete(name);
    this.#byRequest.delete(move.requestId);
    if (isWithState) {
      this.#totals.instancesMoved += 1;
    } else {
      this.#totals.instancesMovedWithoutState += 1;
      this.#logger.warn("a shared instance moves without its state", { agent: name });
    }
    const owner = move.step === "loading" ? move.to : move.holders.ownerOf(move.agent.key);
    if (owner !== undefined) {
      this.#locate(name, owner);
    }
    if (owner !== undefined && this.#isToMoveOn(move, owner)) {
      this.#begin(move.holders, move.agent.key, owner, move.waiting);
    } else {
      for (const deliver of move.waiting) {
        deliver(owner);
      }
    }
    this.#tellIfGone(move.from);
    if (move.to !== undefined) {
      this.#tellIfGone(move.to);
    }
  }

  /** True when the worker took its leave while it was given the instance, and another is there to have it. */
  #isToMoveOn(move: Move, owner: Session): boolean {
    const leaves = [...this.#leaves].some(
      ({ session, agentType }) =>
        session === owner && (agentType ?? move.agent.type) === move.agent.type,
    );
    return leaves && move.holders.ownerOf(move.agent.key) !== owner;
  }

  #locate(name: string, owner: Session): void {
    this.#located.set(name, owner);
    if (this.#located.size > MAX_LOCATED) {
      const [oldest] = this.#located.keys();
      this.#located.delete(oldest ?? name);
    }
  }

  #tellIfGone(session: Session): void {
    for (const leave of this.#leaves.size === 0 ? [] : [...this.#leaves]) {
      const { agentType, done } = leave;
      const isInvolved = ({ from, to, agent }: Move): boolean =>
        (from === session || to === session) && agent.type === (agentType ?? agent.type);
      if (leave.session === session && ![...this.#moves.values()].some(isInvolved)) {
        this.#leaves.delete(leave);
        this.#forgetLeft(leave);
        done();
      }
    }
  }

  /** Instances without another place ended where they were; whoever holds their type next begins anew. */
  #forgetLeft({ session, agentType }: Leave): void {
    for (const [name, at] of agentType === undefined ? [] : [...this.#located]) {
      if (at === session && name.startsWith(`${agentType}/`)) {
        this.#located.delete(name);
      }
    }
  }
}

const nothing = (): void => undefined;
