"""A process whose main thread is interrupted wherever it is in a call; afterwards another thread asks, and then it.

It ends with 0 where both are answered. In a process of its own, because a tracer, as for coverage, lets a signal in
where no interrupt comes otherwise. Arguments: the call, its time-out, how often, and the store's URL.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import TemporarilyUnavailableError
from tests.hospital import hospital, message

_BEFORE = 20
_SPREAD = 97  # interrupts come in as many places, and then again
CALLS: dict[str, Callable[[Engine, int, float], object]] = {
    "handle": lambda engine, number, timeout: engine.handle(message(number), timeout=timeout),
    "handle_many": lambda engine, number, _: engine.handle_many([message(number)]),
    "check": lambda engine, _, timeout: engine.check(message(0), timeout=timeout),
    "head": lambda engine, _, _timeout: engine.head,
}


class Interrupted(BaseException):
    """What a signal's handler raised."""


def _interrupt(*_: object) -> None:
    raise Interrupted


def main(name: str, timeout: float, times: int, url: str) -> int:
    """Interrupt calls, each a little later than the one before."""
    engine, call = hospital(url), CALLS[name]
    began = perf_counter()
    for number in range(_BEFORE):
        call(engine, number, timeout)
    longest = 2 * (perf_counter() - began) / _BEFORE
    signal.signal(signal.SIGALRM, _interrupt)
    for number in range(_BEFORE, _BEFORE + times):
        with suppress(Interrupted, TemporarilyUnavailableError):  # the latter where what was lent is gone
            signal.setitimer(signal.ITIMER_REAL, 0.000_01 + longest * (number * 37 % _SPREAD) / _SPREAD)
            call(engine, number, timeout)
            signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    last = _BEFORE + times
    other = threading.Thread(target=lambda: [call(engine, last, 10), engine.handle(message(last + 1))], daemon=True)
    other.start()
    other.join(30)
    if other.is_alive() or engine.handle(message(last + 1)).outcome != "accepted":
        return 1
    closing = threading.Thread(target=engine.close, daemon=True)
    closing.start()
    closing.join(20)
    return int(closing.is_alive())


if __name__ == "__main__":
    os._exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
