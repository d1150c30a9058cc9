import { getLogger } from "@logtape/logtape";

const logger = getLogger(["agentrt", "agent"]);

/** A call's result is a message made by a message type; an event's handler gives nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: an async handler without a return has this type.
export type HandlerResult = object | undefined | void;

/** One handler with the message that it shall get. */
export type HandlerCall = () => Promise<HandlerResult>;

/**
 * What `onMessage` of a {@link RoutedAgent} returns when a message was handled at once, with no result:
 * a runtime that sees it need not wait. So most messages cost no promise.
 */
export const HANDLED: Promise<undefined> = Promise.resolve(undefined);

/** The end of a handler's result; that of an event's handler is nobody's. */
export async function resultOf(
  result: HandlerResult | Promise<HandlerResult>,
  isRpc: boolean,
): Promise<object | undefined> {
  const ended = await result;
  return isRpc && ended !== undefined ? ended : undefined;
}

/** Runs handlers until one gives a result. */
export async function firstResult(calls: readonly HandlerCall[]): Promise<object | undefined> {
  for (const call of calls) {
    const result = await call();
    if (result !== undefined) {
      return result;
    }
  }
  return undefined;
}

/** One handler that fails does not keep the message from the next; the first error is thrown at the end. */
export async function runAll(calls: readonly HandlerCall[]): Promise<undefined> {
  const errors: unknown[] = [];
  for (const call of calls) {
    try {
      await call();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 1) {
    logger.warn("several handlers of one message failed; the first error is reported", {
      failed: errors.length,
      errors,
    });
  }
  if (errors.length > 0) {
    throw errors[0];
  }
  return undefined;
}
