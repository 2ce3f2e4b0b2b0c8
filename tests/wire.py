"""A wire between the engine and PostgreSQL that can be cut at any word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

from sqlalchemy import URL, make_url

Cut = Literal["unsaid", "unheard", "silent"]

_CHUNK: Final = 65536


class Wire:
    """Carries connections, and cuts one where it is told to.

    A word is what the engine sends at once before it listens. Cut `unsaid`, it never reaches the server; cut
    `unheard`, the server acts on it and its answer is lost. `silent`, it is lost and nobody hangs up.
    """

    def __init__(self, server: URL) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cut: Cut | None = None
        self._words_before = 0
        self._guard = threading.Lock()
        self._mended = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The server's URL by way of the wire."""
        host, port = self._listener.getsockname()
        through = self._server.set(host=host, port=port, query={"sslmode": "disable"})
        return through.render_as_string(hide_password=False)

    def cut_after(self, words: int, cut: Cut) -> None:
        """Cut the wire at the word after so many more."""
        with self._guard:
            self._words_before, self._cut = words, cut

    @property
    def was_cut(self) -> bool:
        """Whether it was cut since it was told to."""
        return self._cut is None

    def mend(self) -> None:
        """Hang up where it is silent."""
        self._mended.set()

    def close(self) -> None:
        """Hang up everywhere."""
        self.mend()
        for end in (self._listener, *self._open):
            _hang_up(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                engine, _ = self._listener.accept()
                server = _connected(self._server)
                self._open += engine, server
                deaf = threading.Event()
                threading.Thread(target=self._ask, args=(engine, server, deaf), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, engine, deaf), daemon=True).start()

    def _ask(self, engine: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        """Carry the engine's words to the server."""
        with suppress(OSError):
            while word := engine.recv(_CHUNK):
                cut = self._cut_now()
                if cut == "silent":
                    self._mended.wait()
                if cut in ("unsaid", "silent"):
                    break
                if cut == "unheard":
                    deaf.set()
                server.sendall(word)
        _hang_up(server)
        _hang_up(engine)

    def _answer(self, server: socket.socket, engine: socket.socket, deaf: threading.Event) -> None:
        """Carry the server's words to the engine."""
        with suppress(OSError):
            while (word := server.recv(_CHUNK)) and not deaf.is_set():
                engine.sendall(word)
        _hang_up(engine)
        _hang_up(server)

    def _cut_now(self) -> Cut | None:
        with self._guard:
            self._words_before -= 1
            if self._cut is None or self._words_before >= 0:
                return None
            cut, self._cut = self._cut, None
            return cut


@contextmanager
def wire_to(url: str) -> Iterator[Wire]:
    """Lay a wire to the server of a URL."""
    wire = Wire(make_url(url))
    try:
        yield wire
    finally:
        wire.close()


def _connected(server: URL) -> socket.socket:
    host = server.query.get("host", server.host)
    if not str(host).startswith("/"):
        return socket.create_connection((str(host), server.port or 5432))
    end = socket.socket(socket.AF_UNIX)
    end.connect(f"{host}/.s.PGSQL.{server.port or 5432}")
    return end


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
