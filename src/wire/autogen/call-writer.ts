import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { AgentId } from "../../core/agent-id.ts";
import type { Headers, Payload, RequestEnvelope, ResponseEnvelope } from "../../core/envelope.ts";
import { FIELD } from "./field-scanner.ts";

/** The frame of a request, byte by byte as the library writes an `agents.Message`, without making one first. */
export function writeRequest(envelope: RequestEnvelope): Uint8Array {
  const { target, sender, headers, payload } = envelope;
  const writer = new BinaryWriter().uint32(FIELD.one).fork();
  writeText(writer, FIELD.one, envelope.id);
  if (sender !== undefined) {
    writeAgentId(writer, FIELD.two, sender);
  }
  writeAgentId(writer, FIELD.three, target);
  writeText(writer, FIELD.four, envelope.method);
  writePayload(writer, FIELD.five, payload);
  writeHeaders(writer, FIELD.six, headers);
  return writer.join().finish();
}

/**
 * The frame of a response. The payload is always there, empty on an error: .NET workers refuse a
 * response without one.
 */
export function writeResponse(envelope: ResponseEnvelope): Uint8Array {
  const writer = new BinaryWriter().uint32(FIELD.two).fork();
  writeText(writer, FIELD.one, envelope.id);
  writePayload(writer, FIELD.two, envelope.payload);
  writeText(writer, FIELD.three, envelope.error);
  writeHeaders(writer, FIELD.four, envelope.headers);
  return writer.join().finish();
}

function writeAgentId(writer: BinaryWriter, tag: number, { type, key }: AgentId): void {
  writer.uint32(tag).fork();
  writeText(writer, FIELD.one, type);
  writeText(writer, FIELD.two, key);
  writer.join();
}

function writePayload(writer: BinaryWriter, tag: number, payload: Payload): void {
  writer.uint32(tag).fork();
  writeText(writer, FIELD.one, payload.dataType);
  writeText(writer, FIELD.two, payload.contentType);
  if (payload.data.byteLength > 0) {
    writer.uint32(FIELD.three).bytes(payload.data);
  }
  writer.join();
}

function writeHeaders(writer: BinaryWriter, tag: number, headers: Headers): void {
  for (const name of Object.keys(headers)) {
    writer.uint32(tag).fork();
    writer.uint32(FIELD.one).string(name);
    writer.uint32(FIELD.two).string(headers[name] ?? "");
    writer.join();
  }
}

/** An empty text is not written, as everywhere but in a map's entries. */
function writeText(writer: BinaryWriter, tag: number, text: string): void {
  if (text !== "") {
    writer.uint32(tag).string(text);
  }
}
