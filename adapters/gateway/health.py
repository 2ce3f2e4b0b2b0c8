"""Metrics and health over HTTP, on threads of their own: `/metrics`, `/healthz`, `/readyz`.

For a trusted network: there is neither TLS nor a password, and nothing personal to read.
"""

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from io import StringIO
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final, TextIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from huissier.adapters.gateway.serving.listening import Inet, ListenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIApplication

_PLAIN: Final = [("Content-Type", "text/plain; charset=utf-8")]

WhyNot = Callable[[], str | None]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away, or never asked: standard error is for lines of JSON."""


class _ServerOverSix(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds that a client has to finish its question

    def get_stderr(self) -> TextIO:
        """Discard the traceback of an answer that failed: standard error is for lines of JSON."""
        return StringIO()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name
        """Say nothing: whoever asks may write what they like into the question."""


@contextmanager
def health_server(address: Inet, registry: CollectorRegistry, why_not_ready: WhyNot) -> "Iterator[int]":
    """Answer while the block runs, and yield the port. Raises `ListenError`.

    `why_not_ready` returns None where the gateway is ready.
    """
    kind = _ServerOverSix if ":" in address.host else _Server
    try:
        server = make_server(address.host, address.port, _app(registry, why_not_ready), kind, _Handler)
    except OSError as problem:
        raise ListenError(f"{address}: {problem.strerror or 'cannot be listened on'}") from None
    threading.Thread(target=server.serve_forever, name="huissier-health", daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _app(registry: CollectorRegistry, why_not_ready: WhyNot) -> "WSGIApplication":
    metrics: WSGIApplication = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path == "/healthz":
            return _said(start_response, "200 OK", "alive")
        if path == "/readyz":
            problem = why_not_ready()
            return _said(start_response, "503 Service Unavailable" if problem else "200 OK", problem or "ready")
        return _said(start_response, "404 Not Found", "there are /metrics, /healthz and /readyz")

    return app


def _said(start_response: "StartResponse", status: str, text: str) -> list[bytes]:
    start_response(status, [*_PLAIN])  # a copy: the library adds the length to it
    return [f"{text}\n".encode()]
