import { AgentId, type AgentRuntime, defineMessage, TopicId } from "agentrt";
import * as v from "valibot";
import type { Envelope } from "../../src/core/envelope.ts";
import type { FakeHost } from "./fake-host.ts";

export const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
export const topic = new TopicId("readings", "kitchen");
export const reading = (celsius: number): object => Reading.of({ celsius });
export const recipient = new AgentId("somebody", "x");

export function celsiusOf(envelope: Envelope): number {
  return Reading.decode(envelope.payload.data).celsius;
}

export const eventsOf = (host: FakeHost): readonly number[] =>
  host.received.filter((envelope) => envelope.kind === "event").map(celsiusOf);

export async function publishAll(runtime: AgentRuntime, values: readonly number[]): Promise<void> {
  for (const value of values) {
    await runtime.publishMessage(reading(value), topic);
  }
}
