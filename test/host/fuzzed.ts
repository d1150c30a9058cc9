import { expect } from "bun:test";
import { decodeMessage } from "../../src/wire/autogen/codec.ts";
import { decodeControl } from "../../src/wire/autogen/control-codec.ts";
import { describe, describeControl, ProtocolAccount } from "./protocol-account.ts";
import { type ClientStream, codeOf, ProtocolHost } from "./protocol-host.ts";

export const CLIENTS = 4;

/** A host, its clients' streams, and the account of what must come on them. */
export class Fuzzed {
  readonly host = new ProtocolHost();
  readonly account = new ProtocolAccount();
  readonly streams: (ClientStream | undefined)[] = [];
  readonly controls: (ClientStream | undefined)[] = [];
  /** Streams that are over or were never let in: nothing may come on them. */
  readonly over: ClientStream[] = [];
  steps = 0;

  frame(from: number, bytes: Uint8Array): void {
    const stream = this.streams[from];
    if (stream === undefined) {
      return;
    }
    const isNoise = this.account.frame(from, bytes);
    stream.say(bytes);
    if (isNoise) {
      this.cutOff(from);
    }
  }

  /** The host has ended all streams of a client for what it sent. */
  cutOff(number: number): void {
    const stream = this.streams[number];
    if (stream !== undefined) {
      expect(codeOf(stream.status)).toBe("BAD_FRAME");
    }
    this.forget(number);
  }

  forget(number: number): void {
    this.account.forget(number);
    for (const streams of [this.streams, this.controls]) {
      const stream = streams[number];
      streams[number] = undefined;
      if (stream !== undefined) {
        stream.fresh();
        expect(stream.hasEnded || stream.cancelled || stream.status !== undefined).toBe(true);
        this.over.push(stream);
      }
    }
  }

  compare(): void {
    for (let number = 0; number < CLIENTS; number += 1) {
      const known = this.account.known.get(number);
      const messages = (this.streams[number]?.fresh() ?? []).map(decodeMessage);
      for (const envelope of messages) {
        if (envelope.kind === "request") {
          this.account.read(number, envelope);
        }
      }
      const controls = (this.controls[number]?.fresh() ?? []).map(decodeControl);
      expect(messages.map(describe)).toEqual(known?.isConnected === true ? known.messages : []);
      expect(controls.map(describeControl)).toEqual(known?.controls ?? []);
      if (known !== undefined) {
        known.messages = known.isConnected ? [] : known.messages;
        known.controls = [];
      }
    }
    expect(this.over.flatMap((stream) => stream.fresh())).toEqual([]);
    const { totals, router, registry } = this.host;
    expect([totals.badFrames, totals.strayResponses, totals.eventsIn]).toEqual([
      this.account.badFrames,
      this.account.strays,
      this.account.events,
    ]);
    const buried = this.host.deadLetters.recent.filter(({ kind }) => kind === "control");
    expect(buried.length).toBe(this.account.buriedControls);
    expect(router.pendingCalls).toBe(this.account.calls.length);
    expect(registry.size).toBe(this.account.known.size);
  }
}
