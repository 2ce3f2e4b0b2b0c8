"""Exchange statistics (EX_PSU_5020): what became of each message to or from a domain held here.

A row stands under each held domain at either end, and rows are only ever added, so that counts can be had as of any
position of the log: the file of a month that was over when it was produced is counted as of its position for ever,
whatever comes late.

A message that was let pass in shadow counts as accepted, for it was exchanged, and never as delivered, for the rules
know of no delivery of it.

No usager's address is shown, only the word `usager`, which is no address. Addresses on a domain that turns out later to
be usagers' are shown so from then on.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar, Final, NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import BigInteger, Connection

from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.projections.exchange_ends import Ends
from huissier.projections.exchange_folding import fold
from huissier.projections.exchange_tables import RECEIVED, REFUSED, TYPES, USAGER, USAGER_TYPE, Tables
from huissier.projections.months import end_of, start_of
from huissier.projections.places import places_of
from huissier.projections.projection import Entry, Projection
from huissier.projections.rows import among

_END: Final = 2**63 - 1  # no position is behind it
_ROWS: Final = 2_000  # fetched at once


class Exchange(NamedTuple):
    """What became of the messages of one month between a sender and a recipient.

    Types are `PER`, `ORG`, `APP`, `CAB`, `USAGER`, or `EXTERNE` for what is no mailbox held here. The address of a
    usager is the word `usager`; an address that could not be read is empty.
    """

    sender: str
    recipient: str
    sender_type: str
    recipient_type: str
    accepted: int
    refused: int
    delivered: int
    undelivered: int


class Totals(Struct, frozen=True):
    """What became of all messages of a domain and month."""

    domain: str
    month: int
    accepted: int
    refused: int
    delivered: int
    undelivered: int


class Exchanges(Projection):
    """Messages per held domain and month, and what was reported of them."""

    name: ClassVar[str] = "exchanges"
    version: ClassVar[int] = 3

    def __init__(self, generation: int) -> None:
        """Take the tables of a generation."""
        super().__init__(generation)
        self._tables = Tables(generation)
        self.metadata = self._tables.metadata
        self._ends = Ends(self._tables)

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        """Add a page's messages and reports."""
        fold(self._ends, self._tables, connection, page)

    def exchanges(self, connection: Connection, domain: str, month: int, position: int) -> Iterator[Exchange]:
        """Yield what became of a domain's messages of a month as of a position: a line per pair, in byte order.

        The database counts and sorts; nothing is held here.
        """
        usagers = self._numbers_on(connection, self._usagers_domains(connection, month, position))
        outcomes = self._outcomes(position, usagers).where(
            self._tables.sorts.c.domain == domain, self._tables.sorts.c.month == month
        )
        outcome = outcomes.subquery().c
        pairs = (
            sa.select(
                outcome.sender,
                outcome.recipient,
                sa.func.max(outcome.sender_type).label("sender_type"),
                sa.func.max(outcome.recipient_type).label("recipient_type"),
                *(_sum(outcome[name]).label(name) for name in _COUNTS),
            )
            .group_by(outcome.sender, outcome.recipient)
            .subquery()
        )
        senders, recipients = self._tables.addresses.alias(), self._tables.addresses.alias()
        shown = [sa.func.coalesce(end.c.address, USAGER) for end in (senders, recipients)]
        rows: Iterable[Any] = connection.execute(
            sa.select(*shown, *[column for column in pairs.c if column.name not in ("sender", "recipient")])
            .select_from(
                pairs.outerjoin(senders, senders.c.number == pairs.c.sender).outerjoin(
                    recipients, recipients.c.number == pairs.c.recipient
                )
            )
            .order_by(*shown),
            execution_options={"yield_per": _ROWS},
        )
        return (
            Exchange(sender, recipient, TYPES[sender_type], TYPES[recipient_type], *counts)
            for sender, recipient, sender_type, recipient_type, *counts in rows
        )

    def totals(self, connection: Connection, *, domain: str | None = None) -> list[Totals]:
        """Return what became of all messages, by domain and month."""
        outcomes = self._outcomes(_END)
        if domain is not None:
            outcomes = outcomes.where(self._tables.sorts.c.domain == domain)
        outcome = outcomes.subquery().c
        rows = connection.execute(
            sa.select(outcome.domain, outcome.month, *(_sum(outcome[name]) for name in _COUNTS))
            .group_by(outcome.domain, outcome.month)
            .order_by(outcome.domain, outcome.month)
        )
        return [Totals(*row) for row in rows]

    def verdicts_between(self, connection: Connection, domain: str, month: int, after: int, until: int) -> int:
        """Return how many verdicts of a domain's month stand after one position and up to another."""
        sort, sent = self._tables.sorts.c, self._tables.messages.c
        rows = sa.select(sa.func.count()).select_from(
            self._tables.sorts.join(self._tables.messages, sent.sort == sort.sort)
        )
        wanted = rows.where(sort.domain == domain, sort.month == month, sent.position > after, sent.position <= until)
        return connection.scalar(wanted) or 0

    def _usagers_domains(self, connection: Connection, month: int, position: int) -> list[str]:
        """Name the domains known at a position to have been usagers' in a month, even if that was known late.

        `patient.mssante.fr` is left out: everybody on it was always known to be a usager.
        """
        domains, operators = self._tables.domains, self._tables.operators
        usagers = set(connection.scalars(sa.select(operators.c.operator).where(operators.c.kind == "usager")))
        ever = sa.select(domains.c.domain).where(domains.c.operator.in_(usagers), domains.c.domain != USAGERS_DOMAIN)
        facts = sa.select(domains).where(domains.c.domain.in_(ever), domains.c.position <= position)
        places = places_of(connection.execute(facts))
        start, end = start_of(month), end_of(month)
        return [name for name, place in places.items() if usagers & place.operators_between(start, end)]

    def _outcomes(self, position: int, are_usagers: sa.Select[Any] | None = None) -> sa.Select[Any]:
        """Select each message to each recipient with what was known of it at a position.

        All usagers are one end without a number, also the addresses numbered in `are_usagers`, which were not known to
        be usagers' when their messages were decided. What was received stays received, whatever else is reported.
        """
        tables = self._tables
        sort, sent, delivered, undelivered = tables.sorts.c, tables.messages.c, tables.delivered.c, tables.undelivered.c
        joined = (
            tables.sorts.join(tables.messages, sent.sort == sort.sort)
            .outerjoin(
                tables.delivered,
                (delivered.sent == sent.position)
                & (delivered.recipient == sent.recipient)
                & (delivered.position <= position),
            )
            .outerjoin(
                tables.undelivered,
                (undelivered.id == sent.id)
                & (undelivered.recipient == sent.recipient)
                & (undelivered.position <= position),
            )
        )
        sender_type = _type(sort.sender_type, sent.sender, are_usagers)
        recipient_type = _type(sort.recipient_type, sent.recipient, are_usagers)
        received = (sort.outcome == RECEIVED) | delivered.position.is_not(None)
        columns: list[sa.ColumnElement[Any]] = [
            sort.domain,
            sort.month,
            sa.case((sender_type != USAGER_TYPE, sent.sender)).label("sender"),
            sender_type.label("sender_type"),
            sa.case((recipient_type != USAGER_TYPE, sent.recipient)).label("recipient"),
            recipient_type.label("recipient_type"),
            _number_of(sort.outcome != REFUSED, "accepted"),
            _number_of(sort.outcome == REFUSED, "refused"),
            _number_of(received, "delivered"),
            _number_of(undelivered.position.is_not(None) & ~received, "undelivered"),
        ]
        return sa.select(*columns).select_from(joined).where(sent.position <= position)

    def _numbers_on(self, connection: Connection, domains: Collection[str]) -> sa.Select[Any] | None:
        """Select the numbers of the addresses on some domains, None where there are no domains."""
        if not domains:
            return None
        addresses = self._tables.addresses.c
        place_of = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
        domain = sa.func.substr(addresses.address, place_of(addresses.address, "@") + 1)  # an address has one @ only
        return sa.select(addresses.number).where(among(connection, domain, domains))

    def hosted_in(self, connection: Connection, month: int) -> list[str]:
        """Name the domains that were held here for any part of a month."""
        places = places_of(connection.execute(sa.select(self._tables.domains)))
        start, end = start_of(month), end_of(month)
        return sorted(name for name, place in places.items() if place.is_hosted_between(start, end))

    def was_hosted(self, connection: Connection, domain: str) -> bool:
        """Say whether a domain was ever held here."""
        domains = self._tables.domains.c
        return bool(connection.scalar(sa.select(sa.exists().where(domains.domain == domain, domains.hosted))))

    def final_position(self, connection: Connection, domain: str, month: int) -> int | None:
        """Return the position as of which a domain's month is counted, None before its final file was produced."""
        produced = self._tables.produced.c
        last: int | None = connection.scalar(
            sa.select(produced.position)
            .where(produced.domain == domain, produced.month == month)
            .order_by(produced.recorded.desc())
            .limit(1)
        )
        return last


_COUNTS: Final = Totals.__struct_fields__[2:]


def _type(
    type_: sa.ColumnElement[int], end: sa.ColumnElement[int], usagers: sa.Select[Any] | None
) -> sa.ColumnElement[int]:
    return type_ if usagers is None else sa.case((end.in_(usagers), USAGER_TYPE), else_=type_)


def _number_of(condition: sa.ColumnElement[bool], name: str) -> sa.Label[int]:
    return sa.case((condition, 1), else_=0).label(name)


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(column), BigInteger)
