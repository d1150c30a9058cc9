/** Where spans go. */
export type TraceTarget =
  | { readonly kind: "off" }
  | { readonly kind: "console" }
  | { readonly kind: "otlp" }
  | { readonly kind: "file"; readonly path: string };
