"""The log of a store, or of a copy, opened to be read only: without the vault's key, and without a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from huissier.adapters.errors import StoreError
from huissier.adapters.log.claim import log_is_elsewhere
from huissier.adapters.log.pen import Reading
from huissier.adapters.log.place import Place
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store


class ReadOnlyLog:
    """The log of a store that is not opened for anything else."""

    def __init__(self, url: str) -> None:
        """Look at a store. Raises `StoreError`."""
        self.place = Place(url, read_only=True)
        self._store = Store(self.place, _refuse_elsewhere)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Look at the log in one consistent state. Raises `StoreError`, also where a file was written to meanwhile."""
        with self._store.reading() as session:
            yield Reading(session)
        self.place.check_undisturbed()


def _refuse_elsewhere(session: Session, _is_new: bool) -> None:
    if log_is_elsewhere(session):
        raise StoreError("the log of this store is elsewhere and is read from there")
