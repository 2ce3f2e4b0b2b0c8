"""How facts become rows of exchange statistics."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Table

from huissier.domain.events import (
    AnyEvent,
    DomainAdmitted,
    MailboxCreated,
    MessageDecided,
    MessageDelivered,
    OperatorRegistered,
    StatisticsProduced,
)
from huissier.domain.tags import AboutMessage
from huissier.projections.columns import micros
from huissier.projections.exchange_ends import Ends
from huissier.projections.exchange_tables import ACCEPTED, RECEIVED, REFUSED, TYPES, Tables
from huissier.projections.places import Named
from huissier.projections.projection import Entry
from huissier.projections.rows import add_rows

_MOST_WAITING: Final = 250  # as many as a processor's cache has room for

_Rows = dict[Table, list[tuple[Any, ...]]]


def fold(ends: Ends, tables: Tables, connection: Connection, page: Iterable[Entry]) -> None:
    """Add the rows of a page."""
    facts = iter(page)
    first = next(facts)
    ends.begin_page(connection, first.position)
    folding, last = _Folding(ends, tables, connection), first.position
    for entry in chain((first,), facts):
        last = entry.position
        folding.take(entry.event, last)
    folding.end()
    ends.end_page(last)


class _Folding:
    """One page: facts about messages wait where their addresses have not been learnt.

    The addresses are then looked up together, before anything changes that the rows depend on.
    """

    def __init__(self, ends: Ends, tables: Tables, connection: Connection) -> None:
        self._ends = ends
        self._tables = tables
        self._connection = connection
        self._rows: _Rows = {table: [] for table in tables.metadata.tables.values()}
        self._messages = self._rows[tables.messages]
        self._delivered = self._rows[tables.delivered]
        self._undelivered = self._rows[tables.undelivered]
        self._waiting: list[tuple[AboutMessage, int]] = []

    def take(self, event: AnyEvent, position: int) -> None:
        """Take a fact in."""
        if isinstance(event, AboutMessage):
            if not self._add(event, position):
                self._waiting.append((event, position))
                if len(self._waiting) >= _MOST_WAITING:
                    self._add_waiting()
        else:
            self._change(event, position)

    def end(self) -> None:
        """Add all rows to the tables."""
        self._add_waiting()
        self._rows[self._tables.addresses] += self._ends.new_addresses
        self._rows[self._tables.sorts] += self._ends.new_sorts
        for table, rows in self._rows.items():
            add_rows(self._connection, table, rows)

    def _add_waiting(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        self._ends.learn(self._connection, {address for event, _ in waiting for address in _addresses(event)})
        for event, position in waiting:
            self._add(event, position)

    def _add(self, event: AboutMessage, position: int) -> bool:
        """Add a fact's rows, or return False where its addresses have not been learnt."""
        if isinstance(event, MessageDecided):
            return self._add_message(event, position)
        recipient = self._ends.number(event.recipient)
        if recipient is None:
            return False
        if isinstance(event, MessageDelivered):
            self._delivered.append((event.sent, recipient, position))
        else:
            self._undelivered.append((event.id, recipient, position))
        return True

    def _add_message(self, event: MessageDecided, position: int) -> bool:
        """Add a message's rows: one per recipient and held domain at either end."""
        ends, at = self._ends, event.at
        if (end := ends.end(event.sender, at)) is None:
            return False
        sender, sender_type, sender_domain = end
        accepted = RECEIVED if event.final_hop else ACCEPTED
        rows = []
        for place, verdict in enumerate(event.verdicts):
            if (end := ends.end(verdict.recipient, at)) is None:
                return False
            recipient, recipient_type, domain = end
            outcome = accepted if verdict.accepted else ACCEPTED if verdict.shadow else REFUSED
            for held in (sender_domain,) if domain == sender_domain else (sender_domain, domain):
                if held is not None:
                    sort = ends.sort(held, sender_type, recipient_type, outcome, at)
                    rows.append((sort, position, place, sender, recipient, event.id))
        self._messages += rows
        return True

    def _change(self, event: AnyEvent, position: int) -> None:
        """Take in a fact that says who somebody is."""
        ends, tables = self._ends, self._tables
        match event:
            case MailboxCreated():
                self._add_waiting()
                type_ = TYPES.index(event.kind)
                ends.create(event.address, type_, event.at)
                self._rows[tables.mailboxes].append((event.address, micros(event.at), type_))
            case DomainAdmitted() if event.operator is not None or event.hosted is not None:
                self._add_waiting()
                ends.name(event.domain, Named(event.at, position, event.operator, event.hosted))
                row = (event.domain, position, micros(event.at), event.operator, event.hosted)
                self._rows[tables.domains].append(row)
            case OperatorRegistered():
                self._add_waiting()
                ends.register(event.operator, event.kind)
                self._rows[tables.operators].append((event.operator, event.kind))
            case StatisticsProduced() if event.final:
                self._rows[tables.produced].append((event.domain, event.month, position, event.position))
            case _:
                pass


def _addresses(event: AboutMessage) -> Iterator[str]:
    if isinstance(event, MessageDecided):
        yield event.sender
        yield from (verdict.recipient for verdict in event.verdicts)
    else:
        yield event.recipient
