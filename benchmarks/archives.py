"""A log written to an archive, verified there, and read back into a store: time, memory, and bytes per event.

Each step runs in a process of its own, whose peak memory is told, and is compared with reading the same log through the
cursor and decoding it. The logs are those of `benchmarks.history`, with one event per second; exports are unsigned, as
`benchmarks.evidence` measures what a checkpoint costs. SQLite, in the system's cache where the memory allows it.
"""

import argparse
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.history import build
from benchmarks.measure import Report, arguments, say, scratch
from huissier.adapters.archive.importing import import_archive
from huissier.adapters.archive.verifying import verify_archive
from huissier.adapters.archive.writing import export
from huissier.adapters.audit.replay.sources import StoreSource
from huissier.adapters.bench.callers import new_key
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Figure
from huissier.adapters.log import codec
from huissier.adapters.log.read_only import ReadOnlyLog

WORK: Final = ("decode", "export", "again", "verify", "import")
NAMES: Final = ("cursor and decode", "export", "an export that adds nothing", "verifying the archive", "import")


def main(argv: list[str] | None = None) -> None:
    """Measure, or be the process that is measured."""
    parser = arguments(__doc__, rounds=3, on_disk=True)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000], help="sizes of the logs")
    parser.add_argument("--do", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.do is not None:
        do(options.do, options.dir)
        return
    people, sizes, rounds = (10, [600, 1_000], 1) if options.quick else (300, options.events, options.rounds)
    figures: list[Figure] = []
    ratios: list[Figure] = []
    notes: list[str] = []
    for size in sizes:
        with scratch(options.dir) as folder:
            build(folder / "huissier.db", new_key(), Town(people), size)
            found = [measured(folder, size) for _ in range(rounds)]
            notes.append(sizes_in(folder, size))
        rates = [
            Figure(f"{name}, {size:,} events", "/s", tuple(size / one[place][0] for one in found))
            for place, name in enumerate(NAMES)
        ]
        ratios += [one.over(rates[0], f"{one.name} / {NAMES[0]}, events/s") for one in rates[1:]]
        figures += rates
        figures += [
            Figure(f"{name}, {size:,} events, greatest memory", "MB", tuple(one[place][1] for one in found))
            for place, name in enumerate(NAMES)
        ]
    Report("uv run python -m benchmarks.archives", ratios, figures, notes).show(as_json=options.json)


def measured(folder: Path, size: int) -> list[tuple[float, float]]:
    """Do everything once, and return seconds and megabytes of each."""
    shutil.rmtree(folder / "archive", ignore_errors=True)
    for file in folder.glob("new.db*"):
        file.unlink()
    found = []
    for what in WORK:
        say(f"{size:,} events: {what}")
        command = [sys.executable, "-m", "benchmarks.archives", "--do", what, "--dir", str(folder)]
        seconds, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        found.append((float(seconds), float(memory)))
    return found


def do(what: str, folder: Path) -> None:
    """Do one thing, and print seconds and megabytes."""
    url, archive = f"sqlite:///{folder}/huissier.db", folder / "archive"
    began = perf_counter()
    match what:
        case "decode":
            source = StoreSource.of(url)
            for row in source.rows(source.head):
                codec.decode(row.data, row.position)
        case "export" | "again":
            with ReadOnlyLog(url) as log:
                export(log, archive, None)
        case "verify":
            if verify_archive(archive, []).problems:
                raise RuntimeError("the archive is damaged")
        case _:
            import_archive(archive, f"sqlite:///{folder}/new.db")
    print(perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def sizes_in(folder: Path, size: int) -> str:
    """Say how large everything is."""
    archive = sum(file.stat().st_size for file in (folder / "archive").rglob("*.parquet"))
    log, again = ((folder / name).stat().st_size for name in ("huissier.db", "new.db"))
    return (
        f"{size:,} events: the archive {archive / size:,.0f} bytes an event, {archive / 1e6:,.1f} MB; the store"
        f" {log / size:,.0f} bytes an event, {log / 1e6:,.0f} MB; imported {again / 1e6:,.0f} MB"
    )


if __name__ == "__main__":
    main()
