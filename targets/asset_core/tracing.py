"""Make spans through OpenTelemetry's API. Without a configured provider they cost one attribute read."""

import contextlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_NOTHING: contextlib.AbstractContextManager[None] = contextlib.nullcontext()


class Tracing:
    """`enabled` is decided once, when the core opens: configure the provider (such as the X-Ray exporter) before that."""

    def __init__(self) -> None:
        from opentelemetry import trace

        provider = trace.get_tracer_provider()
        self.enabled = not isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)
        self._tracer = trace.get_tracer("asset_core", tracer_provider=provider) if self.enabled else None

    def span(self, name: str, **attributes: str) -> contextlib.AbstractContextManager[Any]:
        """Return a context manager: a span named `name`, or one without effect."""
        if self._tracer is None:
            return _NOTHING
        return self._tracer.start_as_current_span(name, attributes=attributes)

    def carry(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return `function` bound to the current span, for another thread or greenlet."""
        if self._tracer is None:
            return function
        from opentelemetry import context

        parent = context.get_current()

        def carried(*args: P.args, **kwargs: P.kwargs) -> R:
            token = context.attach(parent)
            try:
                return function(*args, **kwargs)
            finally:
                context.detach(token)

        return carried
