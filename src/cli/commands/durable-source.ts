import { AgentrtError } from "../../core/errors.ts";
import { DurableAdminClient } from "../../wire/durable-admin/client.ts";
import type {
  DurableAnswer,
  DurableCall,
  DurableRequestInit,
} from "../../wire/durable-admin/codec.ts";
import type { Invocation } from "./command.ts";
import { CONNECT_TIMEOUT_MS, noHostAnswered } from "./with-client.ts";

/** The durable topics of the host that a command is about. */
export interface DurableSource extends Disposable {
  readonly hostAddress: string;
  /**
   * A call that is answered at once.
   * @throws AgentrtError `NOT_CONNECTED`, `NOT_SUPPORTED`, `DURABLE_NEEDS_DATA`, and the host's own
   */
  ask<C extends DurableCall>(call: C, request: DurableRequestInit<C>): Promise<DurableAnswer<C>>;
  /** A call that takes as long as it takes; that the host is there at all is found out first. */
  askForLong<C extends DurableCall>(
    call: C,
    request: DurableRequestInit<C>,
  ): Promise<DurableAnswer<C>>;
}

export function durableSource({ options, settings }: Invocation): DurableSource {
  const hostAddress = settings.values["host-address"];
  const timeoutMs = options["connect-timeout"] ?? CONNECT_TIMEOUT_MS;
  const client = new DurableAdminClient(hostAddress, {
    maxMessageBytes: settings.values["max-message-size"],
  });
  const ask: DurableSource["ask"] = async (call, request) => {
    try {
      return await client.call(call, request, timeoutMs);
    } catch (thrown) {
      throw explain(AgentrtError.from(thrown), hostAddress, timeoutMs);
    }
  };
  return {
    hostAddress,
    ask,
    askForLong: async (call, request) => {
      await ask("getFacts", {});
      return await client.call(call, request, undefined);
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function explain(error: AgentrtError, address: string, timeoutMs: number): AgentrtError {
  if (error.code !== "NOT_CONNECTED" && error.code !== "DEADLINE") {
    return error;
  }
  return noHostAnswered(error, address, timeoutMs);
}
