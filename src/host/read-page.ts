import { AgentrtError } from "../core/errors.ts";
import type { LogRead, MessageLog, ReadRequest } from "../store/log/message-log.ts";
import { type DurableAnswerInit, encodeDurableAnswer } from "../wire/durable-admin/codec.ts";
import { batchAnswer, damagedAnswer } from "./durable-admin-answers.ts";

/** Batches in one page; each costs its head beside its records. */
const MAX_BATCHES = 256;

/**
 * As many stored batches as fit into one answer.
 * @throws AgentrtError `TOO_LARGE` when not even the first one does, which names its position; as the log
 */
export async function readPage(
  log: MessageLog,
  request: Pick<ReadRequest, "patterns" | "from" | "maxBytes">,
  maxMessageBytes: number,
): Promise<DurableAnswerInit<"read">> {
  const read = await log.read({ ...request, maxBatches: MAX_BATCHES });
  let page = read;
  let answer = answerOf(page);
  // Heads can be longer than records: then with half as many, until it fits.
  while (encodeDurableAnswer("read", answer).byteLength > maxMessageBytes) {
    const [first] = page.batches;
    if (first === undefined || page.batches.length === 1) {
      throw new AgentrtError(
        "TOO_LARGE",
        `The messages at position ${first?.position ?? read.next} do not fit into one answer. Raise --max-message-size here and at the host a little above the ${maxMessageBytes} bytes of the host, or go on behind them.`,
        { data: { position: first?.position ?? read.next, limit: maxMessageBytes } },
      );
    }
    page = firstHalf(page);
    answer = answerOf(page);
  }
  return answer;
}

function firstHalf(page: LogRead): LogRead {
  const half = Math.ceil(page.batches.length / 2);
  const next = page.batches[half]?.position ?? page.next;
  return {
    batches: page.batches.slice(0, half),
    next,
    isAtEnd: false,
    removedUntil: Math.min(page.removedUntil, next),
    damaged: page.damaged.filter(({ first }) => first < next),
  };
}

function answerOf({
  batches,
  next,
  isAtEnd,
  removedUntil,
  damaged,
}: LogRead): DurableAnswerInit<"read"> {
  return {
    batches: batches.map(batchAnswer),
    next: BigInt(next),
    isAtEnd,
    removedUntil: BigInt(removedUntil),
    damaged: damaged.map(damagedAnswer),
  };
}
