import type { TopicPattern } from "../../core/topic-pattern.ts";

/** What is promised for the topic types that a pattern names. The log itself acts on `retention` alone. */
export interface TopicDeclaration {
  readonly pattern: TopicPattern;
  readonly isDurable: boolean;
  readonly retention: Retention;
  /** Deliveries of one record to one subscription before it is given up; undefined: the host's default. */
  readonly maxDeliver: number | undefined;
  /** How long after its publication a record is worth delivering; undefined: for ever. */
  readonly timeToLiveMs: number | undefined;
  /** Whatever else the host keeps with it, such as what a full queue does; opaque JSON text. */
  readonly settingsJson: string | undefined;
}

/** What is older or more than this is removed, delivered or not. Undefined: no limit. */
export interface Retention {
  readonly maxAgeMs: number | undefined;
  /** Records of all topics of the pattern together. */
  readonly maxRecords: number | undefined;
  /** Of records, of all topics of the pattern together. */
  readonly maxBytes: number | undefined;
}

export interface TopicDeclarations {
  /** Replaces an earlier declaration of the same pattern. */
  putTopic(declaration: TopicDeclaration): Promise<void>;
  /** By kind and text of the pattern. */
  listTopics(): Promise<readonly TopicDeclaration[]>;
  /** False when there was none. What is stored of its topics stays. */
  removeTopic(pattern: TopicPattern): Promise<boolean>;
}

/**
 * The declaration that a topic type goes by: an exact one before prefixes, of these the longest.
 */
export function declarationOf(
  declarations: readonly TopicDeclaration[],
  topicType: string,
): TopicDeclaration | undefined {
  let best: TopicDeclaration | undefined;
  for (const declaration of declarations) {
    const { kind, text } = declaration.pattern;
    if (kind === "type") {
      if (text === topicType) {
        return declaration;
      }
    } else if (topicType.startsWith(text) && text.length >= (best?.pattern.text.length ?? 0)) {
      best = declaration;
    }
  }
  return best;
}
