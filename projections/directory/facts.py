"""The facts of mailboxes and of their domains, kept where they are found by address and by word.

Facts are only stored here, not folded: `AsOf` reads from these rows what was in force at a time. So a late fact is one
more row and moves nothing.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, ClassVar, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

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
    OperatorRegistered,
)
from huissier.projections.columns import BytewiseText, micros
from huissier.projections.directory.search_key import search_key
from huissier.projections.projection import Entry, Projection
from huissier.projections.rows import add_rows

_ADDRESS: Final[Callable[[Any], str]] = attrgetter("address")
_ADDRESS_OF: Final[dict[type, Callable[[Any], str]]] = {
    MailboxCreated: _ADDRESS,
    MailboxSuspended: _ADDRESS,
    MailboxResumed: _ADDRESS,
    MailboxDeleted: _ADDRESS,
    ListeRougeSet: _ADDRESS,
    CguSigned: attrgetter("mailbox"),
    EnsOpened: _ADDRESS,
    EnsClosed: _ADDRESS,
}

_encode = msgspec.json.Encoder().encode


class Directory(Projection):
    """One row per fact of a mailbox, per fact of a domain, and per operator for usagers."""

    name: ClassVar[str] = "directory"
    version: ClassVar[int] = 3

    def __init__(self, generation: int) -> None:
        """Define the tables of a generation."""
        super().__init__(generation)
        self.mailboxes = sa.Table(
            f"directory_mailboxes_{generation}",
            self.metadata,
            sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("subject", BytewiseText, nullable=False),
            sa.Column("at", sa.BigInteger, nullable=False),
            sa.Column("event", sa.Text, nullable=False),
            sa.Column("search", BytewiseText),
            sa.Index(f"directory_life_{generation}", "subject", "at", "position"),
        )
        self.domains = sa.Table(
            f"directory_domains_{generation}",
            self.metadata,
            sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("subject", BytewiseText, nullable=False, index=True),
            sa.Column("at", sa.BigInteger, nullable=False),
            sa.Column("event", sa.Text, nullable=False),
        )
        self.for_usagers = sa.Table(
            f"directory_for_usagers_{generation}", self.metadata, sa.Column("operator", BytewiseText, primary_key=True)
        )

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        """Keep each fact of a mailbox or a domain where it is found."""
        mailboxes: list[dict[str, object]] = []
        domains: list[dict[str, object]] = []
        for entry in page:
            event = entry.event
            if (address_of := _ADDRESS_OF.get(type(event))) is not None:
                mailboxes.append({**_row(entry, address_of(event)), "search": _search_key(event)})
            elif isinstance(event, DomainAdmitted | DomainWithdrawn):
                domains.append(_row(entry, event.domain))
            elif isinstance(event, OperatorRegistered) and event.kind == "usager":
                add_rows(connection, self.for_usagers, [(event.operator,)])
        if mailboxes:
            connection.execute(sa.insert(self.mailboxes), mailboxes)
        if domains:
            connection.execute(sa.insert(self.domains), domains)


def _row(entry: Entry, subject: str) -> dict[str, object]:
    return {
        "position": entry.position,
        "subject": subject,
        "at": micros(entry.event.at),
        "event": _encode(entry.event).decode(),
    }


def _search_key(event: AnyEvent) -> str | None:
    """Return what a mailbox is found by, from the fact that it began with."""
    if isinstance(event, MailboxCreated):
        local, _, domain = event.address.rpartition("@")
        identifiers = (event.rpps, event.adeli, event.finess)
        return search_key(
            (event.name, event.service, local),
            (event.address, domain, *(identifier and identifier.lower() for identifier in identifiers)),
        )
    if isinstance(event, EnsOpened):
        return search_key((), (event.address, event.address.rpartition("@")[2]))
    return None
