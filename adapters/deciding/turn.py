"""One turn at the log: what a batch of commands sees and what it is about to record."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.deciding.memory import Memory
from huissier.adapters.log import codec
from huissier.adapters.log.port import Look
from huissier.adapters.log.session import Session
from huissier.domain.commands import AnyCommand
from huissier.domain.events import AnyEvent, UsagerErased
from huissier.domain.facts import Facts
from huissier.domain.home import Homes
from huissier.domain.identities import Identities
from huissier.domain.needs import Meant, changes_needs, needs
from huissier.domain.tags import AboutMessage, submission_tag
from huissier.domain.timeline import Fact

_PAGE: Final = 1_000


class Turn:
    """The log as of now, and behind it the facts of this turn, each seen by the commands after it.

    `stored` is what is to be written when the turn ends; `done_with` are subjects not worth remembering after it;
    `has_erased` says whether somebody was erased from the vault in it, or since the turn before.
    """

    def __init__(self, look: Look, memory: Memory, now: datetime) -> None:
        """Catch up with what others recorded."""
        self.has_erased = memory.catch_up(look)
        self._look = look
        self._memory = memory
        self._pending: dict[str, list[Fact]] = {}
        self._learned: list[str] = []
        self._needs_changed = False
        self.stored: list[DCBEvent] = []
        self.session = look.session
        self.facts: Facts = memory.facts
        self.homes = Homes(memory.facts)
        self.now = now
        self.done_with: list[str] = []

    def learn(self, commands: Sequence[Meant]) -> None:
        """Read what decisions on commands need; facts of this turn are not in the log yet and are added."""
        for tags in filter(None, needs(commands, self.facts)):
            self._learn(tags)

    def learn_submission(self, submission: str) -> None:
        """Read what became of one submission, by its id as facts keep it."""
        if missing := self.facts.not_recalled([submission_tag(submission)]):
            self._learn(missing)

    def _learn(self, tags: list[str]) -> None:
        self._learned += tags
        self._memory.learn(self._look, tags)
        for tag in tags:
            for fact in self._pending.get(tag, ()):
                self.facts.add((tag,), fact)

    def learn_more(self, command: AnyCommand, identities: Identities) -> None:
        """Read what a command needs in addition because of facts that this turn has recorded."""
        if self._needs_changed:
            self.learn([(command, identities)])

    def record(self, *events: AnyEvent) -> int | None:
        """Take facts in, to be written when the turn ends; return the position of the last, None without any."""
        position = None
        for event in events:
            position = self._look.head + len(self.stored) + 1
            stored = codec.encode(event, self.now)
            self.stored.append(stored)
            fact = Fact(event.at, position, event)
            for tag in stored.tags:
                self._pending.setdefault(tag, []).append(fact)
            self._memory.add(fact, stored.tags)
            if not isinstance(event, AboutMessage):
                self._take_note(event)
        return position

    def _take_note(self, event: AnyEvent) -> None:
        """Note what a fact that is not about a message changes for the rest of the turn."""
        self.homes.forget()
        self.has_erased = self.has_erased or isinstance(event, UsagerErased)
        self._needs_changed = self._needs_changed or changes_needs(event)

    def presume_new(self, tags: Iterable[str]) -> None:
        """Say which tags are most likely carried by no fact yet."""
        self._look.presume_new(tags)

    def change_vault(self) -> Session:
        """Return the session that changes the vault together with the log. Raises `OvertakenError`."""
        return self._look.change_vault()

    def undo(self) -> None:
        """Take back what was to be written: memory forgets the subjects concerned."""
        self.facts.drop(self._pending)
        self.facts.drop(self._learned)

    def facts_tagged(self, tag: str) -> Iterator[Fact]:
        """Read all facts that carry a tag, without remembering them."""
        for _, position, data in self._look.by_tag([tag]):
            yield codec.decode_fact(data, position)

    def events_behind(self, position: int) -> Iterator[AnyEvent]:
        """Read what stands in the log behind a position, without remembering it."""
        while rows := self._look.facts_after(position, _PAGE):
            for position, data in rows:
                yield codec.decode(data, position).event
