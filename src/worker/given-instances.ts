import type { Agent, AgentFactory } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";

/** The agents that a program made itself and registered one by one. */
export class GivenInstances {
  readonly #byType = new Map<string, Map<string, Agent>>();

  hasType(type: string): boolean {
    return this.#byType.has(type);
  }

  /**
   * @throws AgentrtError `AGENT_TYPE_TAKEN` when there is an instance of this id;
   *   `WRONG_AGENT_CLASS` when the others of its type are of another class
   */
  add(agent: Agent, id: AgentId): void {
    const others = this.#byType.get(id.type) ?? new Map<string, Agent>();
    if (others.has(id.key)) {
      throw new AgentrtError(
        "AGENT_TYPE_TAKEN",
        `Agent ${id} is registered in this runtime already. Register each instance once.`,
        { data: { agentType: id.type } },
      );
    }
    const [other] = others.values();
    if (other !== undefined && other.constructor !== agent.constructor) {
      throw new AgentrtError(
        "WRONG_AGENT_CLASS",
        `Agent ${id} is a ${agent.constructor.name}; the other instances of its type are ${other.constructor.name}.`,
        { data: { agent: id.toString() } },
      );
    }
    others.set(id.key, agent);
    this.#byType.set(id.type, others);
  }

  remove(id: AgentId): void {
    const others = this.#byType.get(id.type);
    others?.delete(id.key);
    if (others?.size === 0) {
      this.#byType.delete(id.type);
    }
  }

  /** A factory that gives what was registered, and refuses every other key. */
  readonly factory: AgentFactory = (id) => {
    const agent = this.#byType.get(id.type)?.get(id.key);
    if (agent === undefined) {
      throw new AgentrtError(
        "NO_SUCH_AGENT",
        `Agent type ${id.type} was registered by its instances; there is no ${id} among them.`,
      );
    }
    return agent;
  };
}
