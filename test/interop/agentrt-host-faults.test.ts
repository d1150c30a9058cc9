/** Where AutoGen's own host leaves AutoGen's workers waiting, ours gives them an end. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../kit/wait.ts";
import { answer, ask } from "./contract/call.ts";
import { note } from "./contract/publish.ts";
import { type Language, Peer } from "./peer.ts";
import { AgentrtHost, fresh, PAIRS, SETUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from "./stage.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const stack = new AsyncDisposableStack();
let host: AgentrtHost;
/** Ends calls early, for tests that wait for it. */
let hastyHost: AgentrtHost;
let callers: Readonly<Record<Language, Peer>>;
let other: Peer;

beforeAll(async () => {
  host = stack.use(await AgentrtHost.start(["--max-message-size", "8MiB"]));
  hastyHost = stack.use(await AgentrtHost.start(["--rpc-timeout", "1s"]));
  const [py, ts, third] = await Promise.all([startPeer("py"), startPeer("ts"), startPeer("py")]);
  callers = { py, ts };
  other = third;
}, SETUP_TIMEOUT_MS);

afterAll(async () => await stack.disposeAsync());

async function startPeer(language: Language, address = host.address): Promise<Peer> {
  return stack.use(language === "py" ? await Peer.python(address) : await Peer.typescript(address));
}

/** What a caller sees of an error that the host made: AutoGen shows the text alone. */
function hostError(language: Language, code: string, status: string, text: string): object {
  const message = `${status}: ${text}`;
  return language === "py"
    ? { type: "Exception", message }
    : { type: "AgentrtError", code, message };
}

function workerGone(language: Language, agent: string): object {
  const text = `The worker of ${agent} left before it answered.`;
  return hostError(language, "WORKER_GONE", "UNAVAILABLE", text);
}

function noAnswer(language: Language, agent: string): object {
  const text = `${agent} gave no answer within 1000 ms.`;
  return hostError(language, "DEADLINE", "DEADLINE_EXCEEDED", text);
}

test.each(["py", "ts"] as const)(
  "faults - a call from %s of a type that nobody has ends at once",
  async (language) => {
    const agent = fresh("nobody");
    await expect(callers[language].call(`${agent}/a`, ask("echo", "hello"))).rejects.toMatchObject(
      hostError(
        language,
        "NO_SUCH_AGENT",
        "UNAVAILABLE",
        `No connected worker holds agent type "${agent}". Start one that registers it.`,
      ),
    );
  },
);

describe.each([...PAIRS])(
  "faults - calls from $from, and the $to worker is killed",
  ({ from, to }) => {
    test("the callers get an error, and another worker may take over the type", async () => {
      const victim = await startPeer(to);
      const [agent, topic] = [fresh("victim"), fresh("notes")];
      await victim.register(agent, "callee", [topic]);
      const keys = ["a", "b", "c"];
      const outcomes = keys.map((key) =>
        callers[from].call(`${agent}/${key}`, ask("hang", "")).catch((error: unknown) => error),
      );
      for (const key of keys) {
        await victim.waitForHanging(`${agent}/${key}`);
      }
      await victim.kill();
      expect(await Promise.all(outcomes)).toMatchObject(
        keys.map((key) => workerGone(from, `${agent}/${key}`)),
      );
      await waitFor(
        async () =>
          ((await other.tell("subscriptions")) as { agentType: string }[]).every(
            (one) => one.agentType !== agent,
          ),
        { what: `the host to forget ${agent}` },
      );
      await other.register(agent, "callee", [topic]);
      const called = await callers[from].call(`${agent}/a`, ask("echo", "back"));
      expect(called).toEqual(answer("back", `${agent}/a`));
    });
  },
);

test.each(["py", "ts"] as const)(
  "faults - a %s caller that is killed leaves its callee undisturbed",
  async (language) => {
    const victim = await startPeer(language);
    const agent = fresh("callee");
    await other.register(agent, "callee");
    const lost = victim
      .call(`${agent}/a`, ask("barrier", "lost", { count: 2 }))
      .catch(() => "lost");
    const first = await victim.call(`${agent}/b`, ask("echo", "first"));
    expect(first).toEqual(answer("first", `${agent}/b`));
    await victim.kill();
    expect(await lost).toBe("lost");
    // Lets the lost call end too, whose answer now has nowhere to go.
    const kept = await callers.py.call(`${agent}/c`, ask("barrier", "kept", { count: 2 }));
    expect(kept).toEqual(answer("kept", `${agent}/c`));
  },
);

describe.each(["py", "ts"] as const)("faults - a call from %s that gets no answer", (language) => {
  test("ends with the host's time limit, and the callee serves on", async () => {
    const [hung, mute] = [fresh("callee"), fresh("recorder")];
    const callee = await startPeer("py", hastyHost.address);
    const caller = await startPeer(language, hastyHost.address);
    await callee.register(hung, "callee");
    await callee.register(mute, "recorder");
    // AutoGen's worker fails to write a result that is None, after the place where it would report
    // errors, and so never answers a handler's None.
    const calls = [
      caller.call(`${hung}/a`, ask("hang", "")),
      caller.call(`${mute}/a`, note("called")),
    ];
    const outcomes = await Promise.all(
      calls.map(async (call) => await call.catch((error: unknown) => error)),
    );
    expect(outcomes[0]).toMatchObject(noAnswer(language, `${hung}/a`));
    expect(outcomes[1]).toMatchObject(noAnswer(language, `${mute}/a`));
    expect(callee.receivedBy(mute)).toMatchObject([
      { isRpc: true, topic: null, message: note("called") },
    ]);
    const called = await caller.call(`${hung}/a`, ask("echo", "alive"));
    expect(called).toEqual(answer("alive", `${hung}/a`));
  });
});

test("faults - a message over one worker's own limit reaches those that can take it", async () => {
  const [big, small, publisher] = await Promise.all([
    startPeer("py"),
    startPeer("py"),
    startPeer("py"),
  ]);
  for (const peer of [big, publisher]) {
    await peer.tell("leave");
    await peer.tell("join", { maxMessageBytes: 8 * 1024 * 1024 });
  }
  const [atBig, atSmall, topic] = [fresh("recorder"), fresh("recorder"), fresh("large")];
  await big.register(atBig, "recorder", [topic]);
  await small.register(atSmall, "recorder", [topic]);
  const texts = ["before", "x".repeat(5 * 1024 * 1024), "after"];
  for (const text of texts) {
    await publisher.publish(`${topic}/default`, note(text));
  }
  const received = await big.waitForReceived(atBig, texts.length);
  expect(
    Bun.deepEquals(
      received.map(({ message }) => message),
      texts.map((text) => note(text)),
    ),
  ).toBe(true);
  const atSmallToo = await small.waitForReceived(atSmall, 1);
  expect(atSmallToo[0]?.message).toEqual(note("before"));
});
