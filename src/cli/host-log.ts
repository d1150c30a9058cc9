import { existsSync } from "node:fs";
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../core/errors.ts";
import { LOG_FILE } from "../store/log/log-file-name.ts";
import type { MessageLog } from "../store/log/message-log.ts";
import { openMessageLog } from "../store/log/open-message-log.ts";
import { absoluteFolder } from "./data-folder.ts";
import type { RunContext } from "./run-roles.ts";
import { spilledTopicsOf } from "./settings-queues.ts";

const log = getLogger(["agentrt", "cli"]);

/**
 * The durable messages of the data folder; undefined where there is nothing durable to break a promise of: without
 * a data folder, in a folder that has none and cannot have them, and for a second host in the folder that is
 * everybody's because nobody named it.
 * @throws AgentrtError `STORE_LOCKED`, `STORE_NEWER`, `STORE_DAMAGED` and others: topics that were declared in the
 * folder would be plain at this host
 */
export async function openHostLog(
  settings: RunContext["settings"],
  lifecycle: RunContext["lifecycle"],
): Promise<MessageLog | undefined> {
  const { values } = settings;
  if (values.data === undefined) {
    return undefined;
  }
  const folder = absoluteFolder(values.data);
  try {
    const deadMaxAgeMs = values["durable-dead-max-age"];
    const messageLog = await openMessageLog(folder, {
      maxFileBytes: values["durable-max-size"],
      deadMaxRecords: values["durable-dead-max-count"],
      deadMaxBytes: values["durable-dead-max-size"],
      ...(deadMaxAgeMs === undefined ? {} : { deadMaxAgeMs }),
    });
    // Stopped in the opposite order, so after the host.
    lifecycle.onStop(() => messageLog.close());
    return messageLog;
  } catch (thrown) {
    const error = AgentrtError.from(thrown);
    const isShared = error.code === "STORE_LOCKED" && !settings.isGiven("data");
    const hasNothing = !existsSync(join(folder, LOG_FILE));
    const isAskedFor =
      values["durable-topics"].length > 0 || spilledTopicsOf(values["full-queue"]).length > 0;
    if (isAskedFor || !(isShared || hasNothing)) {
      throw error;
    }
    log.warn("there are no durable topics, because the message log cannot be opened", { error });
    return undefined;
  }
}
