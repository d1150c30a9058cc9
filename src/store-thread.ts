// The entry of the thread that has the message log of a host. It is started by store/log alone.

import { LogThread } from "./store/log/log-thread.ts";
import type { FromLogThread, ToLogThread } from "./store/log/thread-messages.ts";

declare const self: Worker;

const thread = new LogThread((message: FromLogThread, handOver: ArrayBuffer[] = []) =>
  postMessage(message, handOver),
);

self.onmessage = (event: MessageEvent<ToLogThread>): void => {
  thread.take(event.data).catch((error: unknown) => {
    // Noticed by whoever started the thread.
    reportError(error);
  });
};
