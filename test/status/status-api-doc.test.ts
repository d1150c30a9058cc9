import { describe, expect, test } from "bun:test";
import { PAGE_ERRORS } from "../../src/security/page-error.ts";
import { HOST_METRICS } from "../../src/status/host-metrics.ts";
import { createStatusApp } from "../../src/status/status-page.ts";
import { hostReport } from "./report.ts";

const doc = await Bun.file(new URL("../../docs/status-api.md", import.meta.url)).text();

/** Rows of the table whose first column has this heading, without backticks and padding. */
function tableIn(heading: string): readonly (readonly string[])[] {
  const rows = doc.split("\n").map((line) =>
    line.startsWith("|")
      ? line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.replaceAll("`", "").trim())
      : [],
  );
  const start = rows.findIndex(([first]) => first === heading);
  const end = rows.findIndex((cells, index) => index > start && cells.length === 0);
  return rows.slice(start + 2, end);
}

/** Where each value of a report is, and of which type: `workers[].peer` -> `string`. */
function fieldsOf(value: unknown, path = ""): readonly (readonly [string, string])[] {
  if (Array.isArray(value)) {
    return value.slice(0, 1).flatMap((item) => fieldsOf(item, `${path}[]`));
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) =>
      fieldsOf(inner, `${path === "" ? "" : `${path}.`}${/^[A-Z_]+$/.test(key) ? "CODE" : key}`),
    );
  }
  return [[path, typeof value]];
}

const JSON_TYPES: Readonly<Record<string, string>> = { time: "string", bytes: "number" };

describe("docs/status-api.md", () => {
  test("status api doc - it lists exactly the fields that the answer has, with their types", async () => {
    const answer = await (await createStatusApp(hostReport).request("/api/status")).json();
    const documented = tableIn("field").map(([field = "", type = ""]) => [
      field,
      JSON_TYPES[type] ?? type,
    ]);
    const answered = new Map(fieldsOf(answer));
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(answered));
    expect(documented).toHaveLength(answered.size);
  });

  test("status api doc - times are ISO 8601 in UTC", async () => {
    const answer = JSON.stringify(
      await (await createStatusApp(hostReport).request("/api/status")).json(),
    );
    const times = tableIn("field").filter(([, type]) => type === "time");
    expect(times).toHaveLength(5);
    expect(answer).toContain('"startedAt":"2026-11-24T11:00:00.000Z"');
  });

  test("status api doc - it lists exactly the error codes, with their status and meaning", () => {
    expect(tableIn("code")).toEqual(
      Object.entries(PAGE_ERRORS).map(([code, { status, when }]) => [code, String(status), when]),
    );
  });

  test("status api doc - it lists exactly the metrics, with their type and labels", () => {
    expect(tableIn("metric")).toEqual(
      HOST_METRICS.map(({ name, kind, labelNames = [] }) => [name, kind, labelNames.join(", ")]),
    );
  });
});
