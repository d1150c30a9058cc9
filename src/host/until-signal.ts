const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Resolves when the process is told to stop. */
export async function untilSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    const onSignal = (): void => {
      for (const signal of SIGNALS) {
        process.off(signal, onSignal);
      }
      resolve();
    };
    for (const signal of SIGNALS) {
      process.on(signal, onSignal);
    }
  });
}
