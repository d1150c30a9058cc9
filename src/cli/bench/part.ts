import { defineAgent } from "../../core/define-agent.ts";
import { AgentrtError } from "../../core/errors.ts";
import { TypeSubscription } from "../../core/subscription.ts";
import { GrpcWorkerAgentRuntimeHost } from "../../host/host.ts";
import { GrpcWorkerAgentRuntime } from "../../worker/grpc-worker-runtime.ts";
import type { Dialect } from "../../worker/host-link.ts";
import { EXIT } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { Arrived, AskArrivals, epochMs, nameOfRun, Payload, sequenceIn } from "./messages.ts";

/** A part that runs, and where it is reached. */
interface RunningPart {
  readonly address: string;
  stop(): Promise<void>;
}

/** Runs one process of a benchmark until its parent closes standard input, or is gone. */
export async function runBenchPart(args: readonly string[], io: Io): Promise<number> {
  // Ctrl-C reaches every process of the terminal; the parent ends this one in its time.
  process.on("SIGINT", () => undefined);
  const [part, maxMessageBytes, hostAddress = "", id = "", dialect] = args;
  const parentGone = untilEnd(io.input);
  const starting =
    part === "host"
      ? startHost(Number(maxMessageBytes))
      : startReceiver(
          { hostAddress, maxMessageBytes: Number(maxMessageBytes), dialect: dialectIn(dialect) },
          id,
        );
  // A receiver would wait for its host for ever, and a parent that was killed has no host any more.
  const running = await Promise.race([starting, parentGone]);
  if (running !== undefined) {
    await io.print(`${JSON.stringify({ address: running.address })}\n`);
    await parentGone;
    await running.stop();
  }
  return EXIT.done;
}

async function untilEnd(input: AsyncIterable<Uint8Array>): Promise<undefined> {
  for await (const _ of input) {
    // Nothing is said there; only its end counts.
  }
  return undefined;
}

async function startHost(maxMessageBytes: number): Promise<RunningPart> {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0", maxMessageBytes });
  await host.start();
  return { address: host.address, stop: async () => await host.stop() };
}

function dialectIn(word: string | undefined): Dialect {
  return word === "autogen" ? "autogen" : "agentrt";
}

async function startReceiver(
  options: {
    readonly hostAddress: string;
    readonly maxMessageBytes: number;
    readonly dialect: Dialect;
  },
  id: string,
): Promise<RunningPart> {
  let next = 0;
  let received = 0;
  let duplicates = 0;
  let lastAt = 0;
  const receiver = defineAgent({
    description: "Counts the messages of agentrt bench, and answers its calls",
    setup(agent) {
      agent.handleEvent(Payload, ({ bytes }) => {
        const sequence = sequenceIn(bytes);
        // Messages of one publisher and topic keep their order, so that a number below is an old one.
        if (sequence < next) {
          duplicates += 1;
          return;
        }
        next = sequence + 1;
        received += 1;
        lastAt = epochMs();
      });
      agent.handleRpc(Payload, ({ bytes }) => Payload.of(bytes));
      agent.handleRpc(AskArrivals, ({ isNew }) => {
        if (isNew) {
          next = 0;
          received = 0;
          duplicates = 0;
        }
        return Arrived.of({ received, duplicates, lastAt });
      });
    },
  });
  if (id === "") {
    throw new AgentrtError("INVALID_OPTION", "bench-part is for agentrt bench itself.");
  }
  const runtime = new GrpcWorkerAgentRuntime(options);
  await runtime.start();
  const name = nameOfRun(id);
  await runtime.registerFactory(name, receiver);
  await runtime.addSubscription(new TypeSubscription(name, name));
  return { address: options.hostAddress, stop: async () => await runtime.stop() };
}
