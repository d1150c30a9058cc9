import { AgentId } from "../../src/core/agent-id.ts";
import type { EventEnvelope, RequestEnvelope, ResponseEnvelope } from "../../src/core/envelope.ts";
import { TopicId } from "../../src/core/topic-id.ts";

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const agent = new AgentId("packer", "hall 2/left");

export const event: EventEnvelope = {
  ...{ kind: "event" as const, id: "e-1", topic: new TopicId("news", "here"), sender: agent },
  headers: { priority: "high" },
  payload: { dataType: "Note", contentType: "application/json", data: text('{"text":"ü"}') },
};
export const failure: ResponseEnvelope = {
  ...{
    kind: "response" as const,
    id: "12",
    error: "It failed.",
    headers: { "agentrt-code": "HANDLER_FAILED" },
  },
  payload: { dataType: "", contentType: "", data: new Uint8Array(0) },
};
export const request: RequestEnvelope = {
  ...{
    kind: "request" as const,
    sender: undefined,
    id: "12",
    target: agent,
    method: "",
    headers: { a: "b" },
    payload: event.payload,
  },
};
