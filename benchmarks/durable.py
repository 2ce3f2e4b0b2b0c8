"""Durable decisions of one caller against the limit of the disk: one row a commit, through SQLite itself.

The raw side inserts the very bytes of a recorded decision into the same table, in WAL mode with
synchronous=FULL: nothing that answers durably from one SQLite file can be faster for one caller. The third
contestant also writes the row of the tag index, as a recorded submission has to.
"""

import cProfile
import pstats
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import huissier
from benchmarks.measure import Report, arguments, rate, ratio, say, scratch, take_turns
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    OpenEns,
    OperatorKind,
    PublishCgu,
    RegisterOperator,
    SignCgu,
    SignInstrument,
    SubmitMessage,
)

OPERATORS: tuple[tuple[str, OperatorKind], ...] = (("ght", "professionnel"), ("mes", "usager"))
DOMAIN = "ch-exemple.mssante.fr"
RAW = "raw SQLite, one row a commit"
RAW_TAGGED = "raw SQLite, event and tag row a commit"
PROFESSIONNELS = "huissier, professionnel to professionnel"
USAGERS = "huissier, usager to professionnel"


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = arguments(__doc__, rounds=5, on_disk=True)
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    options = parser.parse_args(argv)
    people, operations, slices, rounds = (10, 5, 2, 1) if options.quick else (500, 200, 15, options.rounds)
    with scratch(options.dir) as folder, huissier.open(f"sqlite:///{folder / 'huissier.db'}") as engine:
        say("setting the scene")
        town = settle(engine, people)
        if options.profile:
            profile(engine, town, operations * slices)
            return
        row = recorded_row(folder)
        with closing(raw_store(folder / "raw.db")) as raw, closing(raw_store(folder / "tagged.db")) as tagged:
            one_row, two_rows = inserting(raw, row, tagged=False), inserting(tagged, row, tagged=True)
            contestants = {
                RAW: rate(partial(one_row, operations), operations),
                RAW_TAGGED: rate(partial(two_rows, operations), operations),
                PROFESSIONNELS: lambda: handling(engine, list(islice(town.among_professionnels, operations))),
                USAGERS: lambda: handling(engine, list(islice(town.from_usagers, operations))),
            }
            figures = take_turns(contestants, "commits/s", rounds, slices=slices)
    by_name = {figure.name: figure for figure in figures}
    ratios = [
        ratio("professionnel to professionnel / raw", by_name[PROFESSIONNELS], by_name[RAW]),
        ratio("usager to professionnel / raw", by_name[USAGERS], by_name[RAW]),
        ratio("professionnel to professionnel / raw with tag", by_name[PROFESSIONNELS], by_name[RAW_TAGGED]),
        ratio("raw with tag / raw", by_name[RAW_TAGGED], by_name[RAW]),
    ]
    notes = [
        f"{operations * slices} decisions a round, {operations} a turn; a recorded decision has {len(row[1])} bytes",
        f"SQLite {sqlite3.sqlite_version}, WAL, synchronous=FULL",
    ]
    Report("uv run python -m benchmarks.durable", ratios, figures, notes).show(as_json=options.json)


class Town(NamedTuple):
    """Endless submissions, all of which are accepted."""

    among_professionnels: Iterator[SubmitMessage]
    from_usagers: Iterator[SubmitMessage]


def settle(engine: huissier.Engine, people: int) -> Town:
    """Found a hospital and an operator of usagers, and let each usager be written to by a professionnel."""
    professionnels = [f"dr.{number}@{DOMAIN}" for number in range(people)]
    usagers = [f"{ins(number)}@patient.mssante.fr" for number in range(people)]
    pairs = list(zip(usagers, professionnels, strict=True))
    engine.handle_many(_operators())
    engine.handle_many(CreateMailbox(address=address, kind="PER") for address in professionnels)
    engine.handle_many(SignCgu(mailbox=address, version="1") for address in professionnels)
    engine.handle_many(OpenEns(ins=address.partition("@")[0]) for address in usagers)
    openings = [
        SubmitMessage(id=f"open-{usager}", sender=professionnel, recipients=[usager], final_hop=True)
        for usager, professionnel in pairs
    ]
    engine.handle_many(openings)
    chance, numbers = random.Random(1), count()
    among = (_submission(chance, next(numbers), *chance.sample(professionnels, 2)) for _ in count())
    return Town(among, (_submission(chance, next(numbers), *chance.choice(pairs)) for _ in count()))


def _operators() -> Iterator[AnyCommand]:
    for operator, kind in OPERATORS:
        yield RegisterOperator(operator=operator, kind=kind)
        yield SignInstrument(operator=operator, instrument="contrat")
        yield SignInstrument(operator=operator, instrument="annexe-2", referentiel="1.4")
    yield PublishCgu(operator="ght", version="1", deadline="2022-01-01")
    yield AdmitDomain(domain=DOMAIN, operator="ght", hosted=True)
    yield AdmitDomain(domain="patient.mssante.fr", operator="mes", hosted=True)


def ins(number: int) -> str:
    """Return a made-up INS (born abroad, département 99) with its key."""
    matricule = f"17912991{number:05}"
    return f"{matricule}{97 - int(matricule) % 97:02}"


def _submission(chance: random.Random, number: int, sender: str, recipient: str) -> SubmitMessage:
    return SubmitMessage(
        id=f"{chance.getrandbits(40):010X}.{number}",
        sender=sender,
        recipients=[recipient],
        message_id=f"<{chance.getrandbits(64):x}@{DOMAIN}>",
        size=chance.randrange(1_000, 5_000_000),
    )


def handling(engine: huissier.Engine, commands: list[SubmitMessage]) -> float:
    """Hand commands over one by one, each answer durable before the next; return how many a second."""
    answers: list[huissier.Answer] = []
    found = rate(lambda: answers.extend(map(engine.handle, commands)), len(commands))()
    if any(answer.outcome != "accepted" for answer in answers):
        raise SystemExit("a submission was refused: the scene is not as it was meant")
    return found


Row = tuple[str, bytes, str]


def recorded_row(folder: Path) -> Row:
    """Return type, data and tags of a decision as the engine recorded it."""
    with closing(sqlite3.connect(folder / "huissier.db")) as connection:
        found: Row = connection.execute("SELECT type, data, tags FROM events ORDER BY position DESC LIMIT 1").fetchone()
    return found


def raw_store(path: Path) -> sqlite3.Connection:
    """Make an empty log, with the engine's settings for durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE events (position INTEGER PRIMARY KEY, type TEXT NOT NULL, data BLOB NOT NULL, tags TEXT NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE tags (tag TEXT, type TEXT, position INTEGER, PRIMARY KEY (tag, type, position)) WITHOUT ROWID"
    )
    return connection


def inserting(connection: sqlite3.Connection, row: Row, *, tagged: bool) -> Callable[[int], None]:
    """Return what commits a number of rows one by one, with or without the row of the tag index."""
    positions, chance = count(1), random.Random(1)
    kind, data, tags = row

    def event(position: int) -> None:
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (position, kind, data, tags))

    def event_and_tag(position: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        event(position)
        tag = f"submission:{chance.getrandbits(40):010X}.{position}"
        connection.execute("INSERT INTO tags VALUES (?, ?, ?)", (tag, kind, position))
        connection.execute("COMMIT")

    def work(operations: int) -> None:
        for position in islice(positions, operations):
            (event_and_tag if tagged else event)(position)

    return work


def profile(engine: huissier.Engine, town: Town, operations: int) -> None:
    """Print where the time of deciding goes, by time spent in a function itself."""
    profiler = cProfile.Profile()
    commands = list(islice(town.among_professionnels, operations))
    profiler.runcall(handling, engine, commands)
    pstats.Stats(profiler, stream=sys.stdout).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
