"""Who the two ends of a message were at its time, and under which numbers they and its sort are kept."""

from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from huissier.domain.identities import UNREADABLE_USAGER
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import PSEUDONYM
from huissier.domain.vocabulary.times import FIRST, LAST
from huissier.projections.columns import moment_of
from huissier.projections.exchange_tables import EXTERNE, USAGER_TYPE, Tables
from huissier.projections.months import end_of, month_of, start_of
from huissier.projections.places import Named, Place, places_of
from huissier.projections.rows import rows_with

_MOST_REMEMBERED: Final = 200_000


class _Stay(NamedTuple):
    """A period in which nothing about a domain changes: its name where it is held here, whether it is usagers'."""

    since: datetime
    until: datetime
    held: str | None
    of_usagers: bool


_Mailbox = tuple[int, datetime]  # its type, and since when it exists
_NO_MAILBOX: Final[_Mailbox] = (EXTERNE, LAST)

End = tuple[int, int, str | None]  # an address's number, its type, and its domain where it is held here
_Spell = tuple[datetime, datetime, End]  # from when on and before when an address is such an end

_Sort = tuple[str, int, int, int]  # the domain a message is counted under, the types of its ends, what became of it
_Month = tuple[datetime, datetime, int, dict[_Sort, int]]  # from when on, before when, AAAAMM, and its sorts


class Ends:
    """What the facts up to a position say of addresses, places, operators and mailboxes.

    It is read from the tables once and then kept up with the pages. Facts up to a position are the same whoever
    folded them, so it holds as long as pages follow each other; where they do not, it is read again.
    """

    def __init__(self, tables: Tables) -> None:
        """Know nothing yet."""
        self._tables = tables
        self._places: dict[str, Place] = {}
        self._operators: dict[str, str] = {}
        self._mailboxes: dict[str, _Mailbox] = {}
        self._numbers: dict[str, int] = {}
        self._last_number = 0
        self._stays: dict[str, _Stay] = {}
        self._ends: dict[str, _Spell] = {}
        self._sorts: dict[int, dict[_Sort, int]] = {}  # by month
        self._last_sort = 0
        self._month: _Month = (LAST, FIRST, 0, {})  # that of the last message
        self._until: int | None = None
        self.new_addresses: list[tuple[str, int]] = []
        self.new_sorts: list[tuple[int, str, int, int, int, int]] = []

    def begin_page(self, connection: Connection, position: int) -> None:
        """Be up to date for a page that begins at a position; read the tables again unless the page before was seen."""
        most = max(len(self._numbers), len(self._mailboxes))
        if self._until != position - 1 or most > _MOST_REMEMBERED:
            self._read(connection)
        self._until = None
        self.new_addresses.clear()
        self.new_sorts.clear()

    def end_page(self, position: int) -> None:
        """Note that the page was folded up to a position."""
        self._until = position

    def learn(self, connection: Connection, addresses: set[str]) -> None:
        """Read what the tables have of addresses, and give a number to those that are new."""
        numbers = self._numbers
        for row in rows_with(connection, self._tables.addresses, "address", addresses.difference(numbers)):
            numbers[row.address] = row.number
        for address in sorted(addresses.difference(numbers)):
            self._last_number += 1
            numbers[address] = self._last_number
            self.new_addresses.append((address, self._last_number))
        held = [address for address in addresses.difference(self._mailboxes) if _domain(address) in self._places]
        self._mailboxes.update(dict.fromkeys(held, _NO_MAILBOX))
        for row in rows_with(connection, self._tables.mailboxes, "address", held):
            self.create(row.address, row.type, moment_of(row.since))

    def _read(self, connection: Connection) -> None:
        tables = self._tables
        for known in (self._mailboxes, self._numbers, self._stays, self._ends, self._sorts):
            known.clear()
        self._month = (LAST, FIRST, 0, {})
        self._places = places_of(connection.execute(sa.select(tables.domains)))
        self._operators = {row.operator: row.kind for row in connection.execute(sa.select(tables.operators))}
        self._last_number = connection.scalar(sa.select(sa.func.max(tables.addresses.c.number))) or 0
        self._last_sort = 0
        for sort, domain, month, *ends_and_outcome in connection.execute(sa.select(tables.sorts).order_by("sort")):
            self._sorts.setdefault(month, {})[(domain, *ends_and_outcome)] = self._last_sort = sort

    def number(self, address: str) -> int | None:
        """Return the number of an address, None where it has not been learnt."""
        return self._numbers.get(address)

    def sort(self, domain: str, sender_type: int, recipient_type: int, outcome: int, at: datetime) -> int:
        """Return the number that stands for a sort of messages in the month of a time; a new sort gets the next one."""
        since, until, month, sorts = self._month
        if not since <= at < until:
            month = month_of(at)
            sorts = self._sorts.setdefault(month, {})
            self._month = (start_of(month), end_of(month), month, sorts)
        sort = (domain, sender_type, recipient_type, outcome)
        number = sorts.get(sort)
        if number is None:
            number = sorts[sort] = self._last_sort = self._last_sort + 1
            self.new_sorts.append((number, domain, month, sender_type, recipient_type, outcome))
        return number

    def create(self, address: str, type_: int, since: datetime) -> None:
        """Learn since when a mailbox exists; a late fact may say that it was earlier."""
        if since < self._mailboxes.get(address, _NO_MAILBOX)[1]:
            self._mailboxes[address] = (type_, since)
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

    def end(self, address: str, at: datetime) -> End | None:
        """Say who an address was at a time, None where it has not been learnt."""
        spell = self._ends.get(address)
        if spell is not None and spell[0] <= at < spell[1]:
            return spell[2]
        domain = _domain(address)
        if address not in self._numbers or (domain in self._places and address not in self._mailboxes):
            return None
        spell = self._ends[address] = self._look_at(address, domain, at)
        return spell[2]

    def _look_at(self, address: str, domain: str, at: datetime) -> _Spell:
        number = self._numbers[address]
        stay = self._stays.get(domain)
        if stay is None or not stay.since <= at < stay.until:
            stay = self._stays[domain] = self._stay(domain, at)
        if stay.of_usagers or address.startswith(PSEUDONYM):  # whoever has an INS is a usager, wherever the mailbox is
            return stay.since, stay.until, (number, USAGER_TYPE, stay.held)
        if stay.held is None:
            return stay.since, stay.until, (number, EXTERNE, None)
        type_, created = self._mailboxes[address]
        if created > at:
            return stay.since, min(stay.until, created), (number, EXTERNE, stay.held)
        return max(stay.since, created), stay.until, (number, type_, stay.held)

    def _stay(self, domain: str, at: datetime) -> _Stay:
        place = self._places.get(domain)
        if place is None:
            return _Stay(FIRST, LAST, None, domain in (USAGERS_DOMAIN, UNREADABLE_USAGER))
        of_usagers = domain == USAGERS_DOMAIN or self._operators.get(place.operator_at(at) or "") == "usager"
        return _Stay(*place.unchanged_around(at), domain if place.is_hosted_at(at) else None, of_usagers)


def _domain(address: str) -> str:
    return address[address.rfind("@") + 1 :]
