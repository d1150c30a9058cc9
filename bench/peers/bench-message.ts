/** Names and numbers that every program of the benchmark shares. */
export const AGENT_TYPE = "bench_agent";
export const TOPIC_TYPE = "bench";
export const KEY = "default";

/** Every publisher gives its own input and output one turn of the event loop after so many messages. */
export const MESSAGES_PER_TURN = 256;

/** Every sequence number has seven digits, so that every payload has the same length. */
export const FIRST_SEQUENCE = 1_000_000;
export const LAST_SEQUENCE = 9_999_999;

export interface BenchMessageData {
  readonly sequence: number;
  readonly text: string;
}

/** The text that makes the JSON of a message exactly `payloadBytes` long. */
export function paddingFor(payloadBytes: number): string {
  const bare = JSON.stringify({ sequence: FIRST_SEQUENCE, text: "" }).length;
  if (payloadBytes < bare) {
    throw new RangeError(`--payload-bytes must be at least ${bare}, not ${payloadBytes}`);
  }
  return "x".repeat(payloadBytes - bare);
}
