"""Stored facts as projections take them."""

from collections.abc import Iterable

from huissier.adapters.log import codec
from huissier.adapters.log.port import Look
from huissier.domain.events import MessageDecided
from huissier.domain.tags import submission_tag
from huissier.projections.projection import Entry


def entry_of(position: int, data: bytes) -> Entry:
    """Return a stored fact with its place. Raises `CorruptStoreError`."""
    stored = codec.decode(data, position)
    return Entry(position, stored.recorded_at, stored.event)


def decision_under(look: Look, ids: Iterable[str]) -> tuple[Entry, MessageDecided] | None:
    """Return the decision on a submission, by its id as facts may keep it; None where there is none."""
    for _, position, data in look.by_tag([submission_tag(id_) for id_ in ids]):
        entry = entry_of(position, data)
        if isinstance(entry.event, MessageDecided):
            return entry, entry.event
    return None
