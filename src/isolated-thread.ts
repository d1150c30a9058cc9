// The entry of a thread that runs one isolated agent type. It is started by worker/isolation alone.

import { fileURLToPath } from "node:url";
import type { AgentFactory } from "./core/agent.ts";
import { AgentId } from "./core/agent-id.ts";
import { AgentrtError, messageOf } from "./core/errors.ts";
import { RoutedAgent } from "./core/routed-agent.ts";
import { importInPlaceOf, installApi } from "./user-module.ts";
import type { FromThread, IsolatedModule, ToThread } from "./worker/isolation/thread-messages.ts";
import { ThreadRuntime } from "./worker/isolation/thread-runtime.ts";

declare const self: Worker;

const post = (message: FromThread): void => postMessage(message);
const runtime = new ThreadRuntime(post, () => process.memoryUsage().heapUsed);
let opening: Promise<AgentFactory> | undefined;

installApi();

self.onmessage = (event: MessageEvent<ToThread>): void => {
  take(event.data).catch((error: unknown) => {
    post({ kind: "failed", reason: messageOf(error) });
  });
};

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
    if (message.kind === "make" && factory !== undefined) {
      await runtime.host(AgentId.parse(message.agent).type, factory);
    }
  }
  await runtime.handle(message);
}

async function load({ module, export: name, code }: IsolatedModule): Promise<AgentFactory> {
  const loaded =
    code === undefined ? await import(module) : await importInPlaceOf(fileURLToPath(module), code);
  const exported = (loaded as Record<string, unknown>)[name];
  if (typeof exported !== "function") {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${module} does not export a factory or an agent class "${name}".`,
    );
  }
  return exported.prototype instanceof RoutedAgent
    ? () => new (exported as new () => RoutedAgent)()
    : (exported as AgentFactory);
}
