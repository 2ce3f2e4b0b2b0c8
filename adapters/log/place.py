"""Where a store is, looked at before anything touches it."""

import os
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from huissier.adapters.errors import StoreError
from huissier.adapters.log import schema
from huissier.adapters.log.at_rest import FileState, reading_url
from huissier.adapters.log.dialects import Dialect, dialect_of
from huissier.adapters.log.file_in_use import FileInUse

_SECRET: Final = ("password", "sslpassword", "oauth_client_secret")  # among libpq's parameters in a URL's query


class Place:
    """A store's URL and dialect; for an embedded one also its file, None in memory, and whether it is new."""

    def __init__(
        self, url: str, *, create: bool = True, oldest: int = schema.SCHEMA_VERSION, read_only: bool = False
    ) -> None:
        """Look at the place without changing what is there. Raises `StoreError`.

        A store of a schema version before `oldest` is refused. `read_only` leaves no trace of being opened.
        """
        self.url, self.dialect = read_url(url)
        self.create = create and not read_only
        self._oldest = oldest
        self.is_embedded = self.dialect.name == "sqlite"
        self.in_memory = self.is_embedded and self.url.database in (None, ":memory:")
        self.path = Path(self.url.database or "") if self.is_embedded and not self.in_memory else None
        self.name = str(self.path or shown(self.url))
        self.is_new = self.in_memory
        self._state: FileState | None = None
        self._file: FileInUse | None = None
        if self.path is not None:
            try:
                self._file = FileInUse(self.path)
                self._look_at(self.path, read_only)
            except (OSError, ValueError) as problem:  # a name that is too long, or none
                why = getattr(problem, "strerror", None) or problem
                raise StoreError(f"the store {self.name!r} cannot be looked at: {why}") from None
            if read_only:
                self._state = FileState.of(self.path)
                self.url = reading_url(self.url, self.path, self._state)
        elif self.in_memory and not self.create:
            raise StoreError("a store in memory is always a new one")

    def check_version(self, version: int) -> None:
        """Refuse a store of a schema version that is not wanted here. Raises `StoreVersionError`."""
        schema.check_version(version, self.name, self._oldest)

    def check_undisturbed(self) -> None:
        """Raise `StoreError` where a file that was read without locks has been written to since."""
        if self.path is None or self._state is None or self._state.in_use:
            return
        if not self.path.exists() or FileState.of(self.path) != self._state:
            raise StoreError(f"{self.name} was opened by somebody else while it was read; try again")

    def check_still_there(self) -> None:
        """Raise `StoreError` where the file that was opened is no longer the one at its path."""
        if self._file is not None:
            self._file.check_still_there()

    def check_write_ahead_log(self) -> None:
        """Raise `StoreError` where the log beside the file is no longer the one that was noted."""
        if self._file is not None:
            self._file.check_write_ahead_log()

    def note_write_ahead_log(self) -> None:
        """Note which log is beside a file, once a connection has it open."""
        if self._file is not None:
            self._file.note_write_ahead_log()

    def _look_at(self, path: Path, read_only: bool) -> None:
        if not self.create and not path.exists():
            raise StoreError(f"there is no store at {path}")
        if path.exists() and not path.is_file():
            raise StoreError(f"the store {path} cannot be read: it is not a file")
        if not read_only and path.exists() and path.stat().st_nlink > 1:  # SQLite keeps its log beside one name only
            raise StoreError(
                f"the store {path} has several names (hard links), and facts would be lost; keep one, or copy it"
            )
        if self.create:
            schema.make_private_file(path)
        version = schema.look_at_file(path)
        # A journal beside it may mean that making it was cut short; SQLite restores what there was before.
        self.is_new = version is None or Path(f"{os.path.realpath(path)}-journal").exists()
        if version is not None:
            self.check_version(version)
        elif not self.create:
            raise StoreError(f"there is no store in {path} yet")


def shown(url: sa.URL) -> str:
    """Return a URL as it may be shown, without its secrets."""
    return url.difference_update_query(_SECRET).render_as_string(hide_password=True)


def read_url(text: str) -> tuple[sa.URL, Dialect]:
    """Read a store's URL, without looking at what it names. Raises `StoreError`."""
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("the store's URL cannot be read; write it like sqlite:///huissier.db") from None
    dialect = dialect_of(url)
    if dialect.name == "sqlite" and (url.query or url.host or url.database == "" or "?" in text):
        raise StoreError("an SQLite store's URL has a path and nothing else, like sqlite:///huissier.db")
    return url.set(drivername=dialect.driver), dialect
