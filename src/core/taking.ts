import type { Delivery } from "./durable-delivery.ts";

/** What one call of `take` has gathered. */
export class Taking<B> {
  readonly nowMs: number;
  readonly deliveries: Delivery<B>[] = [];
  room: number;

  constructor(nowMs: number, room: number) {
    this.nowMs = nowMs;
    this.room = room;
  }

  add(delivery: Delivery<B>): void {
    this.deliveries.push(delivery);
    this.room -= delivery.last - delivery.first + 1;
  }
}
