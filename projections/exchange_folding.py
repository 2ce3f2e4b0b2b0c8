"""How facts become rows of exchange statistics: who the two ends of a message were at its time."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from huissier.domain.events import (
    DomainAdmitted,
    MailboxCreated,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    OperatorRegistered,
    StatisticsProduced,
)
from huissier.domain.identities import UNREADABLE_USAGER
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.times import FIRST, LAST
from huissier.projections.exchange_tables import ACCEPTED, EXTERNE, RECEIVED, REFUSED, USAGER, USAGER_TYPE, Tables
from huissier.projections.months import month_of
from huissier.projections.places import Named, Place, number_of, places_of, time_of
from huissier.projections.projection import Entry
from huissier.projections.rows import add_rows, rows_with

_MOST_REMEMBERED: Final = 200_000
_PSEUDONYM: Final = "usager:"


class _Stay(NamedTuple):
    """Between which times nothing changes about a domain: its name where it is held here, whether it is usagers'."""

    since: datetime
    until: datetime
    held: str | None
    of_usagers: bool


End = tuple[str, str, str | None]  # what is shown of an address, its type, and its domain where it is held here
_Spell = tuple[datetime, datetime, End]  # from when on and before when an address is that


class Known:
    """What the facts up to a position say of places, operators and mailboxes.

    It is read from the tables once and then kept up with the pages. Facts up to a position are the same whoever
    folded them, so it holds as long as pages follow each other; where they do not, it is read again.
    """

    def __init__(self, tables: Tables) -> None:
        """Know nothing yet."""
        self._tables = tables
        self._places: dict[str, Place] = {}
        self._operators: dict[str, str] = {}
        self._mailboxes: dict[str, tuple[str, datetime]] = {}  # (EXTERNE, never) where there is none
        self._stays: dict[str, _Stay] = {}
        self._ends: dict[str, _Spell] = {}
        self._files: dict[tuple[str, int], int] = {}
        self.until: int | None = None

    def learn(self, connection: Connection, page: Sequence[Entry]) -> None:
        """Read what is not known of a page's places and addresses as of its beginning; then it is being folded."""
        if self.until != page[0].position - 1 or len(self._ends) > _MOST_REMEMBERED:
            self._read(connection)
        self.until = None
        messages = [entry.event for entry in page if type(entry.event) is MessageDecided]
        addresses = {verdict.recipient for message in messages for verdict in message.verdicts}
        addresses.update([message.sender for message in messages])
        unknown = addresses.difference(self._ends).difference(self._mailboxes)
        held = [address for address in unknown if _domain(address) in self._places]
        self._mailboxes.update(dict.fromkeys(held, (EXTERNE, LAST)))
        for row in rows_with(connection, self._tables.mailboxes, "address", held):
            self.create(row.address, row.kind, time_of(row.since))

    def _read(self, connection: Connection) -> None:
        self._mailboxes.clear()
        self._stays.clear()
        self._ends.clear()
        self._places = places_of(connection.execute(sa.select(self._tables.domains)))
        self._operators = {row.operator: row.kind for row in connection.execute(sa.select(self._tables.operators))}
        files = connection.execute(sa.select(self._tables.files).order_by(self._tables.files.c.file))
        self._files = {(row.domain, row.month): row.file for row in files}

    def file(self, domain: str, month: int) -> int:
        """Return the number of a domain's month, the next one where it has none."""
        return self._files.setdefault((domain, month), len(self._files) + 1)

    def files_after(self, number: int) -> list[tuple[int, str, int]]:
        """Return the rows of the files that have a higher number."""
        return [(file, *name) for name, file in islice(self._files.items(), number, None)]

    @property
    def last_file(self) -> int:
        """The highest number."""
        return len(self._files)

    def create(self, address: str, kind: str, since: datetime) -> None:
        """Learn since when a mailbox is there; a late fact may say that it was earlier."""
        known = self._mailboxes.get(address)
        if known is None or since < known[1]:
            self._mailboxes[address] = (kind, since)
            self._ends.pop(address, None)

    def name(self, domain: str, fact: Named) -> None:
        """Learn what a fact said of a domain."""
        self._places.setdefault(domain, Place()).add(fact)
        self._stays.clear()
        self._ends.clear()

    def register(self, operator: str, kind: str) -> None:
        """Learn what kind an operator is of."""
        self._operators.setdefault(operator, kind)
        self._stays.clear()
        self._ends.clear()

    def end(self, address: str, at: datetime) -> End:
        """Say who an address was at a time."""
        spell = self._ends.get(address)
        if spell is None or not spell[0] <= at < spell[1]:
            spell = self._ends[address] = self._look_at(address, at)
        return spell[2]

    def _look_at(self, address: str, at: datetime) -> _Spell:
        domain = _domain(address)
        stay = self._stays.get(domain)
        if stay is None or not stay.since <= at < stay.until:
            stay = self._stays[domain] = self._stay(domain, at)
        if stay.of_usagers or address.startswith(_PSEUDONYM):  # whoever holds an INS is one, wherever the mailbox is
            return stay.since, stay.until, (USAGER, USAGER_TYPE, stay.held)
        if stay.held is None:
            return stay.since, stay.until, (address, EXTERNE, None)
        kind, created = self._mailboxes[address]
        if created > at:
            return stay.since, min(stay.until, created), (address, EXTERNE, stay.held)
        return max(stay.since, created), stay.until, (address, kind, stay.held)

    def _stay(self, domain: str, at: datetime) -> _Stay:
        place = self._places.get(domain)
        if place is None:
            return _Stay(FIRST, LAST, None, domain in (USAGERS_DOMAIN, UNREADABLE_USAGER))
        of_usagers = domain == USAGERS_DOMAIN or self._operators.get(place.operator_at(at) or "") == "usager"
        return _Stay(*place.unchanged_around(at), domain if place.is_hosted_at(at) else None, of_usagers)


def fold(known: Known, tables: Tables, connection: Connection, page: Sequence[Entry]) -> None:
    """Add the rows of a page, whose places and addresses are known."""
    last_file = known.last_file
    new: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in tables.metadata.tables.values()}
    for entry in page:
        event, position = entry.event, entry.position
        match event:
            case MessageDecided():
                new[tables.messages] += _rows(known, event, position)
            case MessageDelivered():
                new[tables.delivered].append((event.sent, event.recipient, position))
            case MessageUndelivered():
                new[tables.undelivered].append((event.id, event.recipient, position))
            case MailboxCreated():
                known.create(event.address, event.kind, event.at)
                new[tables.mailboxes].append((event.address, number_of(event.at), event.kind))
            case DomainAdmitted() if event.operator is not None or event.hosted is not None:
                known.name(event.domain, Named(event.at, position, event.operator, event.hosted))
                row = (event.domain, position, number_of(event.at), event.operator, event.hosted)
                new[tables.domains].append(row)
            case OperatorRegistered():
                known.register(event.operator, event.kind)
                new[tables.operators].append((event.operator, event.kind))
            case StatisticsProduced() if event.final:
                new[tables.produced].append((event.domain, event.month, position, event.position))
            case _:
                pass
    new[tables.files] += known.files_after(last_file)
    for table, rows in new.items():
        add_rows(connection, table, rows)


def _rows(known: Known, event: MessageDecided, position: int) -> list[tuple[Any, ...]]:
    """Return a message's rows: one a recipient, under each held domain at either end."""
    at = event.at
    month = month_of(at)
    accepted = RECEIVED if event.final_hop else ACCEPTED
    shown, sender_type, sender_domain = known.end(event.sender, at)
    rows = []
    for place, verdict in enumerate(event.verdicts):
        to = verdict.recipient
        _, recipient_type, domain = known.end(to, at)
        outcome = accepted if verdict.accepted else ACCEPTED if verdict.shadow else REFUSED
        for held in (sender_domain,) if domain == sender_domain else (sender_domain, domain):
            if held is not None:
                file = known.file(held, month)
                rows.append((file, position, place, to, event.id, shown, sender_type, recipient_type, outcome))
    return rows


def _domain(address: str) -> str:
    return address[address.rfind("@") + 1 :]
