"""What the directory says as of a time, folded from its facts by the deciders' own `evolve`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property, reduce
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection

from huissier.domain import mailbox, trust_space
from huissier.domain.events import AnyEvent, MailboxCreated
from huissier.domain.mailbox import ACTIVE, Mailbox
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.timeline import Fact
from huissier.domain.trust_space import AdmittedDomain
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.projections.columns import micros
from huissier.projections.directory.facts import Directory
from huissier.projections.directory.search_key import folded, words
from huissier.projections.rows import among

PUBLISHED_KINDS: Final = frozenset({"PER", "ORG"})

_OF_HOLDER: Final = ("name", "rpps", "adeli", "finess", "service", "secteur")
_ROWS_AT_ONCE: Final = 2_000

_decode = msgspec.json.Decoder(AnyEvent).decode


class Listed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mailbox as the directory knows it at a time; a usager's stands under its opaque address.

    `since`: when it was created, a usager's when it was last opened. `local`: whether its domain was admitted and
    hosted here; `of_usagers`: whether it was a usagers' domain, whatever kind the mailbox is of. `cgu`: the version
    signed last among those of `operator`.
    """

    address: str
    kind: str
    status: str
    since: datetime
    status_since: datetime
    local: bool
    of_usagers: bool = False
    operator: str | None = None
    name: str | None = None
    rpps: str | None = None
    adeli: str | None = None
    finess: str | None = None
    service: str | None = None
    secteur: str | None = None
    liste_rouge: bool = False
    cgu: str | None = None

    @property
    def is_published(self) -> bool:
        """Whether the national directory shows it: in use, PER or ORG, no usagers', and not on the liste rouge."""
        in_use = self.local and self.status == ACTIVE
        return in_use and self.kind in PUBLISHED_KINDS and not (self.of_usagers or self.liste_rouge)


class AsOf:
    """The directory as it was at a time, that time included, knowing all that the log knows."""

    def __init__(self, directory: Directory, connection: Connection, at: datetime) -> None:
        """Look at the tables through a connection, which stays at one consistent state."""
        self._mailboxes = directory.mailboxes
        self._domains = directory.domains
        self._for_usagers = directory.for_usagers
        self._connection = connection
        self._at = micros(at)

    def search(self, texts: Iterable[str]) -> Iterator[Listed]:
        """Yield, by address, the mailboxes that match every text.

        A text is the beginning of an address, a domain, an RPPS, ADELI or FINESS number, or of a word of the name,
        the service or the address before the @; accents and case do not count.
        """
        found = sa.select(self._mailboxes.c.subject).where(*(self._matches(text) for text in texts))
        return self._listed(self._mailboxes.c.subject.in_(found))

    def all(self) -> Iterator[Listed]:
        """Yield all mailboxes by address, in constant memory."""
        return self._listed(sa.true())

    def at_addresses(self, addresses: Iterable[str]) -> dict[str, Listed]:
        """Return the mailboxes at some addresses, where there are any."""
        wanted = among(self._connection, self._mailboxes.c.subject, list(addresses))
        return {listed.address: listed for listed in self._listed(wanted)}

    def how_many(self) -> int:
        """Return how many mailboxes there are, at most."""
        created = self._mailboxes.c.search.is_not(None) & (self._mailboxes.c.at <= self._at)
        return self._connection.scalar(sa.select(sa.func.count()).where(created)) or 0

    def life(self, address: str) -> list[Fact]:
        """Return what happened to a mailbox, and what changed its domain's operator, admission or hosting, in order."""
        domain = MailboxAddress.of_fact(address).domain
        of_domain = map(_fact, self._rows(self._domains, self._domains.c.subject == domain))
        of_mailbox = map(_fact, self._rows(self._mailboxes, self._mailboxes.c.subject == address))
        return sorted((*of_mailbox, *_moves(of_domain)), key=attrgetter("at", "position"))

    @cached_property
    def domains(self) -> dict[str, AdmittedDomain]:
        """The domains of the trust space."""
        return {
            domain: reduce(trust_space.evolve, map(_fact, rows), trust_space.UNKNOWN)
            for domain, rows in groupby(self._rows(self._domains, sa.true()), key=attrgetter("subject"))
        }

    @cached_property
    def operators_for_usagers(self) -> frozenset[str]:
        """The operators whose domains are the usagers'."""
        return frozenset(self._connection.scalars(sa.select(self._for_usagers.c.operator)))

    def is_hosted(self, domain: str) -> bool:
        """Say whether a domain is admitted and its mailboxes are held here."""
        state = self.domains.get(domain, trust_space.UNKNOWN)
        return state.admitted and state.hosted

    def _matches(self, text: str) -> sa.ColumnElement[bool]:
        """Match one text whole or, where it has several words in it, word by word."""
        key = self._mailboxes.c.search
        whole = key.contains(f" {folded(text).lstrip('@')}", autoescape=True)
        each = [key.contains(f" {word}", autoescape=True) for word in words(text)]
        return sa.or_(whole, sa.and_(*each)) if each else whole

    def _listed(self, condition: sa.ColumnElement[bool]) -> Iterator[Listed]:
        for address, rows in groupby(self._rows(self._mailboxes, condition), key=attrgetter("subject")):
            if (listed := self._fold(address, map(_fact, rows))) is not None:
                yield listed

    def _rows(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> Iterator[Any]:
        """Read facts, those of one subject together and in the order they happened."""
        columns = table.c
        statement = (
            sa.select(columns.subject, columns.position, columns.event)
            .where(condition, columns.at <= self._at)
            .order_by(columns.subject, columns.at, columns.position)
        )
        with self._connection.execute(statement.execution_options(yield_per=_ROWS_AT_ONCE)) as rows:
            yield from rows

    def _fold(self, address: str, facts: Iterable[Fact]) -> Listed | None:
        """Fold one mailbox's facts, in order, to what the directory says of it."""
        state: Mailbox = mailbox.UNKNOWN
        status_since = None
        for fact in facts:
            before, state = state, mailbox.evolve(state, fact)
            if state.status != before.status:
                status_since = fact.at
        if state.since is None or status_since is None or state.status is None or state.kind is None:
            return None
        domain = MailboxAddress.of_fact(address).domain
        operator = self.domains.get(domain, trust_space.UNKNOWN).operator
        return Listed(
            address=address,
            kind=state.kind,
            status=state.status,
            since=state.since,
            status_since=status_since,
            local=self.is_hosted(domain),
            of_usagers=domain == USAGERS_DOMAIN or operator in self.operators_for_usagers,
            operator=operator,
            **_holder(state.created),
            liste_rouge=state.liste_rouge,
            cgu=next((signed.version for signed in reversed(state.signed) if signed.operator == operator), None),
        )


def _fact(row: Any) -> Fact:
    event: AnyEvent = _decode(row.event)
    return Fact(event.at, row.position, event)


def _holder(created: MailboxCreated | None) -> dict[str, Any]:
    """Return what is known of a mailbox's holder: nothing for a usager's."""
    return {} if created is None else {name: getattr(created, name) for name in _OF_HOLDER}


def _moves(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield the facts of a domain that changed its operator, or whether its mailboxes are local."""
    state = trust_space.UNKNOWN
    for fact in facts:
        before, state = state, trust_space.evolve(state, fact)
        if _place(before) != _place(state):
            yield fact


def _place(domain: AdmittedDomain) -> tuple[str | None, bool, bool]:
    return domain.operator, domain.admitted, domain.hosted
