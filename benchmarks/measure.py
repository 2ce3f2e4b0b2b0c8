"""Rounds of work measured side by side: medians and ratios, as a table for people and as JSON for programs.

Contestants take turns within each round and a ratio is taken round by round, so that a machine that slows down
for a while slows down both sides of it.
"""

import argparse
import gc
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import NamedTuple


class Figure(NamedTuple):
    """One value a round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


class Report(NamedTuple):
    """What a benchmark found; ratios first, for they travel better between machines than rates do."""

    command: str
    ratios: list[Figure]
    figures: list[Figure]
    notes: list[str]

    def show(self, *, as_json: bool) -> None:
        """Print the report."""
        print(self.as_json() if as_json else self.as_text())

    def as_json(self) -> str:
        """Return the report and the machine it was made on as one JSON document."""
        return json.dumps(
            {
                "command": self.command,
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": machine(),
                "ratios": [_as_dict(ratio) for ratio in self.ratios],
                "figures": [_as_dict(figure) for figure in self.figures],
                "notes": self.notes,
            },
            indent=2,
            ensure_ascii=False,
        )

    def as_text(self) -> str:
        """Return the report as tables."""
        head = f"$ {self.command}\n{machine()}"
        return "\n\n".join([head, _table(self.ratios), _table(self.figures), "\n".join(self.notes)]).rstrip()


def take_turns(
    contestants: Mapping[str, Callable[[], float]], unit: str, rounds: int, *, slices: int = 1
) -> list[Figure]:
    """Let each contestant return its own value in each round; who began goes last in the next turn.

    With `slices`, contestants that return a rate take that many turns a round, and the round's value is their
    rate over all of them: what disturbs the machine for a second is then shared out. The garbage of one is
    collected before the next begins, and what was built before is left out of all collections.
    """
    values: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    gc.collect()
    gc.freeze()
    for _ in range(rounds * slices):
        for name in order:
            gc.collect()
            values[name].append(contestants[name]())
        order.reverse()
    gc.unfreeze()
    return [Figure(name, unit, _by_round(found, slices)) for name, found in values.items()]


def _by_round(values: list[float], slices: int) -> tuple[float, ...]:
    return tuple(statistics.harmonic_mean(values[i : i + slices]) for i in range(0, len(values), slices))


def rate(work: Callable[[], object], operations: int, clock: Callable[[], float] = perf_counter) -> Callable[[], float]:
    """Return a contestant that does the work once and says how many operations a second of the clock it did."""
    return lambda: operations / seconds(work, clock)


def seconds(work: Callable[[], object], clock: Callable[[], float] = perf_counter) -> float:
    """Do the work once and return how long it took."""
    began = clock()
    work()
    return clock() - began


def ratio(name: str, over: Figure, under: Figure) -> Figure:
    """Divide two figures round by round."""
    return Figure(name, "×", tuple(a / b for a, b in zip(over.values, under.values, strict=True)))


def arguments(description: str | None, *, rounds: int, on_disk: bool = False) -> argparse.ArgumentParser:
    """Return the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often to measure (default {rounds})")
    if on_disk:
        parser.add_argument("--dir", type=Path, default=Path(), help="on which disk (default: the current folder's)")
    return parser


@contextmanager
def scratch(where: Path) -> Iterator[Path]:
    """Lend a folder on a disk of choice."""
    folder = Path(tempfile.mkdtemp(prefix=".benchmark-", dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def say(text: str) -> None:
    """Tell who waits what is being done."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """Return what the figures were measured on."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _as_dict(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "median": figure.median,
        "min": min(figure.values),
        "max": max(figure.values),
        "rounds": len(figure.values),
    }


def _table(figures: Sequence[Figure]) -> str:
    rows = [("", "median", "min", "max", "")]
    rows += [(f.name, _short(f.median), _short(min(f.values)), _short(max(f.values)), f.unit) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        f"{name:<{widths[0]}}  {median:>{widths[1]}}  {low:>{widths[2]}}  {high:>{widths[3]}}  {unit}".rstrip()
        for name, median, low, high, unit in rows
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
