"""Events folded per second by each projection, against reading the cursor and decoding the same log.

Nothing that looks at every whole event can be faster than the cursor and the decoder; what a projection adds is its
tables, its transactions and the position kept in them. It needs no tags, so reading without them is measured as well.
Also measured is the way of the `eventsourcing` library: a tracking record in a transaction for each event. Here it
keeps nothing but that record, and its threads are left out.

The log tells of a hospital: six messages in ten among professionnels, three to usagers, one refused; what is accepted
is mostly reported as delivered. It runs on SQLite, and on PostgreSQL: on the server that is named, or on one started
from the wheel of the tests.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.sqlite import SQLiteDatastore, SQLiteTrackingRecorder
from sqlalchemy import URL

from benchmarks.measure import Report, arguments, say, scratch
from benchmarks.postgres import scratch_database, server
from huissier.adapters.bench.turns import Figure, lap, rate, take_turns
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import AT_ONCE, PAGE, Runner
from huissier.domain import events as e
from huissier.domain.reasons import Code
from huissier.projections.catalogue import ALL

DECODE = "cursor and decode"
DOMAIN = "ch-exemple.mssante.fr"
THEN = datetime(2024, 1, 1, tzinfo=UTC)
BATCH = 50_000
LIBRARY = "eventsourcing's tracking, one event a transaction"
PATIENTS = "patient.mssante.fr"
KEY = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}  # of stores that are gone a minute later


def main(argv: list[str] | None = None) -> None:
    """Build a log on each database, fold it again and again, and print."""
    parser = arguments(__doc__, rounds=5, on_disk=True)
    parser.add_argument("--events", type=int, default=100_000, help="how many in the log (default 100,000)")
    parser.add_argument("--postgres", help="a server's URL; else one is started")
    parser.add_argument("--sqlite-only", action="store_true", help="leave PostgreSQL out")
    options = parser.parse_args(argv)
    count, tracked, rounds = (500, 20, 1) if options.quick else (options.events, 1_000, options.rounds)
    ratios: list[Figure] = []
    figures: list[Figure] = []
    with scratch(options.dir) as folder, ExitStack() as stack:
        path = folder / "huissier.db"
        places: dict[str, tuple[str, TrackingRecorder]] = {
            "SQLite": (f"sqlite:///{path}", sqlite_tracking(folder / "library.db"))
        }
        if not options.sqlite_only:
            database = stack.enter_context(scratch_database(stack.enter_context(server(options.postgres))))
            places["PostgreSQL"] = (database.render_as_string(hide_password=False), postgres_tracking(database))
        for name, (url, recorder) in places.items():
            found = measure(name, url, recorder, count, tracked, rounds)
            figures += found
            ratios += [figure.over(found[0], f"{figure.name} / {DECODE}") for figure in found[1:]]
    notes = [f"{count:,} events, pages of {PAGE:,}; the library tracked {tracked:,} of them a round"]
    Report("uv run python -m benchmarks.folding", ratios, figures, notes).show(as_json=options.json)


def measure(name: str, url: str, recorder: TrackingRecorder, count: int, tracked: int, rounds: int) -> list[Figure]:
    """Return the rates on one database: the cursor first, then every projection, then the library."""
    with Engine(url, environment=KEY) as engine, ViewsDatabase(engine.place) as database:
        fill(engine, count)
        runners = {kind.name: Runner(engine.log, database, kind) for kind in ALL}
        contestants = {DECODE: partial(lap, partial(decode, engine, count), count)}
        contestants["the same without tags"] = partial(lap, partial(decode_without_tags, engine, count), count)
        contestants |= {kind: partial(lap, runner.rebuild, count) for kind, runner in runners.items()}
        contestants[LIBRARY] = partial(lap, Library(engine, recorder, tracked).track, tracked)
        found = take_turns(contestants, rounds)
        return [rate(f"{name}, {what}", "events/s", laps) for what, laps in found.items()]


def decode(engine: Engine, until: int, after: int = 0) -> None:
    """Read events whole, with their tags, and decode them, up to a position."""
    while after < until:
        with engine.log.reading() as look:
            rows = look.after(after, min(AT_ONCE, until - after))
        for position, data, _ in rows:
            codec.decode(data, position)
            after = position


def decode_without_tags(engine: Engine, until: int) -> None:
    """Read what projections need of events, and decode it, up to a position."""
    after = 0
    while after < until:
        with engine.log.reading() as look:
            rows = look.facts_after(after, min(AT_ONCE, until - after))
        for position, data in rows:
            codec.decode(data, position)
            after = position


class Library:
    """Tracks the first events again and again, each time under another name."""

    def __init__(self, engine: Engine, recorder: TrackingRecorder, count: int) -> None:
        self._engine = engine
        self._recorder = recorder
        self._count = count
        self._turns = 0

    def track(self) -> None:
        self._turns += 1
        with self._engine.log.reading() as look:
            rows = look.after(0, self._count)
        for position, data, _ in rows:
            codec.decode(data, position)
            self._recorder.insert_tracking(Tracking(f"turn {self._turns}", position))


def sqlite_tracking(path: Path) -> TrackingRecorder:
    """Return the library's recorder on a file of its own."""
    recorder = SQLiteTrackingRecorder(SQLiteDatastore(str(path)))
    recorder.create_table()
    return recorder


def postgres_tracking(url: URL) -> TrackingRecorder:
    """Return the library's recorder on the database, in a table of its own."""
    datastore = PostgresDatastore(
        dbname=url.database or "",
        host=url.host or str(url.query["host"]),
        port=url.port or 5432,
        user=url.username or "",
        password=url.password or "",
    )
    recorder = PostgresTrackingRecorder(datastore)
    recorder.create_table()
    return recorder


def fill(engine: Engine, count: int) -> None:
    """Write the log, straight through the pen."""
    story = islice(history(mailboxes=min(2_000, count // 10)), count)
    while batch := [codec.encode(event, event.at) for event in islice(story, BATCH)]:
        with engine.recorder.pen() as pen:
            say(f"{pen.append(batch):,} of {count:,} events")


def history(mailboxes: int) -> Iterator[e.AnyEvent]:
    """Tell of a hospital and its usagers without end."""
    yield e.OperatorRegistered(at=THEN, operator="ght", kind="professionnel")
    yield e.OperatorRegistered(at=THEN, operator="mes", kind="usager")
    yield e.DomainAdmitted(at=THEN, domain=DOMAIN, operator="ght", hosted=True)
    yield e.DomainAdmitted(at=THEN, domain=PATIENTS, operator="mes")
    chance, at, position = random.Random(1), THEN, 4
    doctors = [f"dr.{number}@{DOMAIN}" for number in range(mailboxes)]
    patients = [f"usager:{number:026}@{PATIENTS}" for number in range(mailboxes)]
    for doctor in doctors:
        position += 1
        yield e.MailboxCreated(at=THEN, address=doctor, kind="PER", name=f"Dr {position}")
    while True:
        at += timedelta(seconds=30)
        sender, colleague = chance.sample(doctors, 2)
        is_patient = chance.random() < 0.3
        recipient = chance.choice(patients) if is_patient else colleague
        decided = message(chance, at, sender, recipient, is_patient=is_patient)
        position += 1
        sent = position
        yield decided
        if decided.verdicts[0].accepted and chance.random() < 0.8:
            position += 1
            yield e.MessageDelivered(
                at=at, id=decided.id, recipient=recipient, sent=sent, sent_at=at, usager=is_patient, opens=decided.opens
            )


def message(chance: random.Random, at: datetime, sender: str, recipient: str, *, is_patient: bool) -> e.MessageDecided:
    """Decide a message as the engine would."""
    accepted = chance.random() < 0.9
    code = Code.RECIPIENT_SUSPENDED
    if accepted:
        code = Code.PROFESSIONNEL_TO_USAGER if is_patient else Code.PROFESSIONNEL_TO_PROFESSIONNEL
    verdict = e.VerdictGiven(
        recipient=recipient, accepted=accepted, usager=is_patient, reasons=(e.ReasonGiven(code, (3, 4)),)
    )
    return e.MessageDecided(
        at=at,
        id=f"{chance.getrandbits(48):012X}",
        sender=sender,
        verdicts=(verdict,),
        rules="1.4+pharmacies",
        size=chance.randrange(1_000, 5_000_000),
        message_id=f"{chance.getrandbits(128):032x}",
        opens=(sender,) if is_patient and accepted else (),
    )


if __name__ == "__main__":
    main()
