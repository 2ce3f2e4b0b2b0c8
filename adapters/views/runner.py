"""The runner: folds the log into a projection's tables, a page a transaction, each fact exactly once."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Final, Generic, NamedTuple, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection

from huissier.adapters.errors import CorruptStoreError, HuissierError, StoreError
from huissier.adapters.log.port import Log, Progress
from huissier.adapters.views.database import ViewsDatabase, projections
from huissier.adapters.views.entries import entry_of
from huissier.adapters.views.generations import Generations
from huissier.projections.projection import Projection

PAGE: Final = 4_000

P = TypeVar("P", bound=Projection)


class ProjectionError(HuissierError):
    """A projection stopped at a fact it cannot fold; the message names the position. Others go on."""


class _DroppedError(Exception):
    """The tables are gone."""


class Standing(Struct, frozen=True):
    """Where a projection stands: `lag` in events behind the log's head, `error` what stopped it."""

    name: str
    version: int
    generation: int
    position: int
    lag: int
    error: str | None


class _Page(NamedTuple):
    rows: list[tuple[int, bytes]]
    position: int
    fingerprint: str
    head: int


class Runner(Generic[P]):
    """Keeps one projection up with the log. Several workers, in one process or many, may run at once."""

    def __init__(self, log: Log, database: ViewsDatabase, kind: type[P], page: int = PAGE) -> None:
        """Run a kind of projection over a log; `page` is how many facts go into one transaction."""
        self._log = log
        self._database = database
        self._kind = kind
        self._generations = Generations(database, kind)
        self._page = page

    def catch_up(self, progress: Progress | None = None) -> None:
        """Fold what the log has and the tables have not, building them where they are missing or of another version.

        Those who build them at the same time build them together. `progress` is told the position and the log's head
        after each page. Raises `ProjectionError`.
        """
        while True:
            live = self._live_generation()
            generation = self._generations.join() if live is None else live
            if self._fold_all(generation, progress):
                if live is None:
                    self._generations.go_live(generation)
                return

    def rebuild(self, progress: Progress | None = None) -> None:
        """Fold the whole log into fresh tables beside those that are read, then switch over. Raises `ProjectionError`.

        Readers go on meanwhile, and keep what they have begun to read.
        """
        generation = self._generations.begin()
        if self._fold_all(generation, progress):
            self._generations.go_live(generation)

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, P]]:
        """Look at the live tables in one consistent state. Raises `StoreError` where they were never built."""
        with self._database.reading() as connection:
            generation = self._generations.live(connection)
            if generation is None:
                raise StoreError(f"the projection {self._kind.name} was not built yet")
            yield connection, self._kind(generation)

    def standing(self) -> Standing:
        """Say how far the live tables are, and what stopped them."""
        with self._log.reading() as look:
            head = look.head
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(projections)
                .where(projections.c.name == self._kind.name)
                .order_by(projections.c.live.desc(), projections.c.generation.desc())
            ).first()
        if row is None:
            return Standing(self._kind.name, self._kind.version, 0, 0, head, None)
        return Standing(row.name, row.version, row.generation, row.position, max(0, head - row.position), row.error)

    def _live_generation(self) -> int | None:
        with self._database.reading() as connection:
            return self._generations.live(connection)

    def _fold_all(self, generation: int, progress: Progress | None) -> bool:
        """Fold up to the log's head; False where the tables were dropped meanwhile, because newer ones are read."""
        projection = self._kind(generation)
        size = self._page
        while True:
            try:
                page = self._fold_page(projection, size)
            except _DroppedError:
                return False
            except Exception as problem:
                if isinstance(problem, StoreError) and not isinstance(problem, CorruptStoreError):
                    raise  # nothing is wrong with the facts
                if size > 1:
                    size = 1  # find out which fact it is; those before it are folded
                    continue
                self._stop(generation, problem)
            else:
                if page is None:
                    return True
                if progress is not None:
                    progress(page.position, page.head)

    def _fold_page(self, projection: P, size: int) -> _Page | None:
        """Fold the next page and keep the position in the same transaction; None where there is nothing more."""
        with self._database.writing() as connection:
            row = connection.execute(
                sa.select(projections.c.position, projections.c.fingerprint)
                .where(self._generations.is_row(projection.generation))
                .with_for_update()
            ).first()
            if row is None:
                raise _DroppedError
            page = self._read_page(row.position, row.fingerprint, size)
            if page is None:
                return None
            projection.fold(connection, (entry_of(*row) for row in page.rows))
            connection.execute(
                sa.update(projections)
                .where(self._generations.is_row(projection.generation))
                .values(position=page.position, fingerprint=page.fingerprint, error=None)
            )
            return page

    def _read_page(self, position: int, fingerprint: str | None, size: int) -> _Page | None:
        """Read what follows a position, after making sure that the fact at the position is still the same."""
        with self._log.reading() as look:
            rows = look.facts_after(max(0, position - 1), size + 1)
            head = look.head
        if position:
            if not rows or _fingerprint(rows[0][1]) != fingerprint:
                raise StoreError(f"the projection {self._kind.name} was built from another log; rebuild it")
            rows = rows[1:]
        rows = rows[:size]
        if not rows:
            return None
        return _Page(rows, rows[-1][0], _fingerprint(rows[-1][1]), head)

    def _stop(self, generation: int, problem: Exception) -> None:
        """Keep why the projection stopped, and say it. Raises `ProjectionError`."""
        with self._database.writing() as connection:
            position = connection.scalar(sa.select(projections.c.position).where(self._generations.is_row(generation)))
            reason = str(problem) if isinstance(problem, HuissierError) else type(problem).__name__
            error = f"the projection {self._kind.name} stopped at position {(position or 0) + 1}: {reason}"
            connection.execute(sa.update(projections).where(self._generations.is_row(generation)).values(error=error))
        raise ProjectionError(error) from problem


def _fingerprint(data: bytes) -> str:
    return sha256(data).hexdigest()
