"""The leaves of a store that is read as it lies: a copy will do, without its vault's key, and nothing is changed.

Decisions find facts through the index of tags, so whoever changes a row there changes what they see as surely as with
an event: the index is compared with the events on the way.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing

from huissier.adapters.errors import StoreError
from huissier.adapters.evidence.checkpoint import Head
from huissier.adapters.evidence.kept import kept_beside
from huissier.adapters.evidence.leaf import leaf_of_row
from huissier.adapters.evidence.verifying import Kept, Leaf, LogVerifier, Verified, verified
from huissier.adapters.integrity.findings import Findings
from huissier.adapters.integrity.log_rows import LogRows, Row
from huissier.adapters.integrity.tag_index import TagIndex, read_tags
from huissier.adapters.log.claim import log_is_elsewhere
from huissier.adapters.log.place import Place
from huissier.adapters.log.port import Progress
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store


def verify_store(url: str, heads: Iterable[Head], progress: Progress = lambda _done, _of: None) -> Verified:
    """Hash the whole log of a store, and compare it with checkpoints' heads and with its own index of tags.

    `progress` is told the position read and the last one. Raises `StoreError` where it cannot be read.
    """
    place = Place(url, read_only=True)
    try:
        with closing(Store(place, _as_it_is)) as store, store.reading() as session, kept_beside(place) as kept:
            if log_is_elsewhere(session):
                raise StoreError("the log of this store is elsewhere: verify it from Python with its recorder")
            return verify_log(session, heads, kept, progress)
    finally:
        place.check_undisturbed()


def verify_log(session: Session, heads: Iterable[Head], kept: Kept, progress: Progress) -> Verified:
    """Hash the whole log that a session sees, as `verify_store` does; `kept` are the leaf hashes kept beside it."""
    findings = Findings()
    rows = LogRows(session)
    index = TagIndex(session, rows, findings)
    verifier = LogVerifier(heads, findings, kept)
    verifier.take_in(_leaves(rows, index), lambda done: progress(done, rows.head))
    verifier.end()
    index.end()
    return verified(verifier, findings)


def _leaves(rows: LogRows, index: TagIndex) -> Iterator[Leaf]:
    for page in rows.pages():
        for row in page:
            yield row.position, _leaf(row, index)


def _leaf(row: Row, index: TagIndex) -> bytes | None:
    """Return a row's leaf and have the index expect its tags; None for a row that a log cannot have."""
    tags = read_tags(row.tags)
    index.expect(tags or (), row.type, row.position)
    return leaf_of_row(row.type, tags, row.data)


def _as_it_is(_session: Session, _is_new: bool) -> None:
    """Prepare nothing: what is wrong is to be found."""
