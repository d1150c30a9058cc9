import type { AgentFactory } from "../core/agent.ts";
import type { AgentSlot } from "./agent-slot.ts";

export interface ReplaceTypeOptions {
  /** The instances of the type, as they are at each call. */
  readonly slots: () => readonly AgentSlot[];
  readonly setFactory: (factory: AgentFactory) => void;
  readonly before: AgentFactory;
  readonly after: AgentFactory;
  readonly timeoutMs: number;
}

/**
 * Puts a new version of an agent type in the place of the old one, instance by instance, each with
 * its state. All of them or none: when one instance does not accept it, those that had changed
 * already go back to the old version.
 * @throws what the new version threw, or AgentrtError `DEADLINE` when a handler does not end
 */
export async function replaceType(options: ReplaceTypeOptions): Promise<void> {
  const { before, after } = options;
  // First, so that an instance which is made meanwhile is of the new version.
  options.setFactory(after);
  try {
    await moveTo(after, options);
  } catch (error) {
    options.setFactory(before);
    await moveTo(before, options);
    throw error;
  }
}

async function moveTo(
  factory: AgentFactory,
  { slots, timeoutMs }: ReplaceTypeOptions,
): Promise<void> {
  for (const slot of slots()) {
    if (slot.factory !== factory) {
      await slot.replace(factory, timeoutMs);
    }
  }
}
