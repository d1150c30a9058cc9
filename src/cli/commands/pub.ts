import { Topic } from "../../worker/topic.ts";
import { EXIT } from "../exit-codes.ts";
import type { Invocation } from "./command.ts";
import { SENTENCES } from "./command-words.ts";
import { linesOfInput, type MessageKind, messageFor, textOfFile } from "./data-argument.ts";
import { readOperand } from "./operand.ts";
import { pace } from "./pace.ts";
import { CONNECT_TIMEOUT_MS, type CommandClient, withClient } from "./with-client.ts";

/** One message to publish, and where it came from. */
interface Item {
  readonly message: object;
}

/** `agentrt pub TOPIC DATA` */
export async function runPub(invocation: Invocation): Promise<number> {
  const { operands, options, io } = invocation;
  const [topicText = "", data = ""] = operands;
  const topic = readOperand(topicText, (text) => Topic.parse(text).toTopicId());
  const { priority, rate } = options;
  const kind: MessageKind = { type: options.type, destination: topicText, priority };
  const items = await itemsFor(invocation, data, kind);

  const publish = async ({ runtime, stop, connect }: CommandClient): Promise<Outcome> => {
    await connect();
    let isConnected = true;
    let losses = 0;
    runtime.onConnectionChange((state) => {
      losses += isConnected && state.kind === "waiting" ? 1 : 0;
      isConnected = state.kind === "connected";
    });
    let published = 0;
    for await (const { message } of pace(items, rate, stop)) {
      await runtime.publishMessage(message, topic, priority === undefined ? {} : { priority });
      published += 1;
    }
    return { published, losses };
  };
  const { published, losses } = await withClient(
    invocation,
    { connectTimeoutMs: CONNECT_TIMEOUT_MS },
    publish,
  );
  if (losses > 0) {
    await io.printError(`agentrt: ${SENTENCES.wasCut(losses)[io.language]}\n`);
  }
  if (options.json === true) {
    await io.print(`${JSON.stringify({ topic: topic.toString(), published, losses })}\n`);
  } else {
    await io.print(`${SENTENCES.published(published, String(topic))[io.language]}\n`);
  }
  return EXIT.done;
}

interface Outcome {
  readonly published: number;
  /** How often the connection broke while messages were sent. */
  readonly losses: number;
}

/** What is wrong with DATA is found before anything is sent. */
async function itemsFor(
  { options, settings, io }: Invocation,
  data: string,
  kind: MessageKind,
): Promise<AsyncIterable<Item>> {
  const maxBytes = settings.values["max-message-size"];
  if (data === "-") {
    return linesToItems(linesOfInput(io.input, maxBytes), options.count, kind);
  }
  const isFile = data.startsWith("@");
  const text = isFile ? await textOfFile(data.slice(1), maxBytes) : data;
  const message = messageFor(text, kind, isFile ? `The file ${data.slice(1)}` : "DATA");
  const isEndless = options.rate !== undefined && options.count === undefined;
  return repeat({ message }, isEndless ? Number.POSITIVE_INFINITY : (options.count ?? 1));
}

async function* repeat(item: Item, times: number): AsyncGenerator<Item> {
  for (let index = 0; index < times; index += 1) {
    yield item;
  }
}

async function* linesToItems(
  lines: AsyncIterable<string>,
  count = Number.POSITIVE_INFINITY,
  kind: MessageKind,
): AsyncGenerator<Item> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    yield { message: messageFor(line, kind, `Line ${number} of standard input`) };
    if (number >= count) {
      return;
    }
  }
}
