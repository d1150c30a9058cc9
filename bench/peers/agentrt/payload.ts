import { defineBytes } from "agentrt";

/** Raw bytes, as NATS's payloads are. */
export const Payload = defineBytes("bench_payload");
