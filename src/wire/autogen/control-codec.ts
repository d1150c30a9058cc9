import { create, createRegistry, fromBinary, isMessage, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { AgentId } from "../../core/agent-id.ts";
import {
  type ControlBody,
  type ControlEnvelope,
  formatControlAddress,
  parseControlAddress,
} from "../../core/control.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import {
  type ControlMessage,
  ControlMessageSchema,
  LoadStateRequestSchema,
  LoadStateResponseSchema,
  SaveStateRequestSchema,
  SaveStateResponseSchema,
} from "../gen/agents/agent_worker_pb.ts";

const bodies = createRegistry(
  SaveStateRequestSchema,
  SaveStateResponseSchema,
  LoadStateRequestSchema,
  LoadStateResponseSchema,
);

/**
 * Reads one frame of OpenControlChannel.
 * @throws AgentrtError `BAD_FRAME`, `INVALID_AGENT_ID`
 */
export function decodeControl(bytes: Uint8Array): ControlEnvelope {
  const message = parse(bytes);
  const respondTo = message.respondTo ?? "";
  return {
    kind: "control",
    rpcId: message.rpcId,
    destination: parseControlAddress(message.destination),
    respondTo: respondTo === "" ? undefined : parseControlAddress(respondTo),
    body: decodeBody(message.rpcMessage),
  };
}

export function encodeControl(envelope: ControlEnvelope): Uint8Array {
  return toBinary(
    ControlMessageSchema,
    create(ControlMessageSchema, {
      rpcId: envelope.rpcId,
      destination: formatControlAddress(envelope.destination),
      ...(envelope.respondTo === undefined
        ? {}
        : { respondTo: formatControlAddress(envelope.respondTo) }),
      rpcMessage: encodeBody(envelope.body),
    }),
  );
}

function parse(bytes: Uint8Array): ControlMessage {
  try {
    return fromBinary(ControlMessageSchema, bytes);
  } catch (error) {
    throw new AgentrtError(
      "BAD_FRAME",
      `The frame is not an agents.ControlMessage: ${messageOf(error)}.`,
      {
        cause: error,
        data: { isUnreadable: true },
      },
    );
  }
}

function decodeBody(any: Any | undefined): ControlBody {
  const body = any === undefined ? undefined : unpack(any);
  if (isMessage(body, SaveStateRequestSchema)) {
    return { kind: "save-state-request", agentId: agentIdOf(body.agentId) };
  }
  if (isMessage(body, SaveStateResponseSchema)) {
    return { kind: "save-state-response", state: body.state, error: emptyToUndefined(body.error) };
  }
  if (isMessage(body, LoadStateRequestSchema)) {
    return { kind: "load-state-request", agentId: agentIdOf(body.agentId), state: body.state };
  }
  if (isMessage(body, LoadStateResponseSchema)) {
    return { kind: "load-state-response", error: emptyToUndefined(body.error) };
  }
  throw new AgentrtError("BAD_FRAME", "The control message holds none of the four state messages.");
}

function unpack(any: Any): ReturnType<typeof anyUnpack> {
  try {
    return anyUnpack(any, bodies);
  } catch (error) {
    throw new AgentrtError(
      "BAD_FRAME",
      `The control message cannot be read: ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}

function encodeBody(body: ControlBody): Any {
  switch (body.kind) {
    case "save-state-request":
      return anyPack(
        SaveStateRequestSchema,
        create(SaveStateRequestSchema, { agentId: wireAgentId(body.agentId) }),
      );
    case "save-state-response":
      return anyPack(
        SaveStateResponseSchema,
        create(SaveStateResponseSchema, { state: body.state, ...errorField(body.error) }),
      );
    case "load-state-request":
      return anyPack(
        LoadStateRequestSchema,
        create(LoadStateRequestSchema, { agentId: wireAgentId(body.agentId), state: body.state }),
      );
    case "load-state-response":
      return anyPack(
        LoadStateResponseSchema,
        create(LoadStateResponseSchema, errorField(body.error)),
      );
    default:
      throw body satisfies never;
  }
}

function agentIdOf(id: { readonly type: string; readonly key: string } | undefined): AgentId {
  if (id === undefined) {
    throw new AgentrtError("BAD_FRAME", "The control message names no agent.");
  }
  return new AgentId(id.type, id.key);
}

function wireAgentId(id: AgentId): { type: string; key: string } {
  return { type: id.type, key: id.key };
}

function errorField(error: string | undefined): { error?: string } {
  return error === undefined ? {} : { error };
}

function emptyToUndefined(error: string | undefined): string | undefined {
  return error === "" ? undefined : error;
}
