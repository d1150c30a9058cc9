import type { AskMethod, WriteCall } from "./log-calls.ts";
import type { SentError } from "./log-errors.ts";
import type { LogFileOptions } from "./log-parts.ts";
import type { JournalMending } from "./mended-journal.ts";
import type { DamagedRange, LogRead } from "./message-log.ts";
import type { PackedBatches } from "./packed-batches.ts";

/** To the thread that has the log. It answers in the order of the messages, but for calls that take long. */
export type ToLogThread =
  | { readonly kind: "open"; readonly folder: string; readonly options: LogFileOptions }
  | {
      readonly kind: "write";
      readonly nowMs: number;
      readonly calls: readonly WriteCall[];
      readonly batches: PackedBatches;
    }
  | {
      readonly kind: "ask";
      readonly id: number;
      readonly nowMs: number;
      readonly method: AskMethod;
      readonly input: unknown;
    }
  | { readonly kind: "close" };

export type Outcome =
  | { readonly isOk: true; readonly value: unknown }
  | { readonly isOk: false; readonly error: SentError };

export type FromLogThread =
  | { readonly kind: "opened"; readonly mending: JournalMending | undefined }
  | { readonly kind: "refused"; readonly error: SentError }
  /** For the oldest write that has no answer yet; one for each call. */
  | { readonly kind: "written"; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "answered"; readonly id: number; readonly outcome: Outcome }
  | { readonly kind: "damaged"; readonly range: DamagedRange }
  | { readonly kind: "closed" };

/** What a read gives, on its way. */
export type SentRead = Omit<LogRead, "batches"> & { readonly packed: PackedBatches };
