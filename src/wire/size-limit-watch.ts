import { type ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { AgentrtError } from "../core/errors.ts";
import { CODE_HEADER, toStatus } from "./grpc-status.ts";

/**
 * Gives the calls that grpc-js itself ends because of a message's size an error of ours, and tells of it.
 * @param limitBytes the largest message that is taken and sent
 * @param onTooLarge told with the peer's `host:port`
 */
export function watchSizeLimit(
  limitBytes: number,
  onTooLarge: (error: AgentrtError, peer: string) => void,
): ServerInterceptor {
  return (_method, call) => {
    const sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (ended) => {
      // grpc-js has no other use of this status, and ours carry their code.
      const isOfSize =
        ended.code === status.RESOURCE_EXHAUSTED &&
        (ended.metadata?.get(CODE_HEADER) ?? []).length === 0;
      if (!isOfSize) {
        sendStatus(ended);
        return;
      }
      const error = new AgentrtError(
        "TOO_LARGE",
        `${ended.details}. The host's limit is max-message-size; send less, or raise it on the host and its workers.`,
        { data: { limit: limitBytes } },
      );
      onTooLarge(error, call.getPeer());
      sendStatus(toStatus(error));
    };
    // The call itself: a wrapper round it, which grpc-js's types ask for, would cost on each message.
    return call as unknown as ServerInterceptingCall;
  };
}
