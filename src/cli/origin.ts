import { flagOf } from "./setting.ts";
import type { SettingName } from "./settings.ts";

/** Where a value came from, strongest first. */
export type Origin =
  | { readonly kind: "flag" }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "file"; readonly file: string; readonly line: number | undefined }
  | { readonly kind: "default" };

/** A value as it was written, before it was read. */
export interface Given {
  readonly name: SettingName;
  readonly raw: unknown;
  readonly origin: Origin;
}

/** Names the place for a person, such as `listen in agentrt.toml line 3`. */
export function describeOrigin(name: string, origin: Origin): string {
  switch (origin.kind) {
    case "flag":
      return flagOf(name);
    case "environment":
      return origin.variable;
    case "file":
      return `${name} in ${origin.file}${origin.line === undefined ? "" : ` line ${origin.line}`}`;
    case "default":
      return `${flagOf(name)} (default)`;
    default:
      return origin satisfies never;
  }
}
