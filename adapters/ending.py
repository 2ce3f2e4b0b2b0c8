"""Has work that cleans up after itself do so also when its process is told to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unwound_at_the_end() -> Iterator[None]:
    """Have a signal that would end this process at once end it by an exception, unless somebody else handles it."""
    is_main = threading.current_thread() is threading.main_thread()  # no other thread can set handlers
    ours = [number for number in _ENDING if is_main and signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in ours:
            signal.signal(number, _end)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)
