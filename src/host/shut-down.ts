import type { Server } from "@grpc/grpc-js";

/** Lets the streams of a server end by themselves, for so long at the most. */
export async function shutDownWithin(server: Server, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
