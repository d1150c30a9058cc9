import { AgentrtError } from "../../core/errors.ts";
import type { HelloFrame } from "../../wire/link/frames.ts";
import { type CreditWindow, creditWindow } from "../../wire/link/packet-writer.ts";

/** @throws AgentrtError `BAD_FRAME`, `BAD_VERSION` */
export function checkedHello(hello: HelloFrame): {
  readonly producer: string;
  readonly window: CreditWindow;
} {
  const { version, producer } = hello;
  const window = creditWindow(hello);
  const isUsable = producer !== "" && producer.length <= 255 && version >= 1;
  if (!isUsable || window.bytes < 1 || !Number.isSafeInteger(window.bytes)) {
    throw new AgentrtError(
      "BAD_FRAME",
      "The Hello needs a version from 1, a producer of 1 to 255 characters and a window of at least 1 byte.",
      { data: { isUnreadable: true } },
    );
  }
  return { producer, window };
}
