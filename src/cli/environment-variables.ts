import { shorten } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { Environment } from "./language.ts";
import { didYouMean } from "./nearest.ts";
import type { Given } from "./origin.ts";
import { VARIABLE_PREFIX, variableOf } from "./setting.ts";
import { SETTING_NAMES } from "./settings.ts";

/**
 * Kubernetes gives every container variables for each service of its namespace; those of a
 * service called `agentrt` or `agentrt-…` are no mistakes of ours.
 */
const KUBERNETES_SERVICE =
  /^AGENTRT_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;

/**
 * Reads the `AGENTRT_…` variables. An empty one counts as not set.
 * @throws AgentrtError `UNKNOWN_OPTION` for one that is no setting
 */
export function readEnvironment(environment: Environment): readonly Given[] {
  const names = new Map(SETTING_NAMES.map((name) => [variableOf(name), name]));
  const given: Given[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || value === undefined || value === "") {
      continue;
    }
    const name = names.get(variable);
    if (name !== undefined) {
      given.push({ name, raw: value, origin: { kind: "environment", variable } });
    } else if (!KUBERNETES_SERVICE.test(variable)) {
      throw unknownVariable(variable);
    }
  }
  return given;
}

function unknownVariable(variable: string): AgentrtError {
  const name = variable.slice(VARIABLE_PREFIX.length).toLowerCase().replaceAll("_", "-");
  return new AgentrtError(
    "UNKNOWN_OPTION",
    `The environment variable ${shorten(variable)} is not a setting.${didYouMean(name, SETTING_NAMES, variableOf)}`,
    { data: { variable: shorten(variable) } },
  );
}
