"""A row of bars made of letters."""

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = "…"


def sparkline(values: Sequence[int | None]) -> str:
    """Return one bar per value, the highest for the greatest; only zero gets the lowest bar, and None is a gap."""
    greatest = max(filter(None, values), default=0)
    return "".join(_GAP if value is None else _bar(value, greatest) for value in values)


def _bar(value: int, greatest: int) -> str:
    return _BARS[-(-value * (len(_BARS) - 1) // greatest) if value > 0 else 0]
