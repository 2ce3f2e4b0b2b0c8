"""A subject's facts in the order they happened, and its state as of any time.

Facts come in the order of the log; a late one happened before others that stand before it. Folding by time and
then by position gives what was in force at a time, knowing all that the log knew.
"""

from bisect import insort
from collections.abc import Callable
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from huissier.domain.events import AnyEvent

S = TypeVar("S")


class Fact(NamedTuple):
    """An event with its place in time and in the log."""

    at: datetime
    position: int
    event: AnyEvent


Evolve = Callable[[S, Fact], S]


class Timeline(Generic[S]):
    """All facts of one subject and the state they fold to."""

    __slots__ = ("_evolve", "_initial", "facts", "latest")

    def __init__(self, initial: S, evolve: Evolve[S]) -> None:
        """Start with no facts."""
        self._initial = initial
        self._evolve = evolve
        self.facts: list[Fact] = []
        self.latest = initial

    def add(self, fact: Fact) -> None:
        """Take in one more fact of the log."""
        if not self.facts or self.facts[-1] < fact:
            self.facts.append(fact)
            self.latest = self._evolve(self.latest, fact)
        else:
            insort(self.facts, fact, key=_when)
            self.latest = self._fold(self.facts)

    def as_of(self, moment: datetime) -> S:
        """Return the state that was in force at a moment, that moment included."""
        if not self.facts or self.facts[-1].at <= moment:
            return self.latest
        return self._fold([fact for fact in self.facts if fact.at <= moment])

    def _fold(self, facts: list[Fact]) -> S:
        state = self._initial
        for fact in facts:
            state = self._evolve(state, fact)
        return state


def _when(fact: Fact) -> tuple[datetime, int]:
    return fact.at, fact.position
