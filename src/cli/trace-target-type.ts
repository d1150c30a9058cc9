import type { TraceTarget } from "../telemetry/trace-target.ts";
import { bad, good, type SettingType, show } from "./setting-types.ts";

const FILE_PREFIX = "file:";

export const traceTargetType: SettingType<TraceTarget> = {
  placeholder: "off|console|otlp|file:PATH",
  accepts: {
    en: "`off`, `console` (standard output), `otlp` (a collector, as the `OTEL_EXPORTER_OTLP_…` variables say) or `file:PATH` (one OTLP request as JSON a line)",
    zh: "`off`、`console`（标准输出）、`otlp`（收集器，由 `OTEL_EXPORTER_OTLP_…` 变量指定）或 `file:路径`（每行一个 JSON 格式的 OTLP 请求）",
  },
  isList: false,
  parse(raw) {
    const text = typeof raw === "string" ? raw.trim() : undefined;
    if (text === "off" || text === "console" || text === "otlp") {
      return good({ kind: text });
    }
    const path = text?.startsWith(FILE_PREFIX) ? text.slice(FILE_PREFIX.length) : "";
    return path === "" || path.includes("\0")
      ? bad(`${show(raw)} is not one of off, console, otlp, file:PATH.`)
      : good({ kind: "file", path });
  },
  format: (value) => (value.kind === "file" ? `${FILE_PREFIX}${value.path}` : value.kind),
};
