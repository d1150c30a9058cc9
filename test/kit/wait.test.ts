import { expect, test } from "bun:test";
import { connect } from "node:net";
import { freePort } from "./ports.ts";
import { waitFor } from "./wait.ts";

test("kit - waitFor gives what the condition gave", async () => {
  const answers = [undefined, 0, "there"];
  expect(await waitFor(() => answers.shift(), { what: "an answer", intervalMs: 1 })).toBe("there");
});

test("kit - waitFor says what it waited for, and why it was not there", async () => {
  const refused = new Error("connection refused");
  const waiting = waitFor(() => Promise.reject(refused), {
    what: "the page",
    timeoutMs: 10,
    intervalMs: 1,
  });
  const error = await waiting.catch((thrown: unknown) => thrown);
  expect(error).toHaveProperty("message", "Waited 10 ms for the page, in vain.");
  expect(error).toHaveProperty("cause", refused);
});

test("kit - nothing listens on a free port", async () => {
  const port = await freePort();
  const outcome = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => outcome.resolve("connected"));
  socket.once("error", (error: NodeJS.ErrnoException) => outcome.resolve(error.code ?? ""));
  expect(await outcome.promise).toBe("ECONNREFUSED");
  socket.destroy();
});
