import { expect, test } from "bun:test";
import { samplerFrom } from "../../src/telemetry/sampler.ts";

test.each([
  [undefined, undefined, "ParentBased{root=AlwaysOnSampler"],
  ["always_on", undefined, "AlwaysOnSampler"],
  ["always_off", "0.5", "AlwaysOffSampler"],
  ["traceidratio", "0.25", "TraceIdRatioBased{0.25}"],
  ["traceidratio", undefined, "TraceIdRatioBased{1}"],
  ["traceidratio", "2", "TraceIdRatioBased{1}"],
  ["traceidratio", "-0.5", "TraceIdRatioBased{1}"],
  ["traceidratio", "often", "TraceIdRatioBased{1}"],
  ["parentbased_always_off", undefined, "ParentBased{root=AlwaysOffSampler"],
  ["parentbased_traceidratio", "0", "ParentBased{root=TraceIdRatioBased{0}"],
  ["xray", "1", "ParentBased{root=AlwaysOnSampler"],
])("sampler - %s with %s", (name, argument, expected) => {
  expect(samplerFrom(name, argument).toString()).toStartWith(expected);
});
