"""The tables of exchange statistics: rows are only ever added, at the end of their month."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Integer, SmallInteger, Table, Text

from huissier.projections.columns import BytewiseText

USAGER: Final = "usager"  # EX_PSU_5020

# Types as the tables keep them, by their places. EXTERNE is not, or not yet, a mailbox held here. Where an end of a
# pair has had several types, the last of them in this list is shown.
TYPES: Final = ("EXTERNE", "APP", "CAB", "ORG", "PER", "USAGER")
EXTERNE: Final = TYPES.index("EXTERNE")
USAGER_TYPE: Final = TYPES.index("USAGER")

REFUSED, ACCEPTED, RECEIVED = range(3)  # received: accepted at the final hop


class Tables:
    """The tables of a generation.

    `messages`, `delivered` and `undelivered` are what is counted: one row per recipient, and of reports the first of
    each kind. `sorts` numbers what many messages have in common, and `addresses` who is at their ends. `produced` says
    as of which position each month's file was counted; the others say what was held here when.
    """

    def __init__(self, generation: int) -> None:
        self.metadata = sa.MetaData()
        self._generation = generation
        self.sorts = self._table(
            "sorts",
            Column("sort", Integer, primary_key=True, autoincrement=False),
            Column("domain", BytewiseText, nullable=False),
            Column("month", Integer, nullable=False),
            Column("sender_type", SmallInteger, nullable=False),
            Column("recipient_type", SmallInteger, nullable=False),
            Column("outcome", SmallInteger, nullable=False),
        )
        self.addresses = self._table(
            "addresses",
            Column("address", BytewiseText, primary_key=True),
            Column("number", Integer, nullable=False, unique=True),
        )
        self.messages = self._table(
            "messages",
            Column("sort", Integer, primary_key=True, autoincrement=False),
            Column("position", BigInteger, primary_key=True, autoincrement=False),
            Column("place", Integer, primary_key=True, autoincrement=False),
            Column("sender", Integer, nullable=False),
            Column("recipient", Integer, nullable=False),
            Column("id", BytewiseText, nullable=False),
        )
        self.delivered = self._table(
            "delivered",
            Column("sent", BigInteger, primary_key=True, autoincrement=False),
            Column("recipient", Integer, primary_key=True, autoincrement=False),
            Column("position", BigInteger, nullable=False),
        )
        self.undelivered = self._table(
            "undelivered",
            Column("id", BytewiseText, primary_key=True),
            Column("recipient", Integer, primary_key=True, autoincrement=False),
            Column("position", BigInteger, nullable=False),
        )
        self.produced = self._table(
            "produced",
            Column("domain", BytewiseText, primary_key=True),
            Column("month", Integer, primary_key=True, autoincrement=False),
            Column("recorded", BigInteger, primary_key=True, autoincrement=False),
            Column("position", BigInteger, nullable=False),
        )
        self.domains = self._table(
            "domains",
            Column("domain", BytewiseText, primary_key=True),
            Column("position", BigInteger, primary_key=True, autoincrement=False),
            Column("at", BigInteger, nullable=False),
            Column("operator", Text),
            Column("hosted", Boolean),
        )
        self.operators = self._table(
            "operators", Column("operator", BytewiseText, primary_key=True), Column("kind", Text, nullable=False)
        )
        self.mailboxes = self._table(
            "mailboxes",
            Column("address", BytewiseText, primary_key=True),
            Column("since", BigInteger, primary_key=True, autoincrement=False),
            Column("type", SmallInteger, nullable=False),
        )

    def _table(self, name: str, *columns: Column[Any]) -> Table:
        return Table(f"exchanges_{name}_{self._generation}", self.metadata, *columns, sqlite_with_rowid=False)
