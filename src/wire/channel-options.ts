import type { ChannelOptions } from "@grpc/grpc-js";

/**
 * Bun keeps HTTP/2's session memory limit in 32 bits, and reads grpc-js's own default
 * (Number.MAX_SAFE_INTEGER) as one megabyte, after which it refuses streams (Bun issue 41294).
 */
const MAX_SESSION_MEMORY_BYTES = 0xffff_ffff;

/** How long a silent connection lasts before it is asked for a sign of life. */
export const KEEPALIVE_TIME_MS = 5_000;
/** How long the answer may take before the connection counts as dead. */
export const KEEPALIVE_TIMEOUT_MS = 5_000;

/**
 * What one end may send before the other end's HTTP/2 has to answer, on each stream and connection. With
 * HTTP/2's own 64 KiB the sender of a flood waits most of the time, each time for two event loops.
 */
export const RECEIVE_WINDOW_BYTES = 1_024 * 1_024;

/** What both ends of a channel agree on: message size, signs of life, session memory. */
export function channelOptions(maxMessageBytes: number): ChannelOptions {
  return {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc-node.max_session_memory": MAX_SESSION_MEMORY_BYTES,
  };
}

/**
 * The same for a client with a connection of its own, so that a new one never inherits the back-off of
 * an old one, and without retries of grpc-js's own: whoever holds the client decides when to dial again.
 */
export function ownConnectionOptions(maxMessageBytes: number): ChannelOptions {
  return {
    ...channelOptions(maxMessageBytes),
    "grpc-node.flow_control_window": RECEIVE_WINDOW_BYTES,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.enable_http_proxy": 0,
  };
}
