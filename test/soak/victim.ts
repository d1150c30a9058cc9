/** A subscriber that is killed with messages on their way to it, and where each of them was then. */
import { type GrpcWorkerAgentRuntime, type HostReport, TopicId } from "agentrt";
import { startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";
import { Task } from "./task.ts";

export const VICTIM_TOPIC = "victim";
/** A kept value, which tells each new victim that it is subscribed. */
export const VICTIM_GREETING = new TopicId(VICTIM_TOPIC, "greeting");
const READ_BEFORE = 20;
const SENT_WHILE_STOPPED = 400;
/** More than the sockets hold of so many messages, so that some still wait in the host. */
const PADDING = "x".repeat(4_096);
const PATIENCE_MS = 30_000;

export interface VictimAccount {
  /** What the host took for it. */
  readonly offered: number;
  /** What it printed before it was stopped. */
  readonly read: number;
  /** What the host had written to its connection, and it never read. */
  readonly unread: number;
  /** What still waited in the host. */
  readonly queued: number;
}

/** Lets the compiled program read some messages, stops it, sends it more, and kills it. */
export async function killOneThatListens(
  hostAddress: string,
  publisher: GrpcWorkerAgentRuntime,
  reportOf: () => Promise<HostReport>,
): Promise<VictimAccount> {
  await using victim = startAgentrt([
    ...["sub", VICTIM_TOPIC, "--json", "--host-address", hostAddress],
  ]);
  const read = (): number => victim.stdout.split("\n").length - 1;
  const send = async (count: number): Promise<void> => {
    for (let number = 1; number <= count; number += 1) {
      const topic = new TopicId(VICTIM_TOPIC, String(number));
      await publisher.publishMessage(Task.of({ number, padding: PADDING }), topic);
    }
  };
  const wait = { timeoutMs: PATIENCE_MS };
  await waitFor(() => read() === 1, { what: "the victim to be subscribed", ...wait });
  await send(READ_BEFORE);
  const readAll = READ_BEFORE + 1;
  await waitFor(() => read() === readAll, { what: "the victim to read", ...wait });
  const offered = readAll + SENT_WHILE_STOPPED;
  victim.signal("SIGSTOP");
  await send(SENT_WHILE_STOPPED);
  const queued = await waitFor(
    async () => {
      const { workers } = await reportOf();
      // Nobody else is behind by so much.
      const stopped = workers.find(
        ({ messagesOut, queuedMessages }) => messagesOut === offered && queuedMessages > 0,
      );
      return stopped?.queuedMessages;
    },
    { what: "the host to have everything for the victim", ...wait },
  );
  await victim.kill();
  return { offered, read: readAll, unread: offered - readAll - queued, queued };
}
