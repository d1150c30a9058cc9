"""A tracer provider that writes each span as a line of JSON, for tests that look at them."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import TracerProvider as AnyTracerProvider
from opentelemetry.trace import format_span_id, format_trace_id

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples" / "python"))
from joined_traces import JoinedTraces  # noqa: E402


class LineExporter(SpanExporter):
    def __init__(self, path: str) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with open(self._path, "a", encoding="utf-8") as file:
            for span in spans:
                file.write(json.dumps(_facts(span)) + "\n")
        return SpanExportResult.SUCCESS


def _facts(span: ReadableSpan) -> dict[str, object]:
    assert span.context is not None
    return {
        "name": span.name,
        "kind": span.kind.name,
        "traceId": format_trace_id(span.context.trace_id),
        "spanId": format_span_id(span.context.span_id),
        "parentSpanId": "" if span.parent is None else format_span_id(span.parent.span_id),
        "links": [
            {"traceId": format_trace_id(link.context.trace_id), "spanId": format_span_id(link.context.span_id)}
            for link in span.links
        ],
    }


def tracer_provider_for(path: str | None, is_joined: bool) -> AnyTracerProvider | None:
    if path is None:
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": "python-worker"}))
    provider.add_span_processor(SimpleSpanProcessor(LineExporter(path)))
    return JoinedTraces(provider) if is_joined else provider
