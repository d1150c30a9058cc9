import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { EventEnvelope } from "../../core/envelope.ts";
import { lastWillOf } from "../../wire/autogen/last-will.ts";
import { declareCapabilities } from "../../wire/capabilities.ts";
import { type AgentRpcParts, admit } from "../admission.ts";
import type { HostStream } from "../session.ts";
import { LinkReader } from "./link-reader.ts";
import type { LinkState } from "./link-state.ts";

/** The handler of agentrt's own dialect. */
export function createLinkRpc(
  parts: AgentRpcParts,
  state: LinkState,
): UntypedServiceImplementation {
  return {
    Open: (stream: HostStream) => {
      let will: EventEnvelope | undefined;
      const session = admit(parts, stream, () => {
        will = lastWillOf(stream.metadata);
      });
      if (session === undefined) {
        return;
      }
      stream.sendMetadata(declareCapabilities());
      const reader = new LinkReader({ parts, state, session, stream, will });
      stream.on("data", (packet: Uint8Array) => reader.read(packet));
      stream.on("close", () => reader.close());
    },
  };
}
