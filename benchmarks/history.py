"""What a long history costs: opening a store and deciding on it, with 10,000 events and with a million or more.

Opening replays nothing, and a decision reads only what it rests on: neither may take longer on a longer history.
The stores are settled through the engine and then filled straight with SQLite, in the store's own format, with
messages between the professionnels. Their files are in the system's cache where the memory allows it.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from time import perf_counter

import msgspec
import sqlalchemy as sa
from eventsourcing.dcb.api import DCBEvent

from benchmarks.measure import Report, arguments, say, scratch
from huissier.adapters.bench.callers import Callers, check_accepted, new_key, scratch_engine
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Lap, Rounds, each, take_turns, within
from huissier.adapters.log import codec
from huissier.domain import events as e
from huissier.domain.reasons import Code

SMALL = 10_000
BATCH = 50_000

Found = dict[int, Rounds]


def main(argv: list[str] | None = None) -> None:
    """Build the stores, measure, and print."""
    parser = arguments(__doc__, rounds=5, on_disk=True)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000], help="sizes of the long histories")
    options = parser.parse_args(argv)
    people, sizes, slices, seconds, rounds = 1_000, [SMALL, *options.events], 9, 0.25, options.rounds
    if options.quick:
        people, sizes, slices, seconds, rounds = 10, [100, 500], 1, 0.02, 2
    key, town = new_key(), Town(people)
    with scratch(options.dir) as folder:
        stores = {size: build(folder / f"{size}.db", key, town, size) for size in sizes}
        notes = [
            f"{size:,} events: {Path(str(url.database)).stat().st_size / 1e6:,.1f} MB" for size, url in stores.items()
        ]
        opened = take_turns({size: partial(opening, url, key) for size, url in stores.items()}, rounds, slices=slices)
        answered = first_answers(stores, key, town, rounds, slices)
        decided = answers(stores, key, town, rounds, slices, seconds)
    ratios, figures = [], []
    for name, figure, found in (
        ("opening", each, opened),
        ("opening and first answer", each, answered),
        ("an answer of many, median", partial(within, share=0.5), decided),
        ("an answer of many, 99 in 100", partial(within, share=0.99), decided),
    ):
        small, *large = (figure(f"{name}, {size:,} events", rounds=found[size]) for size in sizes)
        ratios += [one.over(small, f"{one.name} / {sizes[0]:,}") for one in large]
        figures += [small, *large]
    Report("uv run python -m benchmarks.history", ratios, figures, notes).show(as_json=options.json)


def opening(url: sa.URL, key: str) -> Lap:
    """Open a store with a new engine; closing it is not counted."""
    began = perf_counter()
    with scratch_engine(url, key):
        return Lap(1, perf_counter() - began)


def first_answers(stores: dict[int, sa.URL], key: str, town: Town, rounds: int, slices: int) -> Found:
    """Open a store with a new engine and have its first command durably answered, again and again."""
    submissions = town.submissions(seed=1_000_000)

    def first_answer(url: sa.URL) -> Lap:
        submission = next(submissions)
        began = perf_counter()
        with scratch_engine(url, key) as engine:
            check_accepted(engine.handle(submission))
            return Lap(1, perf_counter() - began)

    return take_turns({size: partial(first_answer, url) for size, url in stores.items()}, rounds, slices=slices)


def answers(stores: dict[int, sa.URL], key: str, town: Town, rounds: int, slices: int, seconds: float) -> Found:
    """Answer one caller on open stores."""
    with ExitStack() as stack:
        callers = {size: stack.enter_context(Callers(scratch_engine(url, key), town)) for size, url in stores.items()}
        contestants = {size: partial(one.alone, seconds) for size, one in callers.items()}
        take_turns(contestants, 1)  # not counted: first, files and caches reach their size
        return take_turns(contestants, rounds, slices=slices)


def build(path: Path, key: str, town: Town, size: int) -> sa.URL:
    """Write a store of `size` events and return its URL."""
    url = sa.URL.create("sqlite", database=str(path))
    with scratch_engine(url, key) as engine:
        town.settle(engine)
        head = engine.head
    rows = map(_row, count(head + 1), islice(messages(town.professionnels), size - head))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        while batch := list(islice(rows, BATCH)):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO events (position, type, data, tags) VALUES (?, ?, ?, ?)", batch)
            connection.execute("COMMIT")
            say(f"{path.name}: {batch[-1][0]:,} of {size:,} events")
        say(f"{path.name}: tags")
        connection.execute(
            "INSERT INTO tags (tag, type, position) SELECT tag.value, events.type, events.position"
            " FROM events, json_each(events.tags) AS tag WHERE events.position > ? ORDER BY 1, 2, 3",
            (head,),
        )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return url


def _row(position: int, stored: DCBEvent) -> tuple[int, str, bytes, str]:
    return position, stored.type, stored.data, msgspec.json.encode(stored.tags).decode()


def messages(professionnels: list[str]) -> Iterator[DCBEvent]:
    """Yield accepted messages as they are stored, without end."""
    chance, at = random.Random(1), datetime(2024, 1, 1, tzinfo=UTC)
    while True:
        at += timedelta(seconds=1)
        yield codec.encode(_message(chance, at, *chance.sample(professionnels, 2)), at)


def _message(chance: random.Random, at: datetime, sender: str, recipient: str) -> e.MessageDecided:
    reason = e.ReasonGiven(Code.PROFESSIONNEL_TO_PROFESSIONNEL, (4,))
    return e.MessageDecided(
        at=at,
        id=f"{chance.getrandbits(48):012X}",
        sender=sender,
        verdicts=(e.VerdictGiven(recipient=recipient, accepted=True, reasons=(reason,)),),
        rules="1.4+pharmacies",
        size=chance.randrange(1_000, 5_000_000),
        message_id=f"{chance.getrandbits(128):032x}",
    )


if __name__ == "__main__":
    main()
