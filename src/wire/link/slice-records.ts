import { AgentrtError } from "../../core/errors.ts";
import { VarintReader } from "./varint.ts";

/**
 * Some records of a batch, in their bytes.
 * @param from index of the first one @throws AgentrtError `BAD_FRAME` when there are not so many
 */
export function sliceRecords(records: Uint8Array, from: number, count: number): Uint8Array {
  const reader = new VarintReader(records, 0, records.byteLength);
  let start = 0;
  for (let index = 0; index < from + count; index += 1) {
    if (index === from) {
      start = reader.at;
    }
    const head = reader.next();
    if ((head & 1) === 1) {
      reader.skip(reader.next());
    }
    reader.skip(head >>> 1);
    if (reader.isBroken) {
      throw new AgentrtError("BAD_FRAME", `Record ${index} of a stored batch is not whole.`);
    }
  }
  return records.subarray(start, reader.at);
}
