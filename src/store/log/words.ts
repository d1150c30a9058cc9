import type { LogDatabase } from "./log-database.ts";
import { checksumOf, sealOf } from "./seal.ts";

/** What a word is; stored, so a number never changes its meaning. */
export const WORD_KINDS = { topicType: 1, route: 2, producer: 3 } as const;
type WordKind = (typeof WORD_KINDS)[keyof typeof WORD_KINDS];

export interface Route {
  readonly topicType: string;
  readonly topicSource: string;
  readonly route: Uint8Array;
}

interface WordRow {
  readonly id: number;
  readonly kind: number;
  readonly content: Uint8Array;
  readonly seal: number;
}

/** Words kept in memory; what is not is read again. Bounds the memory that many routes take. */
const MAX_CACHED = 100_000;

/** Byte strings that many rows repeat, stored once and named by a number. */
export class Words {
  readonly #database: LogDatabase;
  readonly #ids = new Map<string, number>();
  readonly #routes = new Map<number, Route>();
  readonly #producers = new Map<number, string>();

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  typeId(topicType: string): number {
    return this.#idOf(WORD_KINDS.topicType, `t${topicType}`, () => Buffer.from(topicType));
  }

  producerId(producer: string): number {
    return this.#idOf(WORD_KINDS.producer, `p${producer}`, () => Buffer.from(producer));
  }

  /** Undefined for one that nothing was ever stored of. */
  knownProducerId(producer: string): number | undefined {
    return this.#ids.get(`p${producer}`) ?? this.#find(WORD_KINDS.producer, Buffer.from(producer));
  }

  routeId(route: Route): number {
    const { buffer, byteOffset, byteLength } = route.route;
    const bytes = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
    const key = `r${route.topicType}/${route.topicSource.length}/${route.topicSource}${bytes}`;
    return this.#idOf(WORD_KINDS.route, key, () => encodeRoute(route));
  }

  /** Undefined when the row and its copy are damaged. */
  route(id: number): Route | undefined {
    return cached(this.#routes, id, () => {
      const content = this.#contentOf(id, WORD_KINDS.route);
      return content === undefined ? undefined : decodeRoute(content);
    });
  }

  /** Undefined when the row and its copy are damaged. */
  producer(id: number): string | undefined {
    return cached(this.#producers, id, () => {
      const content = this.#contentOf(id, WORD_KINDS.producer);
      return content === undefined ? undefined : new TextDecoder().decode(content);
    });
  }

  /** All topic types that were ever stored, by id. */
  topicTypes(): Map<number, string> {
    const types = new Map<number, string>();
    const rows = this.#database.query<{ id: number }, [number]>(
      "SELECT id FROM words WHERE kind = ? UNION SELECT id FROM words_copy WHERE kind = ?1",
    );
    for (const { id } of rows.all(WORD_KINDS.topicType)) {
      const content = this.#contentOf(id, WORD_KINDS.topicType);
      if (content !== undefined) {
        types.set(id, new TextDecoder().decode(content));
      }
    }
    return types;
  }

  /** After a transaction that failed: what it added is not there. */
  forget(): void {
    this.#ids.clear();
    this.#routes.clear();
    this.#producers.clear();
  }

  #idOf(kind: WordKind, key: string, encode: () => Buffer): number {
    const known = this.#ids.get(key);
    if (known !== undefined) {
      return known;
    }
    const content = encode();
    const id = this.#find(kind, content) ?? this.#add(kind, content);
    bound(this.#ids);
    this.#ids.set(key, id);
    return id;
  }

  #find(kind: WordKind, content: Uint8Array): number | undefined {
    const row = this.#database
      .query<WordRow, [number, Uint8Array]>("SELECT * FROM words WHERE kind = ? AND content = ?")
      .get(kind, content);
    return row === null || !isSound(row, kind) ? undefined : row.id;
  }

  #add(kind: WordKind, content: Uint8Array): number {
    // Above the copies as well: a word whose row is gone keeps its number.
    const row = this.#database
      .query<{ id: number }, []>(
        `SELECT 1 + max((SELECT ifnull(max(id), 0) FROM words), (SELECT ifnull(max(id), 0) FROM words_copy)) AS id`,
      )
      .get();
    const id = row?.id ?? 1;
    const seal = wordSeal(id, kind, content);
    for (const table of ["words", "words_copy"]) {
      this.#database
        .query<unknown, [number, number, Uint8Array, number]>(
          `INSERT OR REPLACE INTO ${table} (id, kind, content, seal) VALUES (?, ?, ?, ?)`,
        )
        .run(id, kind, content, seal);
    }
    return id;
  }

  #contentOf(id: number, kind: WordKind): Uint8Array | undefined {
    for (const table of ["words", "words_copy"]) {
      const row = this.#database
        .query<WordRow, [number]>(`SELECT * FROM ${table} WHERE id = ?`)
        .get(id);
      if (row !== null && isSound(row, kind)) {
        return row.content;
      }
    }
    return undefined;
  }
}

function wordSeal(id: number, kind: number, content: Uint8Array): number {
  return checksumOf(content, sealOf(id, kind));
}

function isSound(row: WordRow, kind: WordKind): boolean {
  return row.kind === kind && row.seal === wordSeal(row.id, row.kind, row.content);
}

function encodeRoute({ topicType, topicSource, route }: Route): Buffer {
  const topic = Buffer.from(JSON.stringify([topicType, topicSource]));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(topic.length);
  return Buffer.concat([size, topic, route]);
}

function decodeRoute(content: Uint8Array): Route {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const end = 4 + bytes.readUInt32LE();
  const [topicType = "", topicSource = ""] = JSON.parse(bytes.toString("utf8", 4, end)) as string[];
  return { topicType, topicSource, route: content.subarray(end) };
}

function cached<V>(map: Map<number, V>, id: number, read: () => V | undefined): V | undefined {
  const known = map.get(id);
  if (known !== undefined) {
    return known;
  }
  const value = read();
  if (value !== undefined) {
    bound(map);
    map.set(id, value);
  }
  return value;
}

function bound(map: Map<unknown, unknown>): void {
  if (map.size >= MAX_CACHED) {
    map.clear();
  }
}
