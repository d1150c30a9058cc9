import type { JsonValue } from "../../core/agent.ts";

/** Where a thread finds its agent: the file, and the name of the factory or class that it exports. */
export interface IsolatedModule {
  /** A URL. */
  readonly module: string;
  readonly export: string;
  /** What the file holds, when it is not to be read again: the file and its relative imports as one. */
  readonly code?: string | undefined;
}

/** From the process to a thread. `bytes` are an envelope in the wire's own form. */
export type ToThread =
  | { readonly kind: "open"; readonly agent: IsolatedModule }
  /** Makes an instance, in the place of one that may be there. Without a state it begins anew. */
  | {
      readonly kind: "make";
      readonly call: number;
      readonly agent: string;
      readonly state: JsonValue | undefined;
    }
  /** Gives another state to an instance that is there. */
  | {
      readonly kind: "load";
      readonly call: number;
      readonly agent: string;
      readonly state: JsonValue;
    }
  | {
      readonly kind: "message";
      readonly call: number;
      readonly agent: string;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "abort"; readonly call: number }
  | { readonly kind: "answer"; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly agent: string }
  | { readonly kind: "ping" };

/** From a thread to its process. */
export type FromThread =
  /** The user's file is loaded. */
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly reason: string }
  /** The end of what came with a `call`. `state` is the instance's after it; undefined when it keeps none. */
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
  /** `heapBytes` is what the thread's own objects take. */
  | { readonly kind: "pong"; readonly heapBytes: number };
