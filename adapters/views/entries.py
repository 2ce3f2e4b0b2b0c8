"""A stored fact as projections take it."""

from huissier.adapters.log import codec
from huissier.projections.projection import Entry


def entry_of(position: int, data: bytes) -> Entry:
    """Return a stored fact with its place. Raises `CorruptStoreError`."""
    stored = codec.decode(data, position)
    return Entry(position, stored.recorded_at, stored.event)
