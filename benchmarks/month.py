"""The exchanges file of a month, written from a month of messages: how long it takes and how much memory.

The messages are put straight into the read model of a hospital's domain, as folding would have left them, eight in
ten of them with a report; folding is measured by `benchmarks.folding`. Each of 2,000 mailboxes writes to fifty
correspondents, so that the file has 100,000 lines whatever the number of messages. The file is written in a process
of its own, whose peak memory is told.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

import sqlalchemy as sa

from benchmarks.measure import Report, arguments, say, scratch
from huissier.adapters.bench.turns import Figure
from huissier.adapters.log.place import Place
from huissier.adapters.statistics.exchanges_file import exchanges_file
from huissier.adapters.statistics.layout import shipped_layout
from huissier.adapters.views.database import ViewsDatabase
from huissier.projections.exchange_tables import ACCEPTED, EXTERNE, REFUSED, TYPES
from huissier.projections.exchanges import Exchanges

DOMAIN, MONTH = "ch-exemple.mssante.fr", 202610
_TOWN = {"domain": DOMAIN, "mailboxes": 2_000, "correspondents": 50}
SIZES = (1_000_000, 10_000_000)
_BATCH = 1_000_000

_MESSAGES = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last),
ends(i, s, r) AS (SELECT i, (i * 7919) % :mailboxes, (i / :mailboxes * 31) % :correspondents FROM n)
INSERT INTO exchanges_messages_1
SELECT 1 + (i % 10 <> 0), 2 * i, 0, s + 1, :mailboxes + s * :correspondents + r + 1, printf('%012X', i * 2654435761)
FROM ends
"""
_ADDRESSES = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :mailboxes * (:correspondents + 1))
INSERT INTO exchanges_addresses_1
SELECT CASE WHEN i < :mailboxes THEN 'dr.' || i || '@' || :domain
 ELSE 'correspondant.' || (i / :correspondents) || '@cabinet-' || (i % :correspondents) || '.mssante.fr' END, i + 1
FROM n
"""
_REPORTS = """
INSERT INTO exchanges_delivered_1 SELECT position, recipient, position + 1 FROM exchanges_messages_1
WHERE position BETWEEN 2 * :first AND 2 * :last AND sort = 2 AND position % 18 <> 0
"""


def main(argv: list[str] | None = None) -> None:
    """Measure, or be the process that is measured."""
    parser = arguments(__doc__, rounds=1, on_disk=True)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--messages", type=int, nargs="+", default=SIZES, help="how many in the month, one file each")
    parser.add_argument("--write", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.write is not None:
        write(options.write)
        return
    figures: list[Figure] = []
    for messages in (2_000, 20_000) if options.quick else options.messages:
        with scratch(options.dir) as folder:
            fill(folder, messages)
            figures += measure(folder, messages, options.rounds)
    first, last = figures[:4], figures[-4:]
    ratios = [figure.over(base, f"{figure.name} / {base.name}") for base, figure in zip(first, last, strict=True)]
    Report("uv run python -m benchmarks.month", ratios, figures, []).show(as_json=options.json)


def measure(folder: Path, messages: int, rounds: int) -> list[Figure]:
    """Write the file some times."""
    found = [[float(word) for word in _written(folder)] for _ in range(rounds)]
    named = (("time", "s"), ("processor", "s"), ("greatest memory", "MB"), ("lines", ""))
    return [
        Figure(f"{messages:,} messages, {name}", unit, tuple(one[place] for one in found))
        for place, (name, unit) in enumerate(named)
    ]


def _written(folder: Path) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.month", "--write", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def write(folder: Path) -> None:
    """Write the file, and print seconds, seconds of processor, megabytes and lines."""
    with ViewsDatabase(_place(folder)) as database, database.reading() as connection:
        began, cpu = perf_counter(), process_time()
        lines = Exchanges(1).exchanges(connection, DOMAIN, MONTH, 2**62)
        with exchanges_file(folder, MONTH, DOMAIN, shipped_layout(), lines) as written:
            pass
        seconds, used = perf_counter() - began, process_time() - cpu
    print(seconds, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, written.rows)


def fill(folder: Path, messages: int) -> None:
    """Put a month into the read model."""
    with ViewsDatabase(_place(folder)) as database:
        with database.writing() as connection:
            Exchanges(1).metadata.create_all(connection)
            for outcome in (REFUSED, ACCEPTED):
                row = (1 + outcome, DOMAIN, MONTH, TYPES.index("PER"), EXTERNE, outcome)
                connection.exec_driver_sql("INSERT INTO exchanges_sorts_1 VALUES (?, ?, ?, ?, ?, ?)", row)
            connection.execute(sa.text(_ADDRESSES), _TOWN)
        for first in range(1, messages + 1, _BATCH):
            last = min(first + _BATCH - 1, messages)
            with database.writing() as connection:
                span = {"first": first, "last": last}
                connection.execute(sa.text(_MESSAGES), {**span, **_TOWN})
                connection.execute(sa.text(_REPORTS), span)
            say(f"{last:,} of {messages:,} messages")


def _place(folder: Path) -> Place:
    return Place(f"sqlite:///{folder}/huissier.db")


if __name__ == "__main__":
    main()
