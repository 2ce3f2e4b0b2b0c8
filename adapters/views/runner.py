"""The runner: folds the log into a projection's tables, one page per transaction, each fact exactly once."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Final, Generic, NoReturn, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection

from huissier.adapters.errors import CorruptStoreError, HuissierError, RefusedError, StoreError
from huissier.adapters.log.port import Log, Look, Progress
from huissier.adapters.views.database import ViewsDatabase, projections
from huissier.adapters.views.entries import entry_of
from huissier.adapters.views.generations import Generations
from huissier.projections.projection import Entry, Projection

PAGE: Final = 4_000
AT_ONCE: Final = 500  # facts read at once: as many as a processor's cache has room for

P = TypeVar("P", bound=Projection)


class ProjectionError(RefusedError):
    """A projection stopped at a fact it cannot fold; the message names the position. Others go on."""


class _DroppedError(Exception):
    """The tables are gone."""


class Standing(Struct, frozen=True):
    """Where a projection stands: `lag` in events behind the log's head, `error` what stopped it or its last rebuild."""

    name: str
    version: int
    generation: int
    position: int
    lag: int
    error: str | None


class _Page:
    """The facts that follow a position, read and decoded as they are taken."""

    def __init__(self, look: Look, after: int, size: int) -> None:
        self._look = look
        self._left = size
        self._rows: list[tuple[int, bytes]] = []
        self.head = look.head
        self.position = after
        self._last = b""
        self._read()

    def __bool__(self) -> bool:
        return bool(self._rows)

    def __iter__(self) -> Iterator[Entry]:
        while self._rows:
            for row in self._rows:
                yield entry_of(*row)
            self._read()

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the last fact that was read."""
        return _fingerprint(self._last)

    def _read(self) -> None:
        self._rows = self._look.facts_after(self.position, min(self._left, AT_ONCE)) if self._left else []
        if self._rows:
            self._left -= len(self._rows)
            self.position, self._last = self._rows[-1]


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

        Workers that build them at the same time build them together. `progress` is told the position and the log's head
        after each page. Raises `ProjectionError`.
        """
        while True:
            live = self._live_generation()
            generation = self._generations.join() if live is None else live
            if self._fold_all(generation, progress) and (live is not None or self._go_live(generation)):
                return

    def rebuild(self, progress: Progress | None = None) -> None:
        """Fold the whole log into fresh tables beside those that are read, then switch over. Raises `ProjectionError`.

        Readers go on meanwhile, and keep what they have begun to read. If somebody else begins a rebuild, these tables
        are dropped and both build the newer ones together. A rebuild that breaks off leaves no tables.
        """
        begun = generation = self._generations.begin()
        try:
            while not (self._fold_all(generation, progress) and self._go_live(generation)):
                generation = self._generations.join(generation)
        except ProjectionError:
            self._generations.give_up(generation)
            raise
        except BaseException:
            with suppress(StoreError):  # the store may be what broke it off
                self._generations.give_up(begun)  # somebody else's are left to them
            raise

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, P]]:
        """Look at the live tables in one consistent state. Raises `StoreError` where they were never built."""
        gone: int | None = None
        while True:
            with self._database.reading() as connection:
                generation = self._generations.live(connection)
                if generation is None:
                    raise StoreError(f"the projection {self._kind.name} was not built yet")
                projection = self._kind(generation)
                if self._database.keep(connection, projection.metadata):
                    yield connection, projection
                    return
                if generation == gone:
                    raise StoreError(f"the tables of the projection {self._kind.name} are missing; rebuild it")
                gone = generation

    def standing(self) -> Standing:
        """Say how far the live tables are, and what has stopped or will stop them."""
        with self._database.reading() as connection, self._looking() as look:
            row = connection.execute(
                sa.select(projections)
                .where(projections.c.name == self._kind.name)
                .order_by(projections.c.live.desc(), projections.c.generation.desc())
            ).first()
            if row is None:
                return Standing(self._kind.name, self._kind.version, 0, 0, look.head, None)
            stopped = self._generations.stopped(connection, row.generation)
            error = row.error or (None if stopped is None else f"its last rebuild failed: {stopped}")
            if not _is_same(look, row.position, row.fingerprint):
                error = self._of_another_log
        return Standing(row.name, row.version, row.generation, row.position, max(0, look.head - row.position), error)

    def _go_live(self, generation: int) -> bool:
        return self._generations.go_live(generation, self._head)

    def _head(self) -> int:
        with self._log.reading() as look:
            return look.head

    def _live_generation(self) -> int | None:
        with self._database.reading() as connection:
            return self._generations.live(connection)

    def _fold_all(self, generation: int, progress: Progress | None) -> bool:
        """Fold up to the log's head; False where the tables were dropped meanwhile, because of newer ones."""
        projection = self._kind(generation)
        singly = 0  # how many more facts are folded one per transaction
        while True:
            try:
                page = self._fold_page(projection, 1 if singly else self._page)
            except _DroppedError:
                return False
            except Exception as problem:
                if isinstance(problem, StoreError) and not isinstance(problem, CorruptStoreError):
                    raise  # nothing is wrong with the facts
                if singly:
                    self._stop(generation, problem)
                singly = self._page  # find out which fact of the page it is; those before it are folded
                projection = self._kind(generation)  # what this one remembers was perhaps never committed
            else:
                if page is None:
                    return True
                singly = max(0, singly - 1)
                if progress is not None:
                    progress(page.position, page.head)

    def _fold_page(self, projection: P, size: int) -> _Page | None:
        """Fold the next page and keep the position in the same transaction; None where there is nothing more."""
        with self._database.writing() as connection:
            row = connection.execute(
                sa.select(projections.c.position, projections.c.fingerprint)
                .where(self._generations.can_be_folded(projection.generation))
                .with_for_update()
            ).first()
            if row is None:
                raise _DroppedError
            with self._looking() as look:
                if not _is_same(look, row.position, row.fingerprint):
                    raise StoreError(self._of_another_log)
                page = _Page(look, row.position, size)
                if not page:
                    return None
                projection.fold(connection, page)
            connection.execute(
                sa.update(projections)
                .where(self._generations.is_row(projection.generation))
                .values(position=page.position, fingerprint=page.fingerprint, error=None)
            )
            return page

    @contextmanager
    def _looking(self) -> Iterator[Look]:
        """Look at the log while the tables are used, and tell the tables' errors from the log's."""
        with self._log.reading() as look, self._database.errors_named():
            yield look

    @property
    def _of_another_log(self) -> str:
        return f"the projection {self._kind.name} was built from another log; rebuild it"

    def _stop(self, generation: int, problem: Exception) -> NoReturn:
        """Note why the projection stopped. Raises `ProjectionError`."""
        with self._database.writing() as connection:
            position = connection.scalar(sa.select(projections.c.position).where(self._generations.is_row(generation)))
            reason = str(problem) if isinstance(problem, HuissierError) else type(problem).__name__
            error = f"the projection {self._kind.name} stopped at position {(position or 0) + 1}: {reason}"
            connection.execute(sa.update(projections).where(self._generations.is_row(generation)).values(error=error))
        raise ProjectionError(error) from problem


def _is_same(look: Look, position: int, fingerprint: str | None) -> bool:
    """Say whether the fact at a position is still the one that was folded."""
    if not position:
        return True
    rows = look.facts_after(position - 1, 1)
    return bool(rows) and _fingerprint(rows[0][1]) == fingerprint


def _fingerprint(data: bytes) -> str:
    return sha256(data).hexdigest()
