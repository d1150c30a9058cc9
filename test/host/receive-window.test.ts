/** HTTP/2's own 64 KiB would make the sender of a flood wait for two event loops again and again. */
import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Settings } from "node:http2";
import { RECEIVE_WINDOW_BYTES } from "../../src/wire/channel-options.ts";
import { grpcHeaders, OPEN_CHANNEL, useWitnessedHost } from "./bad-input.ts";

const { host } = useWitnessedHost();

test("receive window - a host lets a client send a megabyte on a stream and a connection", async () => {
  const session = connect(`http://${host().address}`);
  try {
    const [settings] = (await once(session, "remoteSettings")) as [Settings];
    expect(settings.initialWindowSize).toBe(RECEIVE_WINDOW_BYTES);
    const stream = session.request(grpcHeaders(OPEN_CHANNEL));
    stream.on("error", () => undefined);
    await once(stream, "response");
    expect(session.state.remoteWindowSize).toBeGreaterThanOrEqual(RECEIVE_WINDOW_BYTES);
    stream.close();
  } finally {
    session.destroy();
  }
});
