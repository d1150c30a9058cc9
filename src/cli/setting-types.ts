import { shorten } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import { formatListenAddress, parseListenAddress } from "../security/listen-rule.ts";
import type { Localized } from "./language.ts";
import { didYouMean } from "./nearest.ts";

/** A value, or a sentence that says what is wrong with the text and how to write it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/**
 * How the values of a setting are written. The same reading serves flags, environment and
 * configuration file; a file may use TOML's own number, boolean or array where that says the same.
 */
export interface SettingType<T> {
  /** Stands for the value in help, such as `ADDR`; empty when the flag takes none. */
  readonly placeholder: string;
  /** The values that are accepted, for the documentation. */
  readonly accepts: Localized;
  readonly isList: boolean;
  parse(raw: unknown): Parsed<T>;
  /** The opposite of `parse`. */
  format(value: T): string;
}

export const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const bad = (problem: string): Parsed<never> => ({ ok: false, problem });

/** A raw value as a text; undefined when a file gave something that is not one. */
function textOf(raw: unknown): string | undefined {
  return typeof raw === "string" ? raw.trim() : undefined;
}

/** The members of a list, from a file's array or from a text with commas. */
function partsOf(raw: unknown): readonly unknown[] {
  return Array.isArray(raw) ? raw : (textOf(raw)?.split(",") ?? [raw]);
}

export function show(raw: unknown): string {
  return `"${shorten(typeof raw === "string" ? raw : (JSON.stringify(raw) ?? String(raw)))}"`;
}

/** A free text that fits a pattern. */
export function textType(options: {
  placeholder: string;
  accepts: Localized;
  pattern: RegExp;
  hint: string;
}): SettingType<string> {
  return {
    placeholder: options.placeholder,
    accepts: options.accepts,
    isList: false,
    parse(raw) {
      const text = textOf(raw);
      return text !== undefined && options.pattern.test(text)
        ? good(text)
        : bad(`${show(raw)} ${options.hint}`);
    },
    format: (value) => value,
  };
}

/** Several texts that each fit a pattern, divided by commas (in a file also an array). May be empty. */
export function textListType(options: {
  placeholder: string;
  accepts: Localized;
  pattern: RegExp;
  hint: string;
}): SettingType<readonly string[]> {
  return {
    placeholder: options.placeholder,
    accepts: options.accepts,
    isList: true,
    parse(raw) {
      if (raw === "") {
        return good(Object.freeze([]));
      }
      const texts: string[] = [];
      for (const part of partsOf(raw)) {
        const text = textOf(part);
        if (text === undefined || !options.pattern.test(text)) {
          return bad(`${show(part)} ${options.hint}`);
        }
        texts.push(text);
      }
      return good(Object.freeze(texts));
    },
    format: (value) => value.join(","),
  };
}

/** `host:port`. With `hasOff`, also the word `off`, whose value is undefined. */
export function addressType(options: { minPort: number; hasOff: false }): SettingType<string>;
export function addressType(options: {
  minPort: number;
  hasOff: true;
}): SettingType<string | undefined>;
export function addressType(options: {
  minPort: number;
  hasOff: boolean;
}): SettingType<string | undefined> {
  const orOff = options.hasOff ? ", or off" : "";
  return {
    placeholder: options.hasOff ? "ADDR|off" : "ADDR",
    accepts: {
      en: `\`host:port\`, IPv6 as \`[::1]:port\`${options.minPort === 0 ? "; port 0 takes a free one" : ""}${options.hasOff ? "; or `off`" : ""}`,
      zh: `\`主机:端口\`，IPv6 写作 \`[::1]:端口\`${options.minPort === 0 ? "；端口 0 表示任选空闲端口" : ""}${options.hasOff ? "；或 `off`（关闭）" : ""}`,
    },
    isList: false,
    parse(raw) {
      const text = textOf(raw);
      if (text === undefined) {
        return bad(`${show(raw)} is not a text such as "127.0.0.1:50051"${orOff}.`);
      }
      if (options.hasOff && text === "off") {
        return good(undefined);
      }
      try {
        const address = parseListenAddress(text);
        return address.port >= options.minPort
          ? good(formatListenAddress(address))
          : bad(`${show(text)} has port 0, which nothing can be dialled at.`);
      } catch (error) {
        return bad(AgentrtError.from(error).message);
      }
    },
    format: (value) => value ?? "off",
  };
}

/** A folder, or the word `none`, whose value is undefined. */
export const folderType: SettingType<string | undefined> = {
  placeholder: "DIR|none",
  accepts: {
    en: "a folder, made when missing; or `none`",
    zh: "文件夹，不存在时自动创建；或 `none`",
  },
  isList: false,
  parse(raw) {
    const text = textOf(raw);
    if (text === undefined || text === "" || text.includes("\0")) {
      return bad(`${show(raw)} is not a folder. Give a path, or none.`);
    }
    return good(text === "none" ? undefined : text);
  },
  format: (value) => value ?? "none",
};

/** A file that exists already. */
export const fileType: SettingType<string> = {
  placeholder: "FILE",
  accepts: { en: "a file", zh: "文件" },
  isList: false,
  parse(raw) {
    const text = textOf(raw);
    return text === undefined || text === "" || text.includes("\0")
      ? bad(`${show(raw)} is not a file. Give a path.`)
      : good(text);
  },
  format: (value) => value,
};

export const switchType: SettingType<boolean> = {
  placeholder: "",
  accepts: { en: "`true` or `false`", zh: "`true` 或 `false`" },
  isList: false,
  parse(raw) {
    if (typeof raw === "boolean") {
      return good(raw);
    }
    switch (textOf(raw)?.toLowerCase()) {
      case "true":
      case "1":
      case "yes":
      case "on":
        return good(true);
      case "false":
      case "0":
      case "no":
      case "off":
        return good(false);
      default:
        return bad(`${show(raw)} is neither true nor false.`);
    }
  },
  format: String,
};

export function choiceType<T extends string>(
  choices: readonly T[],
  placeholder: string = choices.join("|"),
): SettingType<T> {
  return {
    placeholder,
    accepts: { en: quoted(choices, "or"), zh: quoted(choices, "或") },
    isList: false,
    parse: (raw) => parseChoice(raw, choices),
    format: (value) => value,
  };
}

/** Several of the choices, divided by commas (in a file also an array); each at most once. */
export function choiceListType<T extends string>(
  placeholder: string,
  choices: readonly T[],
): SettingType<readonly T[]> {
  return {
    placeholder,
    accepts: {
      en: `one or more of ${quoted(choices, "and")}, divided by commas`,
      zh: `${quoted(choices, "和")} 中的一个或多个，用逗号分隔`,
    },
    isList: true,
    parse(raw) {
      const values = new Set<T>();
      for (const part of partsOf(raw)) {
        const parsed = parseChoice(part, choices);
        if (!parsed.ok) {
          return parsed;
        }
        if (values.has(parsed.value)) {
          return bad(`${show(parsed.value)} is given twice. Name each once.`);
        }
        values.add(parsed.value);
      }
      return values.size === 0
        ? bad(`The list is empty. Choose from ${choices.join(", ")}.`)
        : good(Object.freeze([...values]));
    },
    format: (value) => value.join(","),
  };
}

function parseChoice<T extends string>(raw: unknown, choices: readonly T[]): Parsed<T> {
  const text = textOf(raw);
  const choice = choices.find((candidate) => candidate === text);
  return choice === undefined
    ? bad(
        `${show(raw)} is not one of ${choices.join(", ")}.` +
          didYouMean(text ?? "", choices, (name) => `"${name}"`),
      )
    : good(choice);
}

function quoted(choices: readonly string[], word: string): string {
  const marked = choices.map((choice) => `\`${choice}\``);
  return [marked.slice(0, -1).join(", "), ...marked.slice(-1)].join(` ${word} `);
}
