/** One turn of a conversation with a model. */
export type Turn =
  | { readonly role: "system" | "user" | "assistant"; readonly text: string }
  | {
      readonly role: "tool";
      readonly tool: string;
      readonly argument: string;
      readonly text: string;
    };

/** Something that a model may ask for. */
export interface Tool {
  readonly name: string;
  /** For the model: what it does, and what its argument is. */
  readonly description: string;
}

/** What a model says: something to the user, or that it wants a tool used first. */
export type ModelAnswer =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tool"; readonly tool: string; readonly argument: string };

/** Any language model. An implementation over a vendor's interface has this one method, too. */
export interface ModelClient {
  complete(
    turns: readonly Turn[],
    tools: readonly Tool[],
    signal: AbortSignal,
  ): Promise<ModelAnswer>;
}
