"""The generations of a projection's tables: one is read, the next is built beside it, and the one before is kept.

On PostgreSQL a table cannot be dropped while it is read, so old tables wait for the next rebuild.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.adapters.views.database import ViewsDatabase, projections
from huissier.projections.projection import Projection

_GIVEN_UP: Final = 0  # the version of a generation without tables: no projection has it
_PATIENCE: Final = 1  # seconds for those who still read old tables; they can be dropped another time


class Generations:
    """The generations of one kind of projection, in one database."""

    def __init__(self, database: ViewsDatabase, kind: type[Projection]) -> None:
        """Look at nothing yet."""
        self._database = database
        self._kind = kind
        self._of_kind = projections.c.name == kind.name
        self._of_version = self._of_kind & (projections.c.version == kind.version)

    def live(self, connection: Connection) -> int | None:
        """Return the live generation, None where none of this version was ever finished."""
        found: int | None = connection.scalar(
            sa.select(projections.c.generation).where(self._of_version, projections.c.live)
        )
        return found

    def can_be_folded(self, generation: int) -> sa.ColumnElement[bool]:
        """Return the condition under which a row is that of a generation with its tables."""
        return self._of_version & (projections.c.generation == generation)

    def is_row(self, generation: int) -> sa.ColumnElement[bool]:
        """Return the condition under which a row is that of a generation."""
        return self._of_kind & (projections.c.generation == generation)

    def begin(self) -> int:
        """Make the tables of the next generation, in place of all that were begun and not finished."""
        with self._database.changing() as connection:
            generation = self._make(connection)
        self._drop_older(generation)
        return generation

    def join(self, oldest: int = 0) -> int:
        """Return the live generation or, without one, the one that somebody is or was building; otherwise begin one.

        `oldest`: generations begun before this one do not count.
        """
        with self._database.reading() as connection:
            newest = self._newest_live(connection)
        self._drop_older(newest)
        with self._database.changing() as connection:
            live = self.live(connection)
            if live is not None and live >= oldest:
                return live  # just finished
            building: int | None = connection.scalar(
                sa.select(sa.func.max(projections.c.generation)).where(
                    self._of_version,
                    projections.c.generation > self._newest_live(connection),
                    projections.c.generation >= oldest,
                )
            )
            return self._make(connection) if building is None else building

    def give_up(self, generation: int) -> None:
        """Drop the tables of a generation that cannot be finished, where another is live; what stopped it stays noted.

        Where none is live, whoever comes next goes on with it.
        """
        with self._database.changing() as connection:
            if self.live(connection) is not None:
                is_unfinished = self.is_row(generation) & ~projections.c.live
                given_up = connection.execute(sa.update(projections).where(is_unfinished).values(version=_GIVEN_UP))
                if given_up.rowcount:
                    self._tables_of(generation, connection).drop_all(connection)

    def stopped(self, connection: Connection, generation: int) -> str | None:
        """Return what stopped the last generation that was given up after this one, None where there is none."""
        later = self._of_kind & (projections.c.version == _GIVEN_UP) & (projections.c.generation > generation)
        found: str | None = connection.scalar(
            sa.select(projections.c.error).where(later).order_by(projections.c.generation.desc()).limit(1)
        )
        return found

    def go_live(self, generation: int, head: Callable[[], int]) -> bool:
        """Make a generation the live one, unless one that was begun later already is.

        False where it was dropped, or is behind the live one: nobody who has caught up may find less than before. A
        live one beyond the log's head was built from another log, and is replaced all the same.
        """
        with self._database.changing() as connection:
            newest = self._newest_live(connection)
            if newest < generation:
                position = self._position(connection, generation)
                if position is None or position < (self._position(connection, newest) or 0) <= head():
                    return False
                connection.execute(
                    sa.update(projections).where(self._of_kind).values(live=projections.c.generation == generation)
                )
            return True

    def _position(self, connection: Connection, generation: int) -> int | None:
        """Return how far a generation is, and lock it there for the rest of the transaction; None where it is gone."""
        row = sa.select(projections.c.position).where(self.is_row(generation)).with_for_update()
        found: int | None = connection.scalar(row)
        return found

    def _newest_live(self, connection: Connection) -> int:
        newest = sa.select(sa.func.max(projections.c.generation)).where(self._of_kind, projections.c.live)
        return connection.scalar(newest) or 0

    def _make(self, connection: Connection) -> int:
        last = connection.scalar(sa.select(sa.func.max(projections.c.generation)).where(self._of_kind)) or 0
        generation = last + 1
        self._kind(generation).metadata.create_all(connection)
        connection.execute(
            sa.insert(projections).values(
                name=self._kind.name, generation=generation, version=self._kind.version, live=False, position=0
            )
        )
        return generation

    def _drop_older(self, than: int) -> None:
        """Drop older generations that are not live; those that somebody still reads or fills are left for next time."""
        with self._database.reading() as connection:
            older = connection.scalars(
                sa.select(projections.c.generation).where(
                    self._of_kind, ~projections.c.live, projections.c.generation < than
                )
            ).all()
        for generation in older:
            with suppress(TemporarilyUnavailableError), self._database.changing(_PATIENCE) as connection:
                # The row first: whoever folds a page has locked it, and touches the tables after it. It stays where its
                # generation has gone live meanwhile.
                is_still_older = self.is_row(generation) & ~projections.c.live
                if connection.execute(sa.delete(projections).where(is_still_older)).rowcount:
                    self._tables_of(generation, connection).drop_all(connection)

    def _tables_of(self, generation: int, connection: Connection) -> sa.MetaData:
        """Return the tables as they exist: another version may have made others than this one would."""
        found = sa.MetaData()
        found.reflect(
            connection,
            only=lambda name, _: name.startswith(f"{self._kind.name}_") and name.endswith(f"_{generation}"),
            resolve_fks=False,
        )
        return found
