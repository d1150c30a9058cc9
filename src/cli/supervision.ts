import type { AgentTypeOptions } from "../core/agent-type-options.ts";
import type { IsolateLimits } from "../worker/isolation/isolated-factory.ts";
import type { RuntimeOptionsInput } from "../worker/runtime-options.ts";
import type { SettingValues } from "./settings.ts";

/** The settings of supervision as the options of a runtime. */
export function supervisionOf(
  values: SettingValues,
): Pick<
  RuntimeOptionsInput,
  "agentDefaults" | "maxInstances" | "mailboxMaxMessages" | "mailboxMaxBytes" | "mailboxFullPolicy"
> {
  return {
    agentDefaults: agentDefaultsOf(values),
    maxInstances: values["max-instances"],
    mailboxMaxMessages: values["mailbox-max-messages"],
    mailboxMaxBytes: values["mailbox-max-size"],
    mailboxFullPolicy: values["mailbox-full"],
  };
}

/** The settings for threads of isolated agents. */
export function isolateLimitsOf(values: SettingValues): IsolateLimits {
  return {
    unresponsiveAfterMs: values["isolate-unresponsive"],
    maxMemoryBytes: values["isolate-max-memory"],
  };
}

function agentDefaultsOf(values: SettingValues): Omit<AgentTypeOptions, "isolate"> {
  const restartAfter = values["restart-after"];
  const circuitAfter = values["circuit-after"];
  return {
    handlerTimeoutMs: values["handler-timeout"],
    idleTimeoutMs: values["idle-timeout"],
    restart:
      restartAfter === undefined
        ? false
        : {
            afterFailures: restartAfter,
            backoffInitialMs: values["restart-pause"],
            backoffMaxMs: values["restart-pause-max"],
          },
    circuit:
      circuitAfter === undefined
        ? false
        : { afterFailures: circuitAfter, openForMs: values["circuit-open"] },
  };
}
