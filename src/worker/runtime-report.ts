import type { AgentTypeReport } from "./agent-type.ts";
import type { DispatchCounts } from "./dispatch-counts.ts";

/** What a runtime does now, and did. */
export interface RuntimeReport {
  /** Messages and due timers that were accepted and not handled to the end yet. */
  readonly pending: number;
  /** Events, calls and answers that an intervention handler dropped. */
  readonly dropped: number;
  readonly counts: DispatchCounts;
  readonly agentTypes: readonly AgentTypeReport[];
}
