import { createServer } from "node:net";

/**
 * A TCP port of the loopback address that nothing listens on now.
 * Only for tests that need the number beforehand (a host that comes back on the same port);
 * all others let the program take port 0 and read the real one from its log.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") {
          reject(new Error(`A TCP server has no port: ${address}`));
        } else {
          resolve(address.port);
        }
      });
    });
  });
}
