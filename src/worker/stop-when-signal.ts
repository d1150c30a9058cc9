import { getLogger } from "@logtape/logtape";

const logger = getLogger(["agentrt", "worker"]);

/** Resolves when the process gets one of the signals; a later one of them has its usual effect again. */
export async function signalled(signals: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals): void => resolve(signal);
  for (const signal of signals) {
    process.on(signal, onSignal);
  }
  try {
    const signal = await promise;
    logger.info("stopping on {signal}", { signal });
    return signal;
  } finally {
    for (const signal of signals) {
      process.off(signal, onSignal);
    }
  }
}
