"""Exchange statistics (EX_PSU_5020): what became of each message to or from a domain held here.

A row stands under each held domain at either end, and rows are only ever added, so that counts can be had as of any
position of the log: the file of a month that was over when it was produced is counted as of its position for ever,
whatever comes late.

A message that was let pass in shadow counts as accepted, for it was exchanged, and never as delivered, for the rules
know of no delivery of it.

No usager's address is shown: it is the word `usager`, which no address is.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, SmallInteger, Table, Text

from huissier.domain.events import (
    DomainAdmitted,
    MailboxCreated,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    OperatorRegistered,
    StatisticsProduced,
)
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.projections.months import end_of, month_of, start_of
from huissier.projections.projection import Entry, Projection
from huissier.projections.rows import add_rows, rows_with

USAGER: Final = "usager"  # EX_PSU_5020
USAGER_TYPE: Final = "USAGER"
EXTERNE: Final = "EXTERNE"  # not, or not yet, a mailbox held here

_REFUSED, _ACCEPTED, _RECEIVED = range(3)  # received: accepted at the final hop
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_END: Final = 2**63 - 1  # no position is behind it
_ROWS: Final = 2_000  # fetched at once

_Word = Text().with_variant(Text(collation="C"), "postgresql")  # in the order of bytes, as SQLite has it


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


class _Tables:
    """The tables of a generation.

    `messages`, `delivered` and `undelivered` are what is counted: a row a recipient, the first report of each kind.
    `produced` says as of where the files of months were counted; the others what was held here when.
    """

    def __init__(self, generation: int) -> None:
        self.metadata = sa.MetaData()
        self._generation = generation
        self.messages = self._table(
            "messages",
            Column("domain", _Word, primary_key=True),
            Column("month", Integer, primary_key=True, autoincrement=False),
            Column("position", BigInteger, primary_key=True, autoincrement=False),
            Column("to", _Word, primary_key=True),
            Column("id", _Word, nullable=False),
            Column("sender", _Word, nullable=False),
            Column("sender_type", Text, nullable=False),
            Column("recipient_type", Text, nullable=False),
            Column("outcome", SmallInteger, nullable=False),
        )
        self.delivered = self._table(
            "delivered",
            Column("sent", BigInteger, primary_key=True, autoincrement=False),
            Column("to", _Word, primary_key=True),
            Column("position", BigInteger, nullable=False),
        )
        self.undelivered = self._table(
            "undelivered",
            Column("id", _Word, primary_key=True),
            Column("to", _Word, primary_key=True),
            Column("position", BigInteger, nullable=False),
        )
        self.produced = self._table(
            "produced",
            Column("domain", _Word, primary_key=True),
            Column("month", Integer, primary_key=True, autoincrement=False),
            Column("recorded", BigInteger, primary_key=True, autoincrement=False),
            Column("position", BigInteger, nullable=False),
        )
        self.domains = self._table(
            "domains",
            Column("domain", _Word, primary_key=True),
            Column("position", BigInteger, primary_key=True, autoincrement=False),
            Column("at", BigInteger, nullable=False),
            Column("operator", Text),
            Column("hosted", Boolean),
        )
        self.operators = self._table(
            "operators", Column("operator", _Word, primary_key=True), Column("kind", Text, nullable=False)
        )
        self.mailboxes = self._table(
            "mailboxes",
            Column("address", _Word, primary_key=True),
            Column("since", BigInteger, primary_key=True, autoincrement=False),
            Column("kind", Text, nullable=False),
        )

    def _table(self, name: str, *columns: Column[Any]) -> Table:
        return Table(f"exchanges_{name}_{self._generation}", self.metadata, *columns, sqlite_with_rowid=False)


class Exchanges(Projection):
    """Messages per held domain and month, and what was reported of them."""

    name: ClassVar[str] = "exchanges"
    version: ClassVar[int] = 2

    def __init__(self, generation: int) -> None:
        """Take the tables of a generation."""
        super().__init__(generation)
        self._tables = _Tables(generation)
        self.metadata = self._tables.metadata

    def fold(self, connection: Connection, page: Sequence[Entry]) -> None:
        """Add a page's messages and reports."""
        folding = _Folding(self._tables, connection)
        folding.learn(page)
        for entry in page:
            folding.take(entry)
        folding.write()

    def exchanges(self, connection: Connection, domain: str, month: int, position: int) -> Iterator[Exchange]:
        """Yield what became of a domain's messages of a month as of a position, a line a pair in the order of bytes.

        The database counts and sorts; nothing is held here.
        """
        outcomes = self._outcomes(position).where(
            self._tables.messages.c.domain == domain, self._tables.messages.c.month == month
        )
        outcome = outcomes.subquery().c
        rows: Iterable[Any] = connection.execute(
            sa.select(
                outcome.sender,
                outcome.recipient,
                sa.func.max(outcome.sender_type),
                sa.func.max(outcome.recipient_type),
                *(_sum(outcome[name]) for name in _COUNTS),
            )
            .group_by(outcome.sender, outcome.recipient)
            .order_by(outcome.sender, outcome.recipient),
            execution_options={"yield_per": _ROWS},
        )
        return (Exchange(row[0], row[1], row[2] or EXTERNE, row[3] or EXTERNE, *row[4:]) for row in rows)

    def totals(self, connection: Connection, *, domain: str | None = None) -> list[Totals]:
        """Return what became of all messages, by domain and month."""
        outcomes = self._outcomes(_END)
        if domain is not None:
            outcomes = outcomes.where(self._tables.messages.c.domain == domain)
        outcome = outcomes.subquery().c
        rows = connection.execute(
            sa.select(outcome.domain, outcome.month, *(_sum(outcome[name]) for name in _COUNTS))
            .group_by(outcome.domain, outcome.month)
            .order_by(outcome.domain, outcome.month)
        )
        return [Totals(*row) for row in rows]

    def _outcomes(self, position: int) -> sa.Select[Any]:
        """Select each message to each recipient with what was known of it at a position.

        What was received stays received, whatever else is reported.
        """
        sent, delivered, undelivered = self._tables.messages.c, self._tables.delivered.c, self._tables.undelivered.c
        joined = self._tables.messages.outerjoin(
            self._tables.delivered,
            (delivered.sent == sent.position) & (delivered.to == sent.to) & (delivered.position <= position),
        ).outerjoin(
            self._tables.undelivered,
            (undelivered.id == sent.id) & (undelivered.to == sent.to) & (undelivered.position <= position),
        )
        received = (sent.outcome == _RECEIVED) | delivered.position.is_not(None)
        columns: list[sa.ColumnElement[Any]] = [
            sent.domain,
            sent.month,
            sent.sender,
            sa.case((sent.recipient_type == USAGER_TYPE, USAGER), else_=sent.to).label("recipient"),
            sa.func.nullif(sent.sender_type, EXTERNE).label("sender_type"),
            sa.func.nullif(sent.recipient_type, EXTERNE).label("recipient_type"),
            _number_of(sent.outcome != _REFUSED, "accepted"),
            _number_of(sent.outcome == _REFUSED, "refused"),
            _number_of(received, "delivered"),
            _number_of(undelivered.position.is_not(None) & ~received, "undelivered"),
        ]
        return sa.select(*columns).select_from(joined).where(sent.position <= position)

    def hosted_in(self, connection: Connection, month: int) -> list[str]:
        """Name the domains that were held here for any part of a month."""
        places = _places(connection.execute(sa.select(self._tables.domains)))
        start, end = start_of(month), end_of(month)
        return sorted(name for name, place in places.items() if place.is_hosted_between(start, end))

    def final_position(self, connection: Connection, domain: str, month: int) -> int | None:
        """Return as of where a domain's month is counted since its file was produced, None where it is open."""
        produced = self._tables.produced.c
        last: int | None = connection.scalar(
            sa.select(produced.position)
            .where(produced.domain == domain, produced.month == month)
            .order_by(produced.recorded.desc())
            .limit(1)
        )
        return last


_COUNTS: Final = Totals.__struct_fields__[2:]


def _number_of(condition: sa.ColumnElement[bool], name: str) -> sa.Label[int]:
    return sa.case((condition, 1), else_=0).label(name)


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(column), BigInteger)


class _Named(NamedTuple):
    """What a fact said of a domain, with its place in time and in the log."""

    at: datetime
    position: int
    operator: str | None
    hosted: bool | None


class _Place:
    """A domain: who ran it when, and when it was held here."""

    def __init__(self) -> None:
        self.facts: list[_Named] = []

    def add(self, fact: _Named) -> None:
        insort(self.facts, fact, key=lambda known: known[:2])

    def operator_at(self, at: datetime) -> str | None:
        return next((fact.operator for fact in self._back_from(at) if fact.operator is not None), None)

    def is_hosted_at(self, at: datetime) -> bool:
        return next((fact.hosted for fact in self._back_from(at) if fact.hosted is not None), False)

    def is_hosted_between(self, start: datetime, end: datetime) -> bool:
        moments = (start, *(fact.at for fact in self.facts if start <= fact.at < end))
        return any(self.is_hosted_at(moment) for moment in moments)

    def _back_from(self, at: datetime) -> Iterator[_Named]:
        return (fact for fact in reversed(self.facts) if fact.at <= at)


class _End(NamedTuple):
    """What is shown of an address, its type, and its domain where it is held here, from a time to another."""

    shown: str
    type: str
    domain: str | None
    since: datetime = _ALWAYS
    until: datetime = _NEVER


_USAGER_ELSEWHERE: Final = _End(USAGER, USAGER_TYPE, None)


class _Folding:
    """One page: what it needs to know of the past, then the rows it adds.

    `ends` knows what is more than an address elsewhere.
    """

    def __init__(self, tables: _Tables, connection: Connection) -> None:
        self._tables = tables
        self._connection = connection
        self._places: dict[str, _Place] = {}
        self._operators: dict[str, str] = {}
        self._mailboxes: dict[str, tuple[str, datetime]] = {}
        self._ends: dict[str, _End] = {}
        self._addresses: dict[str, list[str]] = {}  # of the page, by domain
        self._new: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in tables.metadata.tables.values()}
        self._messages = self._new[tables.messages]

    def learn(self, page: Sequence[Entry]) -> None:
        """Read what was known of the page's addresses before it."""
        messages = [entry.event for entry in page if isinstance(entry.event, MessageDecided)]
        if not messages:
            return
        addresses = {event.sender for event in messages}
        addresses.update([verdict.recipient for event in messages for verdict in event.verdicts])
        for address in addresses:
            self._addresses.setdefault(_domain(address), []).append(address)
        tables, connection = self._tables, self._connection
        self._places = _places(rows_with(connection, tables.domains, "domain", self._addresses.keys()))
        self._operators = {row.operator: row.kind for row in connection.execute(sa.select(tables.operators))}
        held = [address for domain in self._places for address in self._addresses[domain]]
        for row in rows_with(connection, tables.mailboxes, "address", held):
            self._create(row.address, row.kind, _time(row.since))
        self._look_again()

    def take(self, entry: Entry) -> None:
        """Take in one fact."""
        event, tables = entry.event, self._tables
        match event:
            case MessageDecided():
                self._count(event, entry.position)
            case MessageDelivered():
                self._new[tables.delivered].append((event.sent, event.recipient, entry.position))
            case MessageUndelivered():
                self._new[tables.undelivered].append((event.id, event.recipient, entry.position))
            case DomainAdmitted() if event.operator is not None or event.hosted is not None:
                fact = _Named(event.at, entry.position, event.operator, event.hosted)
                self._places.setdefault(event.domain, _Place()).add(fact)
                self._look_again()
                row = (event.domain, entry.position, _number(event.at), event.operator, event.hosted)
                self._new[tables.domains].append(row)
            case OperatorRegistered():
                self._operators[event.operator] = event.kind
                self._look_again()
                self._new[tables.operators].append((event.operator, event.kind))
            case MailboxCreated():
                self._create(event.address, event.kind, event.at)
                self._look_at(event.address, event.at)
                self._new[tables.mailboxes].append((event.address, _number(event.at), event.kind))
            case StatisticsProduced() if event.final:
                self._new[tables.produced].append((event.domain, event.month, entry.position, event.position))
            case _:
                pass

    def write(self) -> None:
        """Add the rows."""
        for table, rows in self._new.items():
            add_rows(self._connection, table, rows)

    def _count(self, event: MessageDecided, position: int) -> None:
        at, id_, sender = event.at, event.id, event.sender
        month = month_of(at)
        accepted = _RECEIVED if event.final_hop else _ACCEPTED
        shown, sender_type, sender_domain = sender, EXTERNE, None
        if sender in self._ends:
            shown, sender_type, sender_domain, *_ = self._end(sender, at)
        for verdict in event.verdicts:
            to = verdict.recipient
            outcome = accepted if verdict.accepted else _ACCEPTED if verdict.shadow else _REFUSED
            recipient_type, domain = EXTERNE, None
            if to in self._ends:
                _, recipient_type, domain, *_ = self._end(to, at)
            rest = (month, position, to, id_, shown, sender_type, recipient_type, outcome)
            if sender_domain is not None:
                self._messages.append((sender_domain, *rest))
            if domain is not None and domain != sender_domain:
                self._messages.append((domain, *rest))

    def _create(self, address: str, kind: str, since: datetime) -> None:
        """Learn since when a mailbox is there; a late fact may say that it was earlier."""
        known = self._mailboxes.get(address)
        if known is None or since < known[1]:
            self._mailboxes[address] = (kind, since)

    def _look_again(self) -> None:
        """Look at all addresses, when something has changed about the places they are in."""
        self._ends.clear()
        for domain, addresses in self._addresses.items():
            if domain in self._places:
                for address in addresses:
                    self._look_at(address, _ALWAYS)
            else:
                usagers = [address for address in addresses if _is_usager(address, domain)]
                self._ends.update(dict.fromkeys(usagers, _USAGER_ELSEWHERE))

    def _end(self, address: str, at: datetime) -> _End:
        found = self._ends[address]
        return found if found.since <= at < found.until else self._look_at(address, at)

    def _look_at(self, address: str, at: datetime) -> _End:
        """Look at who an address in a known place was at a time, and between which times nothing changed about it."""
        domain = _domain(address)
        place = self._places.get(domain, _NOWHERE)
        kind, created = self._mailboxes.get(address, (EXTERNE, _NEVER))
        changes = [*(fact.at for fact in place.facts), created]
        since = max((change for change in changes if change <= at), default=_ALWAYS)
        until = min((change for change in changes if change > at), default=_NEVER)
        held = domain if place.is_hosted_at(at) else None
        if _is_usager(address, domain) or self._operators.get(place.operator_at(at) or "") == "usager":
            found = _End(USAGER, USAGER_TYPE, held, since, until)
        else:
            found = _End(address, kind if held and created <= at else EXTERNE, held, since, until)
        self._ends[address] = found
        return found


_NOWHERE: Final = _Place()


def _is_usager(address: str, domain: str) -> bool:
    """Say whether an address is a usager's whoever runs its domain; one that holds an INS is, wherever it is."""
    return domain == USAGERS_DOMAIN or MailboxAddress(address, domain).is_pseudonym


def _places(rows: Iterable[Any]) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    for row in rows:
        found.setdefault(row.domain, _Place()).add(_Named(_time(row.at), row.position, row.operator, row.hosted))
    return found


def _domain(address: str) -> str:
    return address[address.rfind("@") + 1 :]


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _time(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND
