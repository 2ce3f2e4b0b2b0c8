"""Records what sources tell of deliveries: each once, about the submission it can be matched with.

What a server's log says is a find, not a request of somebody: where it does not fit, nothing is recorded, and it is
kept aside. So a source can be read again, whole, and only what was missing is added.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from huissier.adapters.ingest.aside import Aside
from huissier.adapters.ingest.sightings import FromNobody, NotFinal, Sighting, Told, Unreadable
from huissier.domain.answers import Answer
from huissier.domain.commands import ReportDelivery
from huissier.domain.reasons import Code

if TYPE_CHECKING:
    from huissier.adapters.deciding.engine import Engine

AT_ONCE: Final = 500  # the pen is held for some ten milliseconds
_MAY_BE_ANOTHER: Final = frozenset({Code.NOT_FOUND, Code.ADDRESS_INVALID})

UNREADABLE: Final = "UNREADABLE"

_Open = tuple[Sighting, Iterator[ReportDelivery]]


class Counts(Struct):
    """What was told, and what it came to; `kept_aside` by reason. `lines`: lines of a log, or messages.

    `from_nobody`: deliveries of messages with the null sender, which are reports and no submissions.
    """

    lines: int = 0
    delivered: int = 0
    undelivered: int = 0
    unchanged: int = 0
    not_final: int = 0
    from_nobody: int = 0
    kept_aside: dict[str, int] = {}

    @property
    def aside(self) -> int:
        """How many were kept aside."""
        return sum(self.kept_aside.values())


class Recording:
    """Takes in what sources tell. `source`: the name of the one that is read, for what is kept aside of it."""

    def __init__(self, engine: "Engine", aside: Aside, clock: Callable[[], datetime], source: str = "-") -> None:
        """Record through an engine; no time is taken to be later than the clock's."""
        self.counts = Counts()
        self.source = source
        self._engine = engine
        self._aside = aside
        self._clock = clock

    def take(self, told: Iterable[Told]) -> None:
        """Record what was told, in its order, some hundred a transaction. Raises `StoreError`, `AsideError`.

        All of it is durable when this returns; where telling fails, all that was told before.
        """
        try:
            for batch in _batches(told):
                waiting: list[Sighting] = []
                for one in batch:
                    self._sort(one, waiting)
                self._match(waiting)
        finally:
            self._aside.sync()

    def _sort(self, one: Told, waiting: list[Sighting]) -> None:
        match one:
            case NotFinal():
                self.counts.not_final += 1
            case FromNobody():
                self.counts.from_nobody += 1
            case Unreadable():
                self._keep_aside(one, UNREADABLE)
            case Sighting(recipients=()):
                self._match(waiting)
                waiting.clear()
                self._give_up(one)
            case Sighting():
                waiting.append(one)

    def _match(self, sightings: list[Sighting]) -> None:
        """Try for all at once what each most likely means; for those it does not fit, the next that it may mean."""
        now = self._clock()
        waiting: list[_Open] = [(sighting, sighting.commands(now)) for sighting in sightings]
        last: dict[int, str] = {}
        while waiting:
            asked = []
            for sighting, meanings in waiting:
                if (command := next(meanings, None)) is None:
                    self._keep_aside(sighting, last[id(sighting)])
                else:
                    asked.append((sighting, meanings, command))
            answers = self._engine.handle_many((command for *_, command in asked), keep_rejections=False)
            waiting = []
            for (sighting, meanings, _), answer in zip(asked, answers, strict=True):
                if (code := _code(answer)) in _MAY_BE_ANOTHER:
                    last[id(sighting)] = str(code)
                    waiting.append((sighting, meanings))
                else:
                    self._count(sighting, answer)

    def _count(self, sighting: Sighting, answer: Answer) -> None:
        match answer.outcome:
            case "recorded" if sighting.status == "delivered":
                self.counts.delivered += 1
            case "recorded":
                self.counts.undelivered += 1
            case "unchanged":
                self.counts.unchanged += 1
            case _:
                self._keep_aside(sighting, str(_code(answer)))

    def _give_up(self, sighting: Sighting) -> None:
        """A server that gives up does not say on whom: on all of whom nothing was heard."""
        for id_, at in product(sighting.ids, sighting.moments(self._clock())):
            if (count := self._engine.give_up(id_, at, sighting.cause)) is not None:
                self.counts.undelivered += count
                self.counts.unchanged += not count
                return
        self._keep_aside(sighting, str(Code.NOT_FOUND))

    def _keep_aside(self, told: Sighting | Unreadable, reason: str) -> None:
        self._aside.keep(self.source, told, reason)
        self.counts.kept_aside[reason] = self.counts.kept_aside.get(reason, 0) + 1


def _code(answer: Answer) -> str | None:
    return answer.reasons[0].code if answer.outcome == "rejected" else None


def _batches(told: Iterable[Told]) -> Iterator[list[Told]]:
    """Cut what is told into batches; where telling fails, what was told before is one."""
    batch: list[Told] = []
    try:
        for one in told:
            batch.append(one)
            if len(batch) == AT_ONCE:
                yield batch
                batch = []
    except Exception:
        yield batch
        raise
    yield batch
