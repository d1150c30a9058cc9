import { getLogger } from "@logtape/logtape";
import { messageOf } from "../core/errors.ts";
import type { HostLink } from "./host-link.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";
import type { OwnRetainedValues } from "./own-retained-values.ts";

const logger = getLogger(["agentrt", "worker"]);

/**
 * Gives a host that can take them in the last values that were published on earlier connections. It
 * keeps those that it does not have, so a host that was started anew knows them again although their
 * publishers have nothing new to say.
 * @param signal aborts when the link is over
 */
export async function handIn(
  values: OwnRetainedValues,
  outgoing: OutgoingQueue,
  link: HostLink,
  signal: AbortSignal,
): Promise<void> {
  if (values.size === 0 || !link.can("hand-in")) {
    return;
  }
  const toHandIn = values.toHandIn();
  // The queue is given its new connection in this turn of the event loop, and has no room before.
  await Promise.resolve();
  try {
    for (const event of toHandIn) {
      await outgoing.send(event, signal, link);
    }
  } catch (error) {
    logger.debug("not all retained values could be handed in", { error: messageOf(error) });
  }
}
