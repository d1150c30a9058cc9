import type { JsonValue } from "../../core/agent.ts";

/** Where a thread finds its agent: the file, and the name of the factory or class that it exports. */
export interface IsolatedModule {
  readonly module: string;
  readonly export: string;
}

/** From the process to a thread. `bytes` are an envelope in the wire's own form. */
export type ToThread =
  | { readonly kind: "open"; readonly agent: IsolatedModule }
  /** `state` comes with the first message of an instance on a thread. */
  | {
      readonly kind: "message";
      readonly call: number;
      readonly agent: string;
      readonly bytes: Uint8Array;
      readonly state: JsonValue | undefined;
    }
  | { readonly kind: "abort"; readonly call: number }
  | { readonly kind: "answer"; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly agent: string }
  | { readonly kind: "ping"; readonly n: number };

/** From a thread to its process. */
export type FromThread =
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly reason: string }
  /** `state` is the instance's after the message; undefined when it keeps none. */
  | {
      readonly kind: "done";
      readonly call: number;
      readonly bytes: Uint8Array;
      readonly state: JsonValue | undefined;
    }
  /** An agent publishes or calls. */
  | { readonly kind: "envelope"; readonly bytes: Uint8Array }
  | { readonly kind: "give-up"; readonly id: string }
  | { readonly kind: "closed"; readonly agent: string }
  | { readonly kind: "pong"; readonly n: number };
