"""Reading and appending through somebody else's recorder, whose exceptions never reach a caller.

A recorder's error message may hold a whole event, so only the name of the exception is passed on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBRecorder,
    DCBSequencedEvent,
)
from eventsourcing.persistence import IntegrityError

from huissier.adapters.errors import StoreError, TemporarilyUnavailableError

_NOTHING: Final = DCBQuery([DCBQueryItem(tags=["carried by no fact"])])


def events_in(
    recorder: DCBRecorder, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
) -> list[DCBSequencedEvent]:
    """Return the events that match. Raises `StoreError`."""
    with _failures_named(StoreError, "the log's recorder cannot be read"):
        return list(recorder.read(query, after=after, limit=limit))


def head_of(recorder: DCBRecorder) -> int:
    """Return the position of the last event, 0 without one, from a query that finds nothing and so reads no events.

    Raises `StoreError`.
    """
    with _failures_named(StoreError, "the log's recorder cannot be read"):
        response = recorder.read(_NOTHING)
        list(response)
        return response.head or 0


def append_behind(recorder: DCBRecorder, head: int, events: Sequence[DCBEvent]) -> int | None:
    """Append events unless anything stands behind the head; return the position of the last, None where something does.

    Raises `TemporarilyUnavailableError` where the recorder fails: it may have appended them all the same.
    """
    with _failures_named(
        TemporarilyUnavailableError, "the log's recorder did not confirm; asking again with the same id is safe"
    ):
        try:
            return recorder.append(events, DCBAppendCondition(DCBQuery(), after=head))
        except IntegrityError:
            return None


@contextmanager
def _failures_named(kind: type[StoreError], what: str) -> Iterator[None]:
    try:
        yield
    except Exception as problem:
        raise kind(f"{what} ({type(problem).__name__})") from None
