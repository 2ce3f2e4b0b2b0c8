"""A row of bars made of letters."""

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[int]) -> str:
    """Return a bar a value, the highest for the greatest; what is not zero is never the lowest bar."""
    greatest = max(values, default=0)
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-value * steps // greatest) if value > 0 else 0] for value in values)
