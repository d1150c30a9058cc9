import { AgentrtError } from "../../core/errors.ts";
import type { HelloFrame } from "../../wire/link/frames.ts";

/** @throws AgentrtError `BAD_FRAME`, `BAD_VERSION` */
export function checkedHello({ version, producer, windowBytes }: HelloFrame): {
  readonly producer: string;
  readonly windowBytes: number;
} {
  const window = Number(windowBytes);
  const isUsable = producer !== "" && producer.length <= 255 && version >= 1;
  if (!isUsable || window < 1 || !Number.isSafeInteger(window)) {
    throw new AgentrtError(
      "BAD_FRAME",
      "The Hello needs a version from 1, a producer of 1 to 255 characters and a window of at least 1 byte.",
      { data: { isUnreadable: true } },
    );
  }
  return { producer, windowBytes: window };
}
