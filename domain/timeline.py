"""A subject's facts in the order they happened, and its state as of any time.

Facts come in the order of the log; a late one happened before others that stand before it. Folding by time and
then by position gives what was in force at a time, knowing all that the log knew.
"""

from bisect import insort
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from huissier.domain.events import AnyEvent
from huissier.domain.vocabulary.times import FIRST, LAST

S = TypeVar("S")


class Fact(Struct, frozen=True, gc=False):
    """An event with its place in time and in the log."""

    at: datetime
    position: int
    event: AnyEvent


Evolve = Callable[[S, Fact], S]


class Timeline(Generic[S]):
    """All facts of one subject, and the state they fold to, on demand."""

    __slots__ = ("_evolve", "_folded", "_initial", "_since", "_state", "facts")

    def __init__(self, initial: S, evolve: Evolve[S]) -> None:
        """Start with no facts."""
        self._initial = self._state = initial
        self._folded = 0
        self._since = FIRST  # the state is in force after this; LAST while a fact waits to be folded
        self._evolve = evolve
        self.facts: list[Fact] = []

    @property
    def latest(self) -> S:
        """The state after all facts."""
        if self._folded < len(self.facts):
            self._state = self._fold(self._state, self.facts[self._folded :])
            self._folded = len(self.facts)
            self._since = self.facts[-1].at
        return self._state

    def add(self, fact: Fact) -> None:
        """Take in one more fact of the log."""
        self._since = LAST
        if not self.facts or self.facts[-1].at < fact.at or _when(self.facts[-1]) < _when(fact):
            self.facts.append(fact)
        else:
            insort(self.facts, fact, key=_when)
            self._state, self._folded = self._initial, 0

    def as_of(self, moment: datetime) -> S:
        """Return the state that was in force at a moment, that moment included."""
        if self._since < moment:
            return self._state
        if not self.facts or self.facts[-1].at <= moment:
            return self.latest
        return self._fold(self._initial, [fact for fact in self.facts if fact.at <= moment])

    def _fold(self, state: S, facts: list[Fact]) -> S:
        for fact in facts:
            state = self._evolve(state, fact)
        return state


def _when(fact: Fact) -> tuple[datetime, int]:
    return fact.at, fact.position
