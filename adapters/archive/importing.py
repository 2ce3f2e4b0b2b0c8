"""An archive read back into a store: the same positions, bytes and tags, and so the same leaves and root.

The store then has a log and no vault: an archive says who wrote to whom under opaque ids, and nobody can tell any more
whose they are. It can be looked at, replayed and counted. Nothing is decided on it, for whoever wrote before would be
taken for a stranger. So only a new store, or one that was made like this, is written to.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.archive.reading import Archive
from huissier.adapters.errors import CorruptStoreError, RefusedError, StoreError
from huissier.adapters.evidence.leaf import in_order
from huissier.adapters.log import codec
from huissier.adapters.log.claim import check_claim, mark_without_vault, vault_is_elsewhere
from huissier.adapters.log.place import Place
from huissier.adapters.log.port import Progress, Whole
from huissier.adapters.log.recorder import SqlRecorder
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store
from huissier.adapters.vault import Vault, load_key
from huissier.domain.tags import tags_of

ROWS_AT_ONCE: Final = 10_000


class Imported(msgspec.Struct, frozen=True):
    """How many events the log has, and how many were there before."""

    events: int
    before: int


def import_archive(
    folder: Path,
    url: str,
    *,
    environment: Mapping[str, str] = os.environ,
    progress: Progress = lambda _done, _of: None,
) -> Imported:
    """Bring a store's log to what an archive holds; an import that broke off goes on where it was.

    Raises `StoreError` for a store with a vault of its own, `RefusedError` where its log is not the archive's
    beginning, and `DamagedArchiveError`. Whether the archive is what was signed is not checked here: see
    `verify_archive`.
    """
    archive = Archive(folder)
    head = archive.head
    place = Place(url)
    vault = Vault(load_key(place, environment))

    def prepare(session: Session, is_new: bool) -> None:
        vault.adopt(session, is_new)
        check_claim(session, is_new, None)
        if is_new:
            mark_without_vault(session)
        elif not vault_is_elsewhere(session):
            raise StoreError(f"{place.name} has a vault of its own: import into a new store")

    with closing(Store(place, prepare)) as store:
        recorder = SqlRecorder(store)
        rows = (_as_stored(row) for page in archive.pages() for row in page)
        before = _compare(recorder, rows, head)
        done = before
        while page := list(islice(rows, ROWS_AT_ONCE)):
            done = _append(recorder, done, page)
            progress(done, head)
    return Imported(done, before)


def _compare(recorder: SqlRecorder, rows: Iterator[Whole], head: int) -> int:
    """Make sure that the archive begins with the log; return the log's last position, up to which rows are taken."""
    with recorder.reading() as look:
        if look.head > head:
            raise RefusedError(f"the store has {look.head} events, and the archive {head}")
        done = 0
        while found := look.whole_after(done, ROWS_AT_ONCE):
            for ours, theirs in zip(found, islice(rows, len(found)), strict=True):
                if ours != theirs:
                    raise RefusedError(f"the event at position {theirs[0]} of the store is not the archive's")
            done = found[-1][0]
        return done


def _as_stored(row: Whole) -> Whole:
    """Return a row with its tags in the order in which a log has them, which an archive does not keep."""
    position, kind, data, tags = row
    try:
        own = tags_of(codec.decode(data, position).event)
    except CorruptStoreError:
        return row
    return (position, kind, data, own) if in_order(own) == tags else row


def _append(recorder: SqlRecorder, done: int, rows: Iterable[Whole]) -> int:
    with recorder.pen() as pen:
        if pen.head != done:
            raise StoreError("somebody else wrote to the store while it was imported to")
        return pen.append([DCBEvent(type=kind, data=data, tags=tags) for _, kind, data, tags in rows])
