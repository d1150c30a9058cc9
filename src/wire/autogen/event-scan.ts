import type { AgentId } from "../../core/agent-id.ts";
import type { EventEnvelope, Headers, Payload } from "../../core/envelope.ts";
import { TopicId } from "../../core/topic-id.ts";
import { ATTRIBUTE, senderOf } from "./attributes.ts";
import { FIELD, type FieldScanner, setEntry, textAt } from "./field-scanner.ts";

/** Where the parts of an event's payload lie in its frame. */
interface PayloadPlaces {
  dataTypeStart: number;
  dataTypeEnd: number;
  contentTypeStart: number;
  contentTypeEnd: number;
  dataStart: number;
  /** -1 until data was seen. */
  dataEnd: number;
}

/** The attributes that a host looks at. */
interface Attributes {
  senderType: string;
  senderKey: string;
  readonly headers: Record<string, string>;
}

/**
 * The event in a range of bytes, or undefined when it is odd or has no id.
 * @throws AgentrtError `INVALID_TOPIC`, `INVALID_AGENT_ID`
 */
export function scanEvent(
  scanner: FieldScanner,
  from: number,
  limit: number,
): EventEnvelope | undefined {
  let id = "";
  let source = "";
  let type = "";
  const attributes: Attributes = { senderType: "", senderKey: "", headers: {} };
  const places: PayloadPlaces = {
    dataTypeStart: 0,
    dataTypeEnd: 0,
    contentTypeStart: 0,
    contentTypeEnd: 0,
    dataStart: 0,
    dataEnd: -1,
  };
  let at = from;
  while (at < limit) {
    const tag = scanner.next(at, limit);
    at = scanner.end;
    switch (tag) {
      case FIELD.one:
        id = scanner.text();
        break;
      case FIELD.two:
        source = scanner.text();
        break;
      case FIELD.three:
        scanner.checkText();
        break;
      case FIELD.four:
        type = scanner.text();
        break;
      case FIELD.five:
        scanAttribute(scanner, attributes, places);
        break;
      case FIELD.six:
      case FIELD.seven:
      case FIELD.eight:
        scanData(scanner, tag, places);
        break;
      default:
        return undefined;
    }
    if (scanner.isOdd) {
      return undefined;
    }
  }
  return id === ""
    ? undefined
    : new ScannedEvent(id, new TopicId(type, source), attributes, places, scanner.bytes);
}

/** An event as it came; its payload is put together only when somebody asks for it, which a host never does. */
class ScannedEvent implements EventEnvelope {
  readonly kind = "event";
  readonly id: string;
  readonly topic: TopicId;
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
  readonly wireForm: { readonly dialect: "autogen"; readonly bytes: Uint8Array };
  readonly #places: PayloadPlaces;

  constructor(
    id: string,
    topic: TopicId,
    { senderType, senderKey, headers }: Attributes,
    places: PayloadPlaces,
    bytes: Uint8Array,
  ) {
    this.id = id;
    this.topic = topic;
    this.sender = senderOf(senderType, senderKey);
    this.headers = headers;
    this.wireForm = { dialect: "autogen", bytes };
    this.#places = places;
  }

  get payload(): Payload {
    const places = this.#places;
    const { bytes } = this.wireForm;
    return {
      dataType: textAt(bytes, places.dataTypeStart, places.dataTypeEnd),
      contentType: textAt(bytes, places.contentTypeStart, places.contentTypeEnd),
      data: bytes.subarray(places.dataStart, Math.max(places.dataStart, places.dataEnd)),
    };
  }
}

/** The value is an entry of `attributes`: its name, and then a value that is a text. */
function scanAttribute(scanner: FieldScanner, attributes: Attributes, places: PayloadPlaces): void {
  const limit = scanner.end;
  if (scanner.next(scanner.start, limit) !== FIELD.one) {
    scanner.isOdd = true;
    return;
  }
  const known = knownName(scanner);
  const name = known ?? scanner.text();
  // Two steps into the value: the message of the attribute's value, and the text that fills it.
  const isText =
    scanner.next(scanner.end, limit) === FIELD.two &&
    scanner.end === limit &&
    scanner.next(scanner.start, limit) === FIELD.three &&
    scanner.end === limit;
  if (!isText) {
    scanner.isOdd = true;
    return;
  }
  switch (known) {
    case undefined:
      setEntry(attributes.headers, name, scanner.text());
      break;
    case ATTRIBUTE.senderType:
      attributes.senderType = scanner.text();
      break;
    case ATTRIBUTE.senderKey:
      attributes.senderKey = scanner.text();
      break;
    case ATTRIBUTE.contentType:
      scanner.checkText();
      places.contentTypeStart = scanner.start;
      places.contentTypeEnd = limit;
      break;
    case ATTRIBUTE.dataType:
      scanner.checkText();
      places.dataTypeStart = scanner.start;
      places.dataTypeEnd = limit;
      break;
    case ATTRIBUTE.kind:
      scanner.checkText();
      break;
    default:
      throw known satisfies never;
  }
}

/** Which of the protocol's own names the value is; all differ in length. */
function knownName(scanner: FieldScanner): (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE] | undefined {
  let name: (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE];
  switch (scanner.end - scanner.start) {
    case ATTRIBUTE.kind.length:
      name = ATTRIBUTE.kind;
      break;
    case ATTRIBUTE.dataType.length:
      name = ATTRIBUTE.dataType;
      break;
    case ATTRIBUTE.contentType.length:
      name = ATTRIBUTE.contentType;
      break;
    case ATTRIBUTE.senderKey.length:
      name = ATTRIBUTE.senderKey;
      break;
    case ATTRIBUTE.senderType.length:
      name = ATTRIBUTE.senderType;
      break;
    default:
      return undefined;
  }
  return scanner.is(name) ? name : undefined;
}

/** The value is the event's data: bytes, a text, or a `google.protobuf.Any`, whose bytes are the payload. */
function scanData(scanner: FieldScanner, tag: number, places: PayloadPlaces): void {
  // Of several the last counts, unless they are merged.
  if (places.dataEnd >= 0) {
    scanner.isOdd = true;
    return;
  }
  places.dataStart = scanner.start;
  places.dataEnd = scanner.end;
  if (tag === FIELD.seven) {
    scanner.checkText();
  } else if (tag === FIELD.eight) {
    checkAny(scanner);
  }
}

/** Only an Any that would be written again as the very same bytes: its type, and then its value if it has one. */
function checkAny(scanner: FieldScanner): void {
  const limit = scanner.end;
  let at = scanner.start;
  let before = 0;
  while (at < limit) {
    const tag = scanner.next(at, limit);
    if (tag <= before || tag > FIELD.two || scanner.end === scanner.start) {
      scanner.isOdd = true;
      return;
    }
    if (tag === FIELD.one) {
      scanner.checkText();
    } else if (tag !== FIELD.two) {
      scanner.isOdd = true;
      return;
    }
    before = tag;
    at = scanner.end;
  }
}
