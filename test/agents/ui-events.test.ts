import { afterEach, describe, expect, test } from "bun:test";
import { AgentrtError } from "agentrt";
import { EnvironmentData } from "../../agents/messages.ts";
import { type App, closeApps, errorOf, makeApp } from "./ui-kit.ts";

afterEach(closeApps);

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

describe("ui event stream", () => {
  /** Reads events until as many as asked for have come, and says them as `kind data`. */
  async function read(reader: ByteReader, count: number) {
    const events: { kind: string; data: unknown }[] = [];
    while (events.length < count) {
      const { value, done } = await reader.read();
      if (done) {
        break;
      }
      for (const block of new TextDecoder().decode(value).split("\n\n")) {
        const [, kind, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
        if (kind !== undefined && data !== undefined) {
          events.push({ kind, data: JSON.parse(data) as unknown });
        }
      }
    }
    return events;
  }

  async function connect(app: App): Promise<{ response: Response; reader: ByteReader }> {
    const response = await app.request("/api/events");
    const reader: ByteReader | undefined = response.body?.getReader();
    if (reader === undefined) {
      throw new AgentrtError("INTERNAL", "The stream has no body.");
    }
    return { response, reader };
  }

  test("stream - the whole house first, then each change", async () => {
    const { app, house } = makeApp();
    const { response, reader } = await connect(app);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    house.addReading("kitchen", EnvironmentData.of({ temperature: 26, humidity: 41 }));
    const [first, second] = await read(reader, 2);
    expect(first).toMatchObject({
      kind: "snapshot",
      data: { rooms: [{ name: "kitchen", readings: [{ temperature: 25 }] }] },
    });
    expect(second).toEqual({
      kind: "reading",
      data: {
        kind: "reading",
        room: "kitchen",
        reading: { atMs: 1_000, temperature: 26, humidity: 41 },
      },
    });
    await reader.cancel();
  });

  test("stream - line breaks of a peer cannot make an event of their own", async () => {
    const { app, house } = makeApp();
    const { reader } = await connect(app);
    await read(reader, 1);
    house.addAlert("kitchen", { kind: "test", message: "a\n\nevent: link\ndata: {}\n\n" });
    expect(await read(reader, 1)).toMatchObject([
      { kind: "alert", data: { alert: { message: "a\n\nevent: link\ndata: {}\n\n" } } },
    ]);
    await reader.cancel();
  });

  test("clients - one too many is refused until another leaves", async () => {
    const { app, streams } = makeApp({ maxClients: 1 });
    const { reader } = await connect(app);
    expect(await errorOf(await app.request("/api/events"))).toEqual({
      status: 503,
      code: "TOO_MANY",
      message: "Too many pages are open. Close one and try again.",
    });
    await reader.cancel();
    expect(streams.clientCount).toBe(0);
    const next = await connect(app);
    expect(next.response.status).toBe(200);
    await next.reader.cancel();
  });

  test("slow client - one that does not read is cut off, and the others go on", async () => {
    const { app, house, streams } = makeApp();
    await connect(app);
    const { reader } = await connect(app);
    const message = "x".repeat(1_000);
    let received = 0;
    for (let index = 0; index < 400 && streams.clientCount === 2; index += 1) {
      house.addAlert("kitchen", { kind: "test", message });
      received += (await read(reader, 1)).length;
    }
    expect(streams.clientCount).toBe(1);
    expect(received).toBeGreaterThan(100);
    house.addAlert("kitchen", { kind: "test", message: "after" });
    expect(await read(reader, 1)).toMatchObject([
      { data: { alert: { message: expect.any(String) } } },
    ]);
    await reader.cancel();
  });

  test("close - ends every stream and opens no more", async () => {
    const { app, streams } = makeApp();
    const { reader } = await connect(app);
    streams.close();
    await read(reader, 2);
    expect((await reader.read()).done).toBe(true);
    expect((await app.request("/api/events")).status).toBe(503);
  });
});
