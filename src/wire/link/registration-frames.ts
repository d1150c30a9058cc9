import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AgentrtError } from "../../core/errors.ts";
import type { Registration, RegistrationResult } from "../../core/registration.ts";
import type { Subscription } from "../../core/subscription.ts";
import { decodeSubscription, encodeSubscription } from "../autogen/subscription-codec.ts";
import { decodeErrorData, encodeErrorData } from "../error-data.ts";
import {
  Outcome,
  type RegistrationResultSchema,
  RegistrationSchema,
  type RegistrationResult as ResultFrame,
  type Registration as WireRegistration,
} from "../gen/agentrt/v1/link_pb.ts";
import { detailsOf, isErrorCode } from "../grpc-status.ts";

/** A registration in a hello, as it came. */
export type RegistrationFrame = WireRegistration;

/** What a worker asks for, its policy unchecked. */
export type AskedRegistration =
  | { readonly kind: "type"; readonly agentType: string; readonly policy: string | undefined }
  | { readonly kind: "subscription"; readonly subscription: Subscription };

/** Bytes that refusals may take in a welcome; what does not fit is said to be untried. */
const MAX_REFUSAL_BYTES = 64 * 1_024;

/** The registrations for a hello: those from the beginning that take no more than `maxBytes`. */
export function encodeRegistrations(
  registrations: readonly Registration[],
  maxBytes: number,
): RegistrationFrame[] {
  const frames: RegistrationFrame[] = [];
  let bytes = 0;
  for (const registration of registrations) {
    const frame = encodeRegistration(registration);
    bytes += toBinary(RegistrationSchema, frame).byteLength;
    if (bytes > maxBytes) {
      break;
    }
    frames.push(frame);
  }
  return frames;
}

function encodeRegistration(registration: Registration): RegistrationFrame {
  return create(RegistrationSchema, {
    registration:
      registration.kind === "type"
        ? {
            case: "agentType",
            value: { type: registration.agentType, policy: registration.policy ?? "" },
          }
        : { case: "subscription", value: encodeSubscription(registration.subscription) },
  });
}

/**
 * Undefined for a kind that this version does not know.
 * @throws AgentrtError `INVALID_SUBSCRIPTION`, `INVALID_TOPIC`, `INVALID_AGENT_ID`
 */
export function decodeRegistration({
  registration,
}: RegistrationFrame): AskedRegistration | undefined {
  switch (registration.case) {
    case "agentType": {
      const { type, policy } = registration.value;
      return { kind: "type", agentType: type, policy: policy === "" ? undefined : policy };
    }
    case "subscription":
      return { kind: "subscription", subscription: decodeSubscription(registration.value) };
    case undefined:
      return undefined;
    default:
      throw registration satisfies never;
  }
}

/** The results for a welcome. */
export function encodeResults(
  results: readonly RegistrationResult[],
): MessageInitShape<typeof RegistrationResultSchema>[] {
  let bytes = 0;
  return results.map((result) => {
    switch (result.kind) {
      case "accepted":
        return { outcome: Outcome.ACCEPTED };
      case "untried":
        return { outcome: Outcome.UNSPECIFIED };
      case "refused": {
        const { error } = result;
        const message = detailsOf(error);
        const data = encodeErrorData(error);
        bytes += Buffer.byteLength(message) + Buffer.byteLength(data);
        return bytes > MAX_REFUSAL_BYTES
          ? { outcome: Outcome.UNSPECIFIED }
          : { outcome: Outcome.REFUSED, code: error.code, message, data };
      }
      default:
        throw result satisfies never;
    }
  });
}

export function decodeResult({ outcome, code, message, data }: ResultFrame): RegistrationResult {
  switch (outcome) {
    case Outcome.ACCEPTED:
      return { kind: "accepted" };
    case Outcome.REFUSED: {
      const known = isErrorCode(code) ? code : "INTERNAL";
      return {
        kind: "refused",
        error: new AgentrtError(known, message, { data: decodeErrorData(data) }),
      };
    }
    default:
      return { kind: "untried" };
  }
}
