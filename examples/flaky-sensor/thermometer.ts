// A thermometer on a bad cable: what becomes of each reading, from the first on. Then it is mended.
import { setTimeout as sleep } from "node:timers/promises";

const CABLE = ["good", "good", "hangs", "good", "loose", "loose", "loose"];
let readings = 0;

/** @throws Error while the contact is loose */
export async function measure(signal: AbortSignal): Promise<number> {
  const cable = CABLE[readings] ?? "good";
  readings += 1;
  if (cable === "hangs") {
    await sleep(3_600_000, undefined, { signal });
  }
  if (cable === "loose") {
    throw new Error("no contact");
  }
  return 20 + readings;
}
