"""Read models that count facts, and what they have seen."""

from collections.abc import Iterable
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import Connection

from huissier.adapters.views.runner import Runner
from huissier.domain.events import MessageDecided
from huissier.projections.projection import Entry, Projection


class Counted(Projection):
    """Counts events by type, and keeps each position: a fact folded twice breaks the key."""

    name: ClassVar[str] = "counted"
    version: ClassVar[int] = 1

    def __init__(self, generation: int) -> None:
        super().__init__(generation)
        self.seen = sa.Table(
            f"{self.name}_seen_{generation}",
            self.metadata,
            sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("type", sa.Text),
        )

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        connection.execute(
            sa.insert(self.seen), [{"position": entry.position, "type": type(entry.event).__name__} for entry in page]
        )


class Choosy(Counted):
    """Cannot fold the third message."""

    name: ClassVar[str] = "choosy"
    bad: ClassVar[str | None] = "m-2"

    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        facts = list(page)
        super().fold(connection, facts)
        if any(isinstance(entry.event, MessageDecided) and entry.event.id == self.bad for entry in facts):
            raise ValueError("m-2 is not to my taste")


def positions(runner: Runner[Any]) -> list[int]:
    with runner.reading() as (connection, counted):
        return list(connection.scalars(sa.select(counted.seen.c.position).order_by(counted.seen.c.position)))
