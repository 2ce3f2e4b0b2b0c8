"""A process whose main thread is interrupted wherever it is in a call; afterwards another thread asks, and then it.

It ends with 0 where both are answered. In a process of its own, because a tracer, as for coverage, lets a signal in
where no interrupt comes otherwise.
"""

import os
import signal
import sys
import threading
from contextlib import suppress

from tests.test_engine import hospital, message

_TIMES = 400
_LONGEST = 0.001  # seconds that a call takes at the most


class Interrupted(BaseException):
    """What a signal's handler raised."""


def _interrupt(*_: object) -> None:
    raise Interrupted


def main(timeout: float) -> int:
    """Interrupt calls with a time-out, each a little later than the one before."""
    engine = hospital()
    signal.signal(signal.SIGALRM, _interrupt)
    for number in range(_TIMES):
        with suppress(Interrupted):
            signal.setitimer(signal.ITIMER_REAL, 0.000_01 + _LONGEST * number / _TIMES)
            engine.handle(message(number), timeout=timeout)
            signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    other = threading.Thread(target=engine.handle, args=(message(_TIMES),), daemon=True)
    other.start()
    other.join(20)
    return int(other.is_alive() or engine.handle(message(_TIMES + 1)).outcome != "accepted")


if __name__ == "__main__":
    os._exit(main(float(sys.argv[1])))
