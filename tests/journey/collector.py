"""An OpenTelemetry collector of a few lines: keeps the spans that services export by OTLP/HTTP."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    """A span: its service, its trace, and the traces it is linked to (32 hex characters each)."""

    service: str
    name: str
    trace_id: str
    linked: frozenset[str]


class Collector:
    """Listens on loopback until `close`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.spans += spans_of(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The endpoint for `COOP_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def of_trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace, and those linked to it."""
        return [one for one in self.spans if trace_id in {one.trace_id, *one.linked}]

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


def spans_of(body: bytes) -> list[Span]:
    """The spans of one export request (protobuf)."""
    found = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        names = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                linked = frozenset(link.trace_id.hex() for link in span.links)
                found.append(Span(names["service.name"], span.name, span.trace_id.hex(), linked))
    return found
