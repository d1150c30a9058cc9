import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonValue } from "../../src/core/agent.ts";
import { MESSAGE_TYPE, Message } from "../../src/worker/message.ts";
import { Topic } from "../../src/worker/topic.ts";
import { topicType } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

describe("Message", () => {
  test("wire - exactly the fields content, topic and metadata", () => {
    const message = new Message({ content: "hi", topic: new Topic("alerts", "hall") });
    expect(new TextDecoder().decode(MESSAGE_TYPE.encode(message))).toBe(
      '{"content":"hi","topic":"alerts/hall","metadata":{}}',
    );
    expect(MESSAGE_TYPE.name).toBe("Message");
    expect(MESSAGE_TYPE.is(message)).toBe(true);
  });

  test("property - comes back as it was", () => {
    const fields = fc.record({
      content: json,
      topic: topicType,
      metadata: fc.dictionary(fc.string(), json),
    });
    fc.assert(
      fc.property(fields, ({ content, topic, metadata }) => {
        const back = MESSAGE_TYPE.decode(
          MESSAGE_TYPE.encode(new Message({ content, topic, metadata })),
        );
        expect(JSON.stringify(back)).toBe(JSON.stringify({ content, topic, metadata }));
        expect(MESSAGE_TYPE.is(back)).toBe(true);
      }),
    );
  });

  test("wire - a missing or null metadata is empty; other mismatches name the field", () => {
    expect(
      MESSAGE_TYPE.decode(bytes('{"content":null,"topic":"t","metadata":null}')).metadata,
    ).toEqual({});
    expect(MESSAGE_TYPE.decode(bytes('{"content":1,"topic":"t"}')).metadata).toEqual({});
    // The field is a text for its readers; another worker may write anything there.
    expect(MESSAGE_TYPE.decode(bytes('{"content":1,"topic":"any text"}')).topic).toBe("any text");
    for (const [text, expected] of [
      ["not json", "Message: is not JSON text in UTF-8"],
      ["[]", "Message: is not a JSON object"],
      ['{"topic":"t"}', "Message.content: is missing"],
      ['{"content":1}', "Message.topic: is not a text"],
      ['{"content":1,"topic":"t","metadata":[]}', "Message.metadata: is not an object"],
    ] as const) {
      const error = thrownBy(() => MESSAGE_TYPE.decode(bytes(text)));
      expect(error.code).toBe("INVALID_MESSAGE");
      expect(error.message).toStartWith(expected);
    }
  });
});

describe("Topic", () => {
  test("type and source - parsed at the first slash, printed back", () => {
    for (const text of ["alerts", "alerts/hall", "a:b=c/d/e"]) {
      expect(Topic.parse(text).toString()).toBe(text);
    }
    expect(Topic.parse("a/b/c").source).toBe("b/c");
    expect(new Topic("alerts").toTopicId().toString()).toBe("alerts/default");
    expect(new Topic("alerts", "hall").toTopicId().toString()).toBe("alerts/hall");
  });

  test("illegal topics are refused", () => {
    for (const text of ["", "/source", "type/", "with space"]) {
      expect(thrownBy(() => Topic.parse(text)).code).toBe("INVALID_TOPIC");
    }
  });
});
