"""What all benchmarks share: their options, a folder to work in, and the report they print."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from huissier.adapters.bench.table import as_table, short
from huissier.adapters.bench.turns import Figure


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
    """Tell whoever waits at a terminal what is being done."""
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
    rows += [(f.name, short(f.median), short(min(f.values)), short(max(f.values)), f.unit) for f in figures]
    return as_table(rows)
