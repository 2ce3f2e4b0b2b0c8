"""Hangs up on a server that answers nothing any more, so that nobody waits for it for ever."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from huissier.adapters.log.dialects import Dialect


@contextmanager
def hanging_up_on_silence(dialect: Dialect, seconds: float) -> Iterator[None]:
    """Hang up during a block when no statement was answered for so long; long work of many statements is left alone."""
    done = threading.Event()

    def watch() -> None:
        heard = None
        while heard != dialect.answers:
            heard = dialect.answers
            if done.wait(seconds):
                return
        dialect.hang_up()

    with suppress(RuntimeError):  # the interpreter is ending: no thread begins anything any more
        threading.Thread(target=watch, name="huissier-silence", daemon=True).start()
    try:
        yield
    finally:
        done.set()
