import type { MessageLog } from "../store/log/message-log.ts";
import type { DurableSchedules } from "./durable/durable-schedules.ts";
import type { DurableTopics } from "./durable/durable-topics.ts";

/** What the service for durable topics needs of a host that has them. */
export interface DurableAdminParts {
  readonly log: MessageLog;
  /** Declarations go through the host, which acts on them at once and tells its workers. */
  readonly topics: Pick<DurableTopics, "put" | "remove">;
  readonly schedules: Pick<DurableSchedules, "put" | "remove" | "list">;
  /** Something was appended past the usual way: subscriptions shall look. */
  readonly onAppended: () => void;
  /** Where copies of the log go; made when it is needed. */
  readonly backupFolder: string;
}
