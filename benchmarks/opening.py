"""Time to open a store and answer the first command, with 10,000 and with 1,000,000 events in it.

Opening replays nothing: it must not take longer where there is more. The stores are written straight through the
pen with facts as the engine records them, mailboxes first and then messages between them. Each round opens a new
engine on each store, as a new process would, with the file in the system's cache.
"""

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter

import huissier
from benchmarks.measure import Figure, Report, arguments, ratio, say, scratch, take_turns
from huissier.adapters.log import codec
from huissier.domain import events as e
from huissier.domain.commands import SubmitMessage

DOMAIN = "ch-exemple.mssante.fr"
THEN = datetime(2024, 1, 1, tzinfo=UTC)
BATCH = 20_000


def main(argv: list[str] | None = None) -> None:
    """Build two stores, measure, and print."""
    options = arguments(__doc__, rounds=51, on_disk=True).parse_args(argv)
    mailboxes, small, large = (10, 50, 500) if options.quick else (1_000, 10_000, 1_000_000)
    with scratch(options.dir) as folder:
        stores = {count: build(folder / f"{count}.db", mailboxes, count) for count in (small, large)}
        sizes = {count: Path(url.removeprefix("sqlite:///")).stat().st_size for count, url in stores.items()}
        openings = {count: Openings(url, mailboxes) for count, url in stores.items()}
        contestants = {f"open and first answer, {count:,} events": o.to_first_answer for count, o in openings.items()}
        figures = take_turns(contestants, "ms", 2 if options.quick else options.rounds)
        only_open = [
            Figure(f"of which opening, {count:,} events", "ms", tuple(o.only_open)) for count, o in openings.items()
        ]
    ratios = [
        ratio(f"{name}, {large:,} / {small:,} events", *reversed(pair))
        for name, pair in (("open and first answer", figures), ("of which opening", only_open))
    ]
    notes = [f"{count:,} events: {size / 1e6:,.1f} MB" for count, size in sizes.items()]
    Report("uv run python -m benchmarks.opening", ratios, [*figures, *only_open], notes).show(as_json=options.json)


class Openings:
    """Opens one store again and again."""

    def __init__(self, url: str, mailboxes: int) -> None:
        self._url = url
        self._mailboxes = mailboxes
        self._chance = random.Random(1)
        self.only_open: list[float] = []

    def to_first_answer(self) -> float:
        """Return the milliseconds until a command is answered, durably; closing is not counted."""
        sender, recipient = self._chance.sample(range(self._mailboxes), 2)
        id_ = f"{self._chance.getrandbits(64):x}"
        command = SubmitMessage(id=id_, sender=_address(sender), recipients=[_address(recipient)])
        began = perf_counter()
        with closing(huissier.open(self._url)) as engine:
            opened = perf_counter()
            answer = engine.handle(command)
            answered = perf_counter()
        if answer.outcome != "accepted":
            raise SystemExit(f"the first command was refused: {answer}")
        self.only_open.append(1000 * (opened - began))
        return 1000 * (answered - began)


def build(path: Path, mailboxes: int, count: int) -> str:
    """Write a store of `count` events and return its URL."""
    url = f"sqlite:///{path}"
    story = islice(history(mailboxes), count)
    with huissier.open(url) as engine:
        while batch := [codec.encode(event, event.at) for event in islice(story, BATCH)]:
            with engine.recorder.pen() as pen:
                say(f"{path.name}: {pen.append(batch):,} of {count:,} events")
    return url


def history(mailboxes: int) -> Iterator[e.AnyEvent]:
    """Tell how a hospital and its mailboxes came, and then of messages between them without end."""
    yield e.OperatorRegistered(at=THEN, operator="ght", kind="professionnel")
    yield e.InstrumentSigned(at=THEN, operator="ght", instrument="contrat")
    yield e.InstrumentSigned(at=THEN, operator="ght", instrument="annexe-2", referentiel="1.4")
    yield e.DomainAdmitted(at=THEN, domain=DOMAIN, operator="ght", hosted=True)
    for number in range(mailboxes):
        yield e.MailboxCreated(at=THEN, address=_address(number), kind="PER", name=f"Dr {number}")
    chance, at = random.Random(1), THEN
    while True:
        at += timedelta(seconds=30)
        yield _message(chance, at, *chance.sample(range(mailboxes), 2))


def _message(chance: random.Random, at: datetime, sender: int, recipient: int) -> e.MessageDecided:
    reason = e.ReasonGiven("PROFESSIONNEL_TO_PROFESSIONNEL", (4,))
    verdict = e.VerdictGiven(recipient=_address(recipient), accepted=True, reasons=(reason,))
    return e.MessageDecided(
        at=at,
        id=f"{chance.getrandbits(48):012X}",
        sender=_address(sender),
        verdicts=(verdict,),
        rules="1.4+pharmacies",
        size=chance.randrange(1_000, 5_000_000),
        message_id=f"{chance.getrandbits(128):032x}",
    )


def _address(number: int) -> str:
    return f"dr.{number}@{DOMAIN}"


if __name__ == "__main__":
    main()
