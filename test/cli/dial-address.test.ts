import { expect, test } from "bun:test";
import { dialAddress } from "../../src/cli/dial-address.ts";

test.each([
  ["127.0.0.1:50051", "127.0.0.1:50051"],
  ["0.0.0.0:50051", "127.0.0.1:50051"],
  ["[::]:50051", "[::1]:50051"],
  ["[::1]:1", "[::1]:1"],
  ["house:1", "house:1"],
])("dial address - %s is reached at %s", (listened, dialled) => {
  expect(dialAddress(listened)).toBe(dialled);
});
