"""Makes the spans of an AutoGen worker part of the traces that reach it.

AutoGen 0.7 reads the trace context of a message and notes it as a *link*: the span in which it
handles the message begins a trace of its own. With this tracer provider it becomes a child
instead, so that one trace goes through all languages:

    provider = TracerProvider()  # opentelemetry.sdk.trace, with your exporters
    runtime = GrpcWorkerAgentRuntime(host_address, tracer_provider=JoinedTraces(provider))
"""

from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Tracer,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)


class JoinedTraces(TracerProvider):
    """A provider whose spans, where nothing else is their parent, are children of their only link."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        return _JoinedTracer(self._provider.get_tracer(*args, **kwargs))


class _JoinedTracer(Tracer):
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Any:
        return self._tracer.start_span(name, _parent(context, args, kwargs), *args, **kwargs)

    def start_as_current_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Any:
        return self._tracer.start_as_current_span(name, _parent(context, args, kwargs), *args, **kwargs)


def _parent(context: Context | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Context | None:
    # The order of a tracer's arguments after the context: kind, attributes, links.
    links = kwargs.get("links", args[2] if len(args) > 2 else None) or ()
    if get_current_span(context).get_span_context().is_valid or len(links) != 1:
        return context
    linked = links[0].context
    return set_span_in_context(NonRecordingSpan(linked), context) if linked.is_valid else context
