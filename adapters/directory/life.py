"""The life of a mailbox in sentences and as JSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from msgspec import Struct

from huissier.domain.events import (
    AnyEvent,
    CguSigned,
    DomainAdmitted,
    DomainWithdrawn,
    EnsClosed,
    EnsOpened,
    ListeRougeSet,
    MailboxCreated,
    MailboxDeleted,
    MailboxResumed,
    MailboxSuspended,
)
from huissier.domain.timeline import Fact
from huissier.projections.directory.as_of import Listed


class LifeFact(Struct, frozen=True):
    """One fact, with when it happened and where it stands in the log."""

    at: datetime
    position: int
    event: AnyEvent


class Life(Struct, frozen=True):
    """A mailbox and all that happened to it."""

    mailbox: Listed
    facts: tuple[LifeFact, ...]

    @classmethod
    def of(cls, listed: Listed, facts: Iterable[Fact]) -> Self:
        """Bring the facts into the form they are shown in."""
        return cls(listed, tuple(LifeFact(fact.at, fact.position, fact.event) for fact in facts))


def sentence(event: AnyEvent) -> str:
    """Return what happened to a mailbox, or to its domain, in words."""
    match event:
        case MailboxCreated():
            hidden = ", on the liste rouge" if event.liste_rouge else ""
            return f"created as {event.kind}{hidden}"
        case MailboxSuspended():
            return f"suspended{_because(event.motive)}"
        case MailboxResumed():
            return f"resumed{_because(event.motive)}"
        case MailboxDeleted():
            return f"deleted{_because(event.motive)}"
        case ListeRougeSet():
            return "put on the liste rouge" if event.liste_rouge else "taken off the liste rouge"
        case CguSigned():
            return f"CGU {event.version} of {event.operator} signed"
        case EnsOpened():
            return "espace numérique de santé opened"
        case EnsClosed():
            return "espace numérique de santé closed"
        case DomainAdmitted():
            operator = f", operator {event.operator}" if event.operator else ""
            hosted = {None: "", True: ", hosted here", False: ", not hosted here"}[event.hosted]
            return f"domain {event.domain} admitted{operator}{hosted}"
        case DomainWithdrawn():
            return f"domain {event.domain} withdrawn"
        case _:
            raise ValueError(f"{type(event).__name__} is no fact of a mailbox")


def _because(motive: str | None) -> str:
    return f": {motive}" if motive else ""
