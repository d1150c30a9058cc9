import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import type { HostReport } from "../../core/host-report.ts";
import { GetReportRequestSchema, GetReportResponseSchema } from "../gen/agentrt/v1/host_info_pb.ts";

/** Which part of a report is wanted. */
export interface ReportQuery {
  /** The most entries of each list; undefined is the host's own bound. */
  readonly limit?: number | undefined;
  /** Only entries that have this text in a name. */
  readonly filter?: string | undefined;
}

/** A report, and how many entries of its lists were left out to keep it short. */
export interface ReportAnswer {
  readonly report: HostReport;
  readonly leftOut: {
    readonly workers: number;
    readonly subscriptions: number;
    readonly topics: number;
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeReportRequest({ limit = 0, filter = "" }: ReportQuery): Uint8Array {
  return toBinary(GetReportRequestSchema, create(GetReportRequestSchema, { limit, filter }));
}

/** @throws AgentrtError `BAD_FRAME` */
export function decodeReportRequest(bytes: Uint8Array): ReportQuery {
  const { limit, filter } = parse(GetReportRequestSchema, bytes);
  return {
    limit: limit === 0 ? undefined : limit,
    filter: filter === "" ? undefined : filter,
  };
}

export function encodeReportAnswer({ report, leftOut }: ReportAnswer): Uint8Array {
  return toBinary(
    GetReportResponseSchema,
    create(GetReportResponseSchema, {
      reportJson: encoder.encode(JSON.stringify(report)),
      workersLeftOut: leftOut.workers,
      subscriptionsLeftOut: leftOut.subscriptions,
      topicsLeftOut: leftOut.topics,
    }),
  );
}

/** @throws AgentrtError `BAD_FRAME` */
export function decodeReportAnswer(bytes: Uint8Array): ReportAnswer {
  const answer = parse(GetReportResponseSchema, bytes);
  return {
    report: parseReport(answer.reportJson),
    leftOut: {
      workers: answer.workersLeftOut,
      subscriptions: answer.subscriptionsLeftOut,
      topics: answer.topicsLeftOut,
    },
  };
}

const LISTS = ["workers", "subscriptions", "topics", "errors"] as const;

/** Hosts of other versions may say more or less; without these parts it is no report at all. */
function parseReport(bytes: Uint8Array): HostReport {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw badFrame("GetReportResponse.report_json", messageOf(error), error);
  }
  const report = value as Partial<Record<string, unknown>> | null;
  const isReport =
    typeof report === "object" &&
    report !== null &&
    LISTS.every((name) => Array.isArray(report[name])) &&
    ["totals", "deadLetters"].every((name) => typeof report[name] === "object") &&
    typeof report["version"] === "string";
  if (!isReport) {
    throw badFrame("GetReportResponse.report_json", "it has not the parts of a report", undefined);
  }
  return value as HostReport;
}

function parse<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw badFrame(schema.typeName, messageOf(error), error);
  }
}

function badFrame(what: string, why: string, cause: unknown): AgentrtError {
  return new AgentrtError("BAD_FRAME", `The message is not a ${what}: ${why}.`, { cause });
}
