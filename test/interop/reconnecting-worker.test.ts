/** `examples/python/reconnecting_worker.py`: AutoGen's worker survives what happens to its host. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { freePort } from "../kit/ports.ts";
import { startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";
import { answer, ask } from "./contract/call.ts";
import { note } from "./contract/publish.ts";
import { Peer } from "./peer.ts";
import { SETUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from "./stage.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

function startHost(address: string) {
  return startAgentrt([
    ...["--role", "host", "--listen", address, "--http", "off", "--data", "none"],
    ...["--session-grace", "30s"],
  ]);
}

test(
  "reconnecting worker - it waits for its host, and a host that was killed finds it again with its types and subscriptions",
  async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const starting = Peer.reconnectingPython(address);
    await using first = startHost(address);
    await first.waitForLog("host ready");
    await using callee = await starting;
    await callee.register("callee", "callee");
    await callee.register("recorder", "recorder", ["notes"]);

    await first.kill();
    await using second = startHost(address);
    await second.waitForLog("host ready");
    await using caller = await Peer.typescript(address);
    await waitFor(
      async () => {
        const got = await caller.call("callee/k", ask("echo", "hello"));
        expect(got).toEqual(answer("hello", "callee/k"));
        return true;
      },
      { what: "the worker to be back", timeoutMs: 30_000 },
    );
    await caller.publish("notes/k", note("after the restart"));
    const received = await callee.waitForReceived("recorder", 1);
    expect(received.map(({ message }) => message)).toEqual([note("after the restart")]);
  },
  SETUP_TIMEOUT_MS,
);
