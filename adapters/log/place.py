"""Where a store is, looked at before anything touches it."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from huissier.adapters.errors import StoreError
from huissier.adapters.log.dialects import Dialect, dialect_of
from huissier.adapters.log.schema import look_at_file, make_private_file


class Place:
    """A store's URL and dialect; for an embedded one also its file, None in memory, and whether it is new."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Look at the place without changing what is there. Raises `StoreError`."""
        self.url, self.dialect = _read_url(url)
        self.create = create
        self.is_embedded = self.dialect.name == "sqlite"
        self.in_memory = self.is_embedded and self.url.database in (None, ":memory:")
        self.path = Path(self.url.database or "") if self.is_embedded and not self.in_memory else None
        self.name = str(self.path or self.url.render_as_string(hide_password=True))
        self.is_new = self.in_memory
        if self.path is not None:
            self._look_at(self.path)
        elif self.in_memory and not create:
            raise StoreError("a store in memory is always a new one")

    def _look_at(self, path: Path) -> None:
        if not self.create and not path.exists():
            raise StoreError(f"there is no store at {path}")
        if path.exists() and not path.is_file():
            raise StoreError(f"the store {path} cannot be read: it is not a file")
        if self.create:
            make_private_file(path)
        self.is_new = not look_at_file(path)
        if self.is_new and not self.create:
            raise StoreError(f"there is no store in {path} yet")


def _read_url(text: str) -> tuple[sa.URL, Dialect]:
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("the store's URL cannot be read; write it like sqlite:///huissier.db") from None
    dialect = dialect_of(url)
    if dialect.name == "sqlite" and (url.query or url.host or url.database == ""):
        raise StoreError("an SQLite store's URL has a path and nothing else, like sqlite:///huissier.db")
    return url.set(drivername=dialect.driver), dialect
