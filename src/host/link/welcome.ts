import { HOST_CAPABILITIES } from "../../wire/capabilities.ts";
import { encodeControlFrame, type HelloFrame } from "../../wire/link/frames.ts";
import { encodeResults } from "../../wire/link/registration-frames.ts";
import { LINK_VERSION } from "../../wire/link/service.ts";
import { takeRegistrations } from "./hello-registrations.ts";
import type { LinkReaderOptions } from "./link-reader.ts";

/** Takes what a hello registers. Returns the welcome. */
export function welcome(
  hello: HelloFrame,
  { parts, state, session }: LinkReaderOptions,
): Uint8Array {
  const { producer } = hello;
  session.canHandOver ||= session.capabilities.has("hand-over");
  if (session.producer === producer) {
    // It may come back before its broken stream is seen here: what it holds it registers again.
    session.makeRestorable();
  }
  session.producer = producer;
  const results = takeRegistrations(parts, session, hello.registrations);
  return encodeControlFrame({
    case: "welcome",
    value: {
      version: Math.min(hello.version, LINK_VERSION),
      instance: state.instance,
      accepted: BigInt(state.producers.accepted(producer)),
      windowBytes: BigInt(parts.options.linkWindowBytes),
      windowMessages: BigInt(parts.options.linkWindowMessages),
      maxMessageBytes: parts.options.maxMessageBytes,
      maxRoutes: parts.options.maxRoutes,
      capabilities: [...HOST_CAPABILITIES],
      results: encodeResults(results),
    },
  });
}
