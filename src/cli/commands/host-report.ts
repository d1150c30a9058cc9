import { AgentrtError } from "../../core/errors.ts";
import { HostInfoClient } from "../../wire/host-info/client.ts";
import type { ReportAnswer, ReportQuery } from "../../wire/host-info/codec.ts";
import type { Invocation } from "./command.ts";
import { CONNECT_TIMEOUT_MS, noHostAnswered } from "./with-client.ts";

/** Asks the host of a command for its report, as often as is wanted. */
export interface ReportSource extends Disposable {
  /** @throws AgentrtError `NOT_CONNECTED`, `NOT_SUPPORTED`, `BAD_FRAME` */
  ask(query?: ReportQuery): Promise<ReportAnswer>;
}

export function reportSource({ options, settings }: Invocation): ReportSource {
  const address = settings.values["host-address"];
  const timeoutMs = options["connect-timeout"] ?? CONNECT_TIMEOUT_MS;
  const client = new HostInfoClient(address, {
    maxMessageBytes: settings.values["max-message-size"],
  });
  return {
    ask: async (query = {}) => {
      try {
        return await client.getReport(query, timeoutMs);
      } catch (thrown) {
        throw explain(AgentrtError.from(thrown), address, timeoutMs);
      }
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function explain(error: AgentrtError, address: string, timeoutMs: number): AgentrtError {
  switch (error.code) {
    case "NOT_CONNECTED":
    case "DEADLINE":
      return noHostAnswered(error, address, timeoutMs);
    case "NOT_SUPPORTED":
      return new AgentrtError(
        "NOT_SUPPORTED",
        `${error.message} Its subscriptions are listed all the same: agentrt ls subscriptions.`,
        { cause: error },
      );
    default:
      return error;
  }
}
