"""A collector of OTLP over HTTP on 127.0.0.1, which keeps what it is sent."""

import contextlib
import gzip
import http.server
import threading

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

_MESSAGES = {
    "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
}


class Collector:
    """What was sent: the messages by path."""

    def __init__(self):
        self.url = ""
        self.status = 200
        self.messages = {path: [] for path in _MESSAGES}

    @property
    def metrics(self):
        """The metrics of all messages, by name."""
        return {
            metric.name: metric
            for message in self.messages["/v1/metrics"]
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @property
    def spans(self):
        """The spans of all messages, in their order."""
        return [
            span
            for message in self.messages["/v1/traces"]
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextlib.contextmanager
def collecting():
    """Yield a collector that listens at its `url`."""
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            message = _MESSAGES[self.path]()
            message.ParseFromString(body)
            collector.messages[self.path].append(message)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        collector.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def attributes(owner):
    """Return the attributes of a point, a span or a resource."""
    return {one.key: one.value.string_value or one.value.int_value for one in owner.attributes}
