"""Which threads are in the middle of a call: a signal handler that interrupted a call must not begin another there.

The interrupted call may hold any lock, and cannot free it while the handler waits for it.
"""

import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Callers:
    """The threads that are in the middle of a call."""

    def __init__(self) -> None:
        """Start without any."""
        self._inside: set[int] = set()

    def admit(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Make a call. Raises `RuntimeError` in the middle of another on the same thread."""
        thread = threading.get_ident()
        if thread in self._inside:
            raise RuntimeError(
                "this thread is in the middle of a call: raise SystemExit here, and ask or close behind it"
            )
        try:
            self._inside.add(thread)  # inside `try`, or an interrupt right after it would keep the thread out for ever
            return call(*arguments, **named)
        finally:
            self._inside.discard(thread)
