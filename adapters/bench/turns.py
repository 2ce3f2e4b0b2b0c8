"""Work measured side by side: contestants take turns, and a ratio is taken round by round.

A machine or a disk that slows down for a while then slows down both sides of a ratio.
"""

import gc
import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Figure(NamedTuple):
    """One value per round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value of the middle round."""
        return statistics.median(self.values)

    def over(self, other: "Figure", name: str = "") -> "Figure":
        """Return the ratio to another figure, round by round."""
        return Figure(name, "×", tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


class Lap(NamedTuple):
    """What a contestant did in one turn; `waits` are the seconds of each operation, where they were measured."""

    operations: int
    seconds: float
    waits: Sequence[float] = ()


Rounds = list[list[Lap]]


def take_turns(
    contestants: Mapping[K, Callable[[], Lap]],
    rounds: int,
    *,
    slices: int = 1,
    after_each: Callable[[], object] = lambda: None,
) -> dict[K, Rounds]:
    """Let each contestant take `slices` turns per round, and return what came of them, round by round.

    From turn to turn their order is reversed. Garbage is collected before each turn, and objects from before the
    measurement are left out of all collections.
    """
    found: dict[K, Rounds] = {name: [] for name in contestants}
    order = list(contestants)
    gc.collect()
    gc.freeze()
    try:
        for number in range(rounds * slices):
            for name in order:
                if number % slices == 0:
                    found[name].append([])
                gc.collect()
                found[name][-1].append(contestants[name]())
                after_each()
            order.reverse()
    finally:
        gc.unfreeze()
    return found


def lap(work: Callable[[], object], operations: int, clock: Callable[[], float] = perf_counter) -> Lap:
    """Do some work once, of so many operations, and measure how long it takes."""
    began = clock()
    work()
    return Lap(operations, clock() - began)


def rate(name: str, unit: str, rounds: Rounds) -> Figure:
    """Return how many operations per second were done in each round."""
    return Figure(
        name, unit, tuple(sum(lap.operations for lap in laps) / sum(lap.seconds for lap in laps) for laps in rounds)
    )


def each(name: str, rounds: Rounds) -> Figure:
    """Return how many milliseconds an operation took on average in each round."""
    return Figure(
        name,
        "ms",
        tuple(1000 * sum(lap.seconds for lap in laps) / sum(lap.operations for lap in laps) for laps in rounds),
    )


def within(name: str, share: float, rounds: Rounds) -> Figure:
    """Return in how many milliseconds a share of each round's operations was done."""
    return Figure(name, "ms", tuple(1000 * _quantile([w for lap in laps for w in lap.waits], share) for laps in rounds))


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]
