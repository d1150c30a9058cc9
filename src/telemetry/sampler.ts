import { getLogger } from "@logtape/logtape";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";

const logger = getLogger(["agentrt", "telemetry"]);

const NAME = /^(parentbased_)?(always_on|always_off|traceidratio)$/;

/**
 * The sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` name. As OpenTelemetry asks
 * for, a value that makes no sense is logged and the default (`parentbased_always_on`) used.
 */
export function samplerFrom(name = "parentbased_always_on", argument?: string): Sampler {
  const [, parentBased, kind] = NAME.exec(name.trim()) ?? [];
  if (kind === undefined) {
    logger.warn("OTEL_TRACES_SAMPLER is not known; every trace is sampled", { sampler: name });
    return samplerFrom();
  }
  const root = rootSampler(kind, argument);
  return parentBased === undefined ? root : new ParentBasedSampler({ root });
}

function rootSampler(kind: string, argument: string | undefined): Sampler {
  switch (kind) {
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(ratioFrom(argument));
    default:
      return new AlwaysOnSampler();
  }
}

function ratioFrom(argument: string | undefined): number {
  const ratio = argument === undefined || argument.trim() === "" ? 1 : Number(argument);
  if (ratio >= 0 && ratio <= 1) {
    return ratio;
  }
  logger.warn("OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1; every trace is sampled", {
    argument: argument ?? "",
  });
  return 1;
}
