// The entry of a thread that runs one isolated agent type. It is started by worker/isolation alone.

import type { AgentFactory } from "./core/agent.ts";
import { AgentrtError, messageOf } from "./core/errors.ts";
import * as api from "./index.ts";
import type { FromThread, IsolatedModule, ToThread } from "./worker/isolation/thread-messages.ts";
import { ThreadRuntime } from "./worker/isolation/thread-runtime.ts";

declare const self: Worker;

const post = (message: FromThread): void => postMessage(message);
const runtime = new ThreadRuntime(post);
let opening: Promise<AgentFactory> | undefined;

installAgentrtModule();

self.onmessage = (event: MessageEvent<ToThread>): void => {
  take(event.data).catch((error: unknown) => {
    post({ kind: "failed", reason: messageOf(error) });
  });
};

/** The user's file gets the API of this program, wherever the file stands. */
function installAgentrtModule(): void {
  Bun.plugin({
    name: "agentrt",
    setup(build) {
      build.module("agentrt", () => ({ loader: "object", exports: { ...api } }));
    },
  });
}

async function take(message: ToThread): Promise<void> {
  if (message.kind === "open") {
    opening = load(message.agent);
    await opening;
    post({ kind: "opened" });
    return;
  }
  if (message.kind !== "ping") {
    // Everything else waits, in its order, until the user's file is loaded.
    const factory = await opening;
    if (message.kind === "message" && factory !== undefined) {
      await runtime.host(api.AgentId.parse(message.agent).type, factory);
    }
  }
  await runtime.handle(message);
}

async function load({ module, export: name }: IsolatedModule): Promise<AgentFactory> {
  const exported: unknown = ((await import(module)) as Record<string, unknown>)[name];
  if (typeof exported !== "function") {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${module} does not export a factory or an agent class "${name}".`,
    );
  }
  return exported.prototype instanceof api.RoutedAgent
    ? () => new (exported as new () => api.RoutedAgent)()
    : (exported as AgentFactory);
}
