"""From one schema version to the next: only on request, and all steps in one transaction."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import Final

import msgspec

from huissier.adapters.errors import CorruptStoreError, StoreError
from huissier.adapters.log import postgres_append
from huissier.adapters.log.dialects import Dialect, Postgresql
from huissier.adapters.log.place import Place
from huissier.adapters.log.schema import FIRST_VERSION, SCHEMA_VERSION, look_at_file, read_version, write_version
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store

_HEADER_SECONDS: Final = 5.0
_HEADER_PAUSE: Final = 0.05

Step = Callable[[Session, Dialect], None]


class Migrated(msgspec.Struct, frozen=True):
    """The schema version a store had and the one it has; they are equal where there was nothing to do."""

    before: int = msgspec.field(name="from")
    after: int = msgspec.field(name="to")


def _bring_the_append_function(session: Session, dialect: Dialect) -> None:
    """Create PostgreSQL's function for the pen in one round trip; SQLite needs none."""
    if isinstance(dialect, Postgresql):
        session.run(postgres_append.DEFINITION)


# The step to each version from the one before. A step is never changed, for stores have taken it already: one that
# turns out wrong is followed by another.
MIGRATIONS: Final[Mapping[int, Step]] = MappingProxyType({2: _bring_the_append_function})


def migrate(url: str) -> Migrated:
    """Bring a store to this huissier's schema version; a failure, also a crash, leaves it at the one it had.

    Safe while another process does the same. Raises `StoreError` for a newer, foreign or damaged store.
    """
    place = Place(url, create=False, oldest=FIRST_VERSION)
    with closing(Store(place, lambda _session, _is_new: None)) as store:
        with store.writing() as session:
            before = _migrate(session, place)
        if place.path is not None and not _write_header(store, place.path):
            raise StoreError(f"{place.name} is migrated, but in use: stop what uses it and migrate again to finish")
    return Migrated(before, SCHEMA_VERSION)


def _write_header(store: Store, path: Path) -> bool:
    """Bring the version from the write-ahead log into the file, where the next opening looks for it.

    Of several that do so at once, SQLite turns all but one away without waiting: hence the retries.
    """
    until = monotonic() + _HEADER_SECONDS
    while True:
        with store.without_transaction() as session:
            session.run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if look_at_file(path) == SCHEMA_VERSION:
            return True
        if monotonic() > until:
            return False
        sleep(_HEADER_PAUSE)


def _migrate(session: Session, place: Place) -> int:
    """Take the steps that are missing and return the version before them."""
    before = read_version(session, embedded=place.is_embedded) or 0
    place.check_version(before)  # another process may have come first
    if before < SCHEMA_VERSION:
        if place.is_embedded and session.scalar("PRAGMA quick_check(1)") != "ok":
            raise CorruptStoreError(f"{place.name} is damaged; it was left untouched")
        for version in range(before + 1, SCHEMA_VERSION + 1):
            MIGRATIONS[version](session, place.dialect)
        write_version(session, SCHEMA_VERSION, embedded=place.is_embedded)
    return before
