/** Languages that help texts and printed lines exist in. */
export const LANGUAGES = ["en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

/** One text in each language. */
export type Localized = Readonly<Record<Language, string>>;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The language that the environment asks for, by POSIX's order: LC_ALL, LC_MESSAGES, LANG.
 * Windows sets none of them, so there `systemLocale` decides. Anything but Chinese is English.
 */
export function languageOf(environment: Environment, systemLocale = ""): Language {
  const locale =
    [environment["LC_ALL"], environment["LC_MESSAGES"], environment["LANG"]].find(
      (value) => value !== undefined && value !== "",
    ) ?? systemLocale;
  return /^zh(?:$|[-_.@])/i.test(locale) ? "zh" : "en";
}
