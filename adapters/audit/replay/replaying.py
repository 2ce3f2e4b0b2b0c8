"""A log replayed: each fact decided again on those before it, and what differs from what the log says."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, Self

import msgspec

from huissier.adapters.audit.replay.crew import Crew, Finding, Share, Tally
from huissier.adapters.audit.replay.past import Past
from huissier.adapters.audit.replay.shares import Split
from huissier.adapters.audit.replay.sources import Row, Source
from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log import codec
from huissier.domain.events import AnyEvent, MessageDecided
from huissier.domain.replay import Checked, Differs, Replay
from huissier.domain.tags import TRUST_SPACE, tags_of
from huissier.domain.timeline import Fact
from huissier.projections.words import kind_of

_FACTS: Final = ("facts",)
_VERDICTS: Final = ("verdicts",)
_UNCHECKED: Final = "unchecked"


class Difference(Finding, frozen=True, kw_only=True):
    """What the log says at a position and what it should say; `field` names what differs.

    Of the fields `recorded` is the fact as a whole, which should not be there, and `position`, `tags` and `bytes` are
    how it is kept. `id` is a submission's.
    """

    kind: str = ""
    at: datetime | None = None
    id: str = ""
    field: str
    recorded: Any
    recomputed: Any


class Report(msgspec.Struct, frozen=True):
    """What a replay came to: facts and verdicts decided again, differences, and what the log alone does not tell."""

    first: int
    last: int
    facts: int
    verdicts: int
    differences: int
    not_checkable: dict[str, int]


def replay(source: Source, *, first: int = 1, last: int | None = None, jobs: int | None = None) -> Crew[Difference]:
    """Replay a log and check the facts from one position to another; those before them are only folded."""
    return Crew(source, partial(Replaying, first), until=last, jobs=jobs)


def report_of(tally: Tally, first: int, last: int, differences: int) -> Report:
    """Return what the tally of a replay says."""
    unchecked = {name[1]: count for name, count in sorted(tally.items()) if name[0] == _UNCHECKED}
    return Report(first, last, tally[_FACTS], tally[_VERDICTS], differences, unchecked)


class Replaying:
    """One share of a replay."""

    def __init__(self, first: int, share: Share) -> None:
        """Check from a position on."""
        self._first = first
        self._share = share
        self._past = Past()
        self._replay = Replay(self._past.facts)
        self._split = Split(share, self._past.facts)
        self._expected = 1
        self.tally: Tally = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._past.__exit__()

    def take(self, row: Row) -> Iterator[Difference]:
        """Check a fact where it is in this share, then fold it."""
        position = row.position
        if position != self._expected and self._share.number == 0 and position >= self._first:
            yield Difference(position=position, field="position", recorded=position, recomputed=self._expected)
        self._expected = position + 1
        try:
            event = codec.decode(row.data, position).event
        except CorruptStoreError:
            if self._share.has_number(position):
                yield Difference(position=position, field="bytes", recorded="no fact", recomputed=None)
            return
        fact, tags = Fact(event.at, position, event), tags_of(event)
        if position >= self._first and self._split.checks(position, event):
            yield from self._check(fact, row.tags, tags)
        self._replay.passed(event)
        if self._split.folds(event):
            self._past.put([tag for tag in tags if tag != TRUST_SPACE], fact, row.data)
        self._split.passed(event)

    def _check(self, fact: Fact, kept: list[str], tags: list[str]) -> Iterator[Difference]:
        checked = self._replay.check(fact)
        self._count(fact.event, checked)
        if sorted(kept) != sorted(tags):  # their order means nothing, and an archive has another
            yield _difference(fact, Differs("tags", kept, tags))
        for differs in checked.differs:
            yield _difference(fact, differs)

    def _count(self, event: AnyEvent, checked: Checked) -> None:
        self.tally[_FACTS] += 1
        if isinstance(event, MessageDecided):
            self.tally[_VERDICTS] += len(event.verdicts)
        if checked.unchecked is not None:
            self.tally[_UNCHECKED, checked.unchecked] += 1


def _difference(fact: Fact, differs: Differs) -> Difference:
    return Difference(
        position=fact.position,
        kind=kind_of(fact.event),
        at=fact.at,
        id=getattr(fact.event, "id", ""),
        field=differs.field,
        recorded=differs.recorded,
        recomputed=differs.recomputed,
    )
