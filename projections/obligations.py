"""What operators, domains and mailboxes did, by subject: all that obligations rest on, as of any time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, LargeBinary

from huissier.domain.events import (
    AnyEvent,
    CguPublished,
    CguSigned,
    DomainAdmitted,
    DomainWithdrawn,
    EnsClosed,
    EnsOpened,
    InstrumentSigned,
    MailboxCreated,
    MailboxDeleted,
    MailboxResumed,
    MailboxSuspended,
    OperatorRegistered,
)
from huissier.domain.facts import new_timeline
from huissier.domain.mailbox import Mailbox
from huissier.domain.obligations import CguLacking, Host, InstrumentLacking, cgu_lacking, hosting, instruments_lacking
from huissier.domain.operator import UNKNOWN as NO_OPERATOR
from huissier.domain.operator import Operator
from huissier.domain.rule_set import RuleSet
from huissier.domain.tags import domain_tag, mailbox_tag, operator_tag, tags_of
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.trust_space import AdmittedDomain
from huissier.projections.columns import BytewiseText
from huissier.projections.projection import Entry, Projection
from huissier.projections.rows import add_rows

_ROWS: Final = 2_000  # fetched at once
_KINDS: Final = (
    OperatorRegistered
    | InstrumentSigned
    | CguPublished
    | DomainAdmitted
    | DomainWithdrawn
    | MailboxCreated
    | MailboxSuspended
    | MailboxResumed
    | MailboxDeleted
    | CguSigned
    | EnsOpened
    | EnsClosed
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyEvent).decode


class Obligations(Projection):
    """The facts of each operator, domain and mailbox, under the tag that names it."""

    name: ClassVar[str] = "obligations"
    version: ClassVar[int] = 1

    def __init__(self, generation: int) -> None:
        """Define the table of a generation."""
        super().__init__(generation)
        self.facts = sa.Table(
            f"obligations_facts_{generation}",
            self.metadata,
            Column("subject", BytewiseText, primary_key=True),
            Column("position", BigInteger, primary_key=True, autoincrement=False),
            Column("event", LargeBinary, nullable=False),
            sqlite_with_rowid=False,
        )

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        """Add a page's facts that obligations rest on."""
        rows = [
            (tags_of(entry.event)[0], entry.position, _encode(entry.event))
            for entry in page
            if isinstance(entry.event, _KINDS)
        ]
        add_rows(connection, self.facts, rows)

    def lacking(self, connection: Connection, rules: RuleSet, at: datetime) -> Iterator[InstrumentLacking | CguLacking]:
        """Yield what operators and then mailboxes' holders have not signed, as of a time, however many they are."""
        operators: dict[str, Timeline[Operator]] = dict(self._timelines(connection, operator_tag("")))
        domains: dict[str, Timeline[AdmittedDomain]] = dict(self._timelines(connection, domain_tag("")))
        hosts: dict[str, Host] = {}
        for name, hosted in sorted(hosting(domains, rules, at).items(), key=lambda item: item[0] or ""):
            operator = operators[name].as_of(at) if name in operators else NO_OPERATOR
            yield from instruments_lacking(name, operator, hosted, rules, at)
            if name is not None and operator.cgu:
                hosts.update((domain, Host(name, operator, since)) for domain, since in hosted.since_by_domain.items())
        if not hosts:
            return
        mailboxes: Iterator[tuple[str, Timeline[Mailbox]]] = self._timelines(connection, mailbox_tag(""))
        for address, mailbox in mailboxes:
            if (host := hosts.get(address.rpartition("@")[2])) is not None:
                found = cgu_lacking(address, mailbox, host, rules, at)
                if found is not None:
                    yield found

    def _timelines(self, connection: Connection, family: str) -> Iterator[tuple[str, Timeline[Any]]]:
        """Yield the subjects of a family with their facts, in the order of bytes."""
        facts = self.facts.c
        after = family[:-1] + chr(ord(family[-1]) + 1)
        rows = connection.execute(
            sa.select(self.facts)
            .where(facts.subject >= family, facts.subject < after)
            .order_by(facts.subject, facts.position),
            execution_options={"yield_per": _ROWS},
        )
        for subject, of_subject in groupby(rows, lambda row: row.subject):
            timeline = new_timeline(subject)
            for row in of_subject:
                event = _decode(row.event)
                timeline.add(Fact(event.at, row.position, event))
            yield subject.removeprefix(family), timeline
