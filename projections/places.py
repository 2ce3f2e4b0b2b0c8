"""Who ran a domain when, and when it was held here."""

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from huissier.domain.vocabulary.times import FIRST, LAST
from huissier.projections.columns import moment_of


class Named(NamedTuple):
    """What a fact said of a domain, with its place in time and in the log."""

    at: datetime
    position: int
    operator: str | None
    hosted: bool | None


class Place:
    """A domain, as of any time."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._facts: list[Named] = []

    def add(self, fact: Named) -> None:
        """Take in a fact, in whatever order they come."""
        insort(self._facts, fact, key=lambda known: known[:2])

    def operator_at(self, at: datetime) -> str | None:
        """Return who runs it at a time."""
        return next((fact.operator for fact in self._back_from(at) if fact.operator is not None), None)

    def is_hosted_at(self, at: datetime) -> bool:
        """Say whether it is held here at a time."""
        return next((fact.hosted for fact in self._back_from(at) if fact.hosted is not None), False)

    def is_hosted_between(self, start: datetime, end: datetime) -> bool:
        """Say whether it is held here at any time from the start on and before the end."""
        return any(map(self.is_hosted_at, self._changes_between(start, end)))

    def operators_between(self, start: datetime, end: datetime) -> set[str | None]:
        """Return who runs it at any time from the start on and before the end."""
        return set(map(self.operator_at, self._changes_between(start, end)))

    def _changes_between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        yield start
        yield from (fact.at for fact in self._facts if start <= fact.at < end)

    def unchanged_around(self, at: datetime) -> tuple[datetime, datetime]:
        """Return the period around a time in which nothing about it changes: from when on, and before when."""
        times = [fact.at for fact in self._facts]
        since = max((time for time in times if time <= at), default=FIRST)
        return since, min((time for time in times if time > at), default=LAST)

    def _back_from(self, at: datetime) -> Iterator[Named]:
        return (fact for fact in reversed(self._facts) if fact.at <= at)


def places_of(rows: Iterable[Any]) -> dict[str, Place]:
    """Return the places that rows of facts tell of, by domain."""
    found: dict[str, Place] = {}
    for row in rows:
        found.setdefault(row.domain, Place()).add(Named(moment_of(row.at), row.position, row.operator, row.hosted))
    return found
