"""One turn at the log: what a batch of commands sees and what it is about to record."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.log import codec
from huissier.adapters.log.recorder import Reading
from huissier.adapters.memory import Memory
from huissier.domain.events import AnyEvent
from huissier.domain.facts import Facts
from huissier.domain.timeline import Fact


class _Pending(NamedTuple):
    position: int
    event: AnyEvent
    stored: DCBEvent


class Turn:
    """The log as of now, and behind it the facts of this turn, each seen by the commands after it."""

    def __init__(self, look: Reading, memory: Memory, now: datetime) -> None:
        """Catch up with what others recorded."""
        memory.catch_up(look)
        self._look = look
        self._memory = memory
        self._pending: list[_Pending] = []
        self.connection = look.connection
        self.facts: Facts = memory.facts
        self.now = now
        self.done_with: list[str] = []

    def learn(self, missing: Callable[[Facts], list[str]]) -> None:
        """Read what is missing until nothing is; facts of this turn are not in the log yet and are added."""
        while tags := missing(self.facts):
            self._memory.learn(self._look, tags)
            wanted = set(tags)
            for pending in self._pending:
                found = wanted.intersection(pending.stored.tags)
                self.facts.add(found, Fact(pending.event.at, pending.position, pending.event))

    def record(self, *events: AnyEvent) -> int | None:
        """Take facts in, to be written when the turn ends; return the position of the last, None without any."""
        position = None
        for event in events:
            position = self._look.head + len(self._pending) + 1
            stored = codec.encode(event, self.now)
            self._pending.append(_Pending(position, event, stored))
            self._memory.add(event, stored.tags, position)
        return position

    @property
    def stored(self) -> list[DCBEvent]:
        """What is to be written."""
        return [pending.stored for pending in self._pending]

    def facts_tagged(self, tag: str) -> Iterator[Fact]:
        """Read all facts that carry a tag, without remembering them."""
        for _, position, data in self._look.by_tag([tag]):
            event = codec.decode(data, position).event
            yield Fact(event.at, position, event)
