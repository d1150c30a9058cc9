/** Names and numbers that every program of the benchmark shares. */
export const AGENT_TYPE = "bench_agent";
export const TOPIC_TYPE = "bench";
export const DURABLE_TOPIC_TYPE = "bench_durable";
export const KEY = "default";

/** A publisher gives its own input and output one turn of the event loop after so many messages. */
export const MESSAGES_PER_TURN = 256;

/** The JSON that Python's programs send is always of one length if its sequence number has seven digits. */
export const FIRST_SEQUENCE = 1_000_000;
export const LAST_JSON_SEQUENCE = 9_999_999;

const SEQUENCE_BYTES = 4;

/** Makes a payload of its own for each message: its sequence number, then bytes that no compression shortens. */
export type MakePayload = (sequence: number) => Uint8Array;

/** @throws RangeError when no sequence number fits in */
export function payloadsOf(bytes: number): MakePayload {
  if (bytes < SEQUENCE_BYTES) {
    throw new RangeError(`--payload-bytes must be at least ${SEQUENCE_BYTES}, not ${bytes}`);
  }
  const template = noise(bytes);
  return (sequence) => {
    const payload = template.slice();
    payload[0] = sequence & 0xff;
    payload[1] = (sequence >>> 8) & 0xff;
    payload[2] = (sequence >>> 16) & 0xff;
    payload[3] = sequence >>> 24;
    return payload;
  };
}

export function sequenceIn(payload: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = payload;
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** The same bytes each time, as if they were random (a linear congruential generator's high bits). */
function noise(bytes: number): Uint8Array {
  let state = 12_345;
  return Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}
