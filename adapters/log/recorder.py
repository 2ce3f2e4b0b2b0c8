"""`SqlRecorder`: the log as a `DCBRecorder` over SQLAlchemy Core, and the pen that decides inside its transaction.

Whoever holds the pen is the only writer: the head it reads stays the head until it commits, so positions have no
gaps and stand in commit order.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from typing import Final, TypeVar

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
    DCBSubscription,
)
from eventsourcing.persistence import IntegrityError, ProgrammingError

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log.bell import Bell
from huissier.adapters.log.pen import HEAD, HopefulPen, Reading, SqlPen, check_follows, decode_tags
from huissier.adapters.log.port import Pen
from huissier.adapters.log.queries import select_matching
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store

PAGE: Final = 1000
_POLL_SECONDS: Final = 0.2

_P = TypeVar("_P", SqlPen, HopefulPen)


class SqlRecorder(DCBRecorder):
    """The log of one store. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        """Record into an open store."""
        self._store = store
        self.appended = Bell()
        self._undisturbed = False

    def pens(self, seen: int) -> Iterator[AbstractContextManager[Pen]]:
        """Yield ways to write; on a server first a hopeful pen, without a transaction if nobody else wrote lately."""
        if self._store.appends_in_one_trip:
            yield self._unlocked_pen(seen) if self._undisturbed else self._pen(seen, HopefulPen)
        yield self.pen(seen)

    @contextmanager
    def _unlocked_pen(self, seen: int) -> Iterator[HopefulPen]:
        with self._store.without_transaction() as session:
            pen = HopefulPen(session, seen)
            yield pen
        self._ring_after(seen, pen.head)

    def pen(self, seen: int | None = None) -> AbstractContextManager[SqlPen]:
        """Hold the pen; what was written is durable when the block ends without an exception.

        `seen`: the last position the caller has read, by which it is known whether somebody else wrote.
        """
        return self._pen(seen, SqlPen)

    @contextmanager
    def _pen(self, seen: int | None, kind: type[_P]) -> Iterator[_P]:
        with self._store.writing_after(HEAD) as (session, found):
            before = found or 0
            self._undisturbed = before == seen
            pen = kind(session, before)
            yield pen
        self._ring_after(before, pen.head)

    def _ring_after(self, before: int, head: int) -> None:
        if head > before:
            self.appended.ring()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Look at the log in one consistent state; writers go on meanwhile where the database lets them."""
        with self._store.reading() as session:
            yield Reading(session, goes_on=self._store.shows_what_comes)

    @contextmanager
    def glancing(self) -> Iterator[Reading]:
        """Do as `reading` for one thread at a time. Raises `TemporarilyUnavailableError` instead of waiting."""
        with self._store.glancing() as session:
            yield Reading(session)

    def append(self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
        """Append events unless the condition fails; return the position of the last. Raises `IntegrityError`."""
        if not events:
            raise ProgrammingError("append needs one event at least")
        with self.pen() as pen:
            if condition is not None and _matches(pen.session, condition):
                raise IntegrityError("an event stands in the log that the condition forbids")
            return pen.append(events)

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """Return the events that match, a page at a time, up to the head there was when this was called."""
        if limit is not None and limit < 0:
            raise ValueError("limit must be 0 at least")
        with self.reading() as look:
            head = look.head
        return _ReadResponse(self, query or DCBQuery(), after or 0, head, limit)

    def page(self, query: DCBQuery, after: int, head: int, limit: int) -> list[DCBSequencedEvent]:
        """Return at most `limit` matching events with after < position <= head. Raises `CorruptStoreError`."""
        with self._store.reading() as session:
            if not query.items:
                rows = Reading(session, head, goes_on=True).whole_after(max(after, 0), limit)
                return [DCBSequencedEvent(DCBEvent(kind, data, tags), position) for position, kind, data, tags in rows]
            statement, parameters = select_matching(query, after, head, limit)
            found = [_sequenced(*row) for row in session.rows(statement, parameters)]
        for before, position in pairwise((after, *(one.position for one in found))):
            check_follows(before, position)
        return found

    def subscribe(self, query: DCBQuery | None = None, *, after: int | None = None) -> "PollingSubscription":
        """Return all matching events, then wait for more: woken in this process, polling for other processes."""
        return PollingSubscription(self, query, after)


class _ReadResponse(DCBReadResponse):
    """Pages through matching events; `head` is the log's head, or with a limit the last event returned."""

    def __init__(self, recorder: SqlRecorder, query: DCBQuery, after: int, head: int, limit: int | None) -> None:
        self._recorder = recorder
        self._query = query
        self._after = after
        self._until = head
        self._left = limit
        self._limited = limit is not None
        self._page: Iterator[DCBSequencedEvent] = iter(())
        self._head: int | None = None
        if self._limited:
            self._fetch_limited()

    @property
    def head(self) -> int | None:
        return self._head if self._limited else (self._until or None)

    def _fetch_limited(self) -> None:
        """Read all of a limited answer at once: its head must be known before the first event is taken."""
        events = self._recorder.page(self._query, self._after, self._until, self._left or 0)
        self._head = events[-1].position if events else None
        self._left = 0
        self._page = iter(events)

    def __next__(self) -> DCBSequencedEvent:
        for event in self._page:
            return event
        if self._left == 0:
            raise StopIteration
        events = self._recorder.page(self._query, self._after, self._until, PAGE)
        if len(events) < PAGE:
            self._left = 0
        if not events:
            raise StopIteration
        self._after = events[-1].position
        self._page = iter(events)
        return next(self._page)


class PollingSubscription(DCBSubscription[SqlRecorder]):
    """Matching events for ever, until it is stopped."""

    def __init__(self, recorder: SqlRecorder, query: DCBQuery | None, after: int | None) -> None:
        super().__init__(recorder, query, after)
        self._page: Iterator[DCBSequencedEvent] = iter(())

    def stop(self) -> None:
        """Stop; whoever waits for the next event gets `StopIteration`."""
        super().stop()
        self._recorder.appended.ring()

    def __next__(self) -> DCBSequencedEvent:
        while not self._has_been_stopped:
            for event in self._page:
                self._last_position = event.position
                return event
            heard = self._recorder.appended.rings
            found = list(self._recorder.read(self._query, after=self._last_position, limit=PAGE))
            self._page = iter(found)
            if not found:
                self._recorder.appended.wait(heard, _POLL_SECONDS)
        raise StopIteration


def _matches(session: Session, condition: DCBAppendCondition) -> bool:
    statement, parameters = select_matching(condition.fail_if_events_match, condition.after or 0, None, 1)
    return session.run(statement, parameters).fetchone() is not None


def _sequenced(position: int, kind: str | None, data: bytes, tags: str) -> DCBSequencedEvent:
    if kind is None:
        raise CorruptStoreError(f"the event at position {position} is missing")
    return DCBSequencedEvent(DCBEvent(type=kind, data=data, tags=decode_tags(tags, position)), position=position)
