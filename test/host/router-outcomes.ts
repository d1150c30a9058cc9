import type { Envelope, ResponseEnvelope } from "../../src/core/envelope.ts";

export const idsOf = (envelopes: readonly Envelope[]): string[] => envelopes.map(({ id }) => id);

/** The code of the error that a caller got, with the id of its call. */
export function failures(envelopes: readonly Envelope[]): (string | undefined)[][] {
  return envelopes
    .filter((envelope): envelope is ResponseEnvelope => envelope.kind === "response")
    .map(({ id, headers, error }) => [id, headers["agentrt-code"], error]);
}
