"""`SqlRecorder`: the log as a `DCBRecorder` over SQLAlchemy Core, and the pen that decides inside its transaction.

Whoever holds the pen is the only writer: the head it reads stays the head until it commits, so positions have no
gaps and stand in commit order. Statements are plain cached texts: building SQL expressions for each call costs
more than running them.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

import msgspec
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
from huissier.adapters.log.queries import select_matching
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store

PAGE: Final = 1000
_POLL_SECONDS: Final = 0.2
_TAGS_A_QUERY: Final = 200

_HEAD = "SELECT max(position) FROM events"
_INSERT_EVENT = "INSERT INTO events (position, type, data, tags) VALUES (?, ?, ?, ?)"
_INSERT_TAG = "INSERT INTO tags (tag, type, position) VALUES (?, ?, ?)"
_AFTER = "SELECT position, data, tags FROM events WHERE position > ? ORDER BY position LIMIT ?"
_BY_TAG = (
    "SELECT t.tag, t.position, e.data FROM tags t JOIN events e ON e.position = t.position"
    " WHERE t.tag IN ({}) ORDER BY t.position"
)
_encode_tags = msgspec.json.Encoder().encode
_tags_decoder = msgspec.json.Decoder(list[str])


class Reading:
    """One consistent look at the log."""

    def __init__(self, session: Session) -> None:
        """Look through a session inside its transaction."""
        self.session = session
        self.head: int = session.scalar(_HEAD) or 0

    def after(self, position: int, limit: int) -> list[tuple[int, bytes, list[str]]]:
        """Return positions, bytes and tags of what stands after a position, at most `limit`."""
        rows = self.session.rows(_AFTER, (position, limit))
        return [(row[0], row[1], _decode_tags(row[2], row[0])) for row in rows]

    def by_tag(self, tags: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (tag, position, bytes) of every fact that carries one of the tags, by position within a query."""
        for chunk in _chunks(tags):
            marks = ",".join("?" * len(chunk))
            yield from self.session.rows(_BY_TAG.format(marks), chunk)


class Pen(Reading):
    """The right to write: a `Reading` whose head nobody else can move."""

    def append(self, events: Sequence[DCBEvent]) -> int:
        """Write events behind the head and return the position of the last; without events, of the head."""
        rows = [
            (position, event.type, event.data, _encode_tags(event.tags).decode())
            for position, event in enumerate(events, self.head + 1)
        ]
        tags = [
            (tag, event.type, position)
            for position, event in enumerate(events, self.head + 1)
            for tag in dict.fromkeys(event.tags)
        ]
        self.session.run_many(_INSERT_EVENT, rows)
        self.session.run_many(_INSERT_TAG, tags)
        self.head += len(events)
        return self.head


class SqlRecorder(DCBRecorder):
    """The log of one store. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        """Record into an open store."""
        self._store = store
        self._appended = threading.Condition()

    @contextmanager
    def pen(self) -> Iterator[Pen]:
        """Hold the pen; what was written is durable when the block ends without an exception."""
        with self._store.writing() as session:
            pen = Pen(session)
            before = pen.head
            yield pen
        if pen.head > before:
            with self._appended:
                self._appended.notify_all()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Look at the log in one consistent state; writers go on meanwhile where the database lets them."""
        with self._store.reading() as session:
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
        with self.reading() as look:
            head = look.head
        return _ReadResponse(self, query or DCBQuery(), after or 0, head, limit)

    def page(self, query: DCBQuery, after: int, head: int, limit: int) -> list[DCBSequencedEvent]:
        """Return at most `limit` matching events with after < position <= head."""
        statement, parameters = select_matching(query, after, head, limit)
        with self._store.reading() as session:
            return [_sequenced(*row) for row in session.rows(statement, parameters)]

    def subscribe(self, query: DCBQuery | None = None, *, after: int | None = None) -> "PollingSubscription":
        """Return all matching events, then wait for more: woken in this process, polling for other processes."""
        return PollingSubscription(self, query, after)

    def wait_for_append(self, seconds: float) -> None:
        """Wait until this process appends something, but not longer than `seconds`."""
        with self._appended:
            self._appended.wait(seconds)

    def wake(self) -> None:
        """Wake whoever waits."""
        with self._appended:
            self._appended.notify_all()


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
        self._recorder.wake()

    def __next__(self) -> DCBSequencedEvent:
        while not self._has_been_stopped:
            for event in self._page:
                self._last_position = event.position
                return event
            found = list(self._recorder.read(self._query, after=self._last_position, limit=PAGE))
            self._page = iter(found)
            if not found:
                self._recorder.wait_for_append(_POLL_SECONDS)
        raise StopIteration


def _matches(session: Session, condition: DCBAppendCondition) -> bool:
    statement, parameters = select_matching(condition.fail_if_events_match, condition.after or 0, None, 1)
    return session.run(statement, parameters).fetchone() is not None


def _sequenced(position: int, kind: str, data: bytes, tags: str) -> DCBSequencedEvent:
    return DCBSequencedEvent(DCBEvent(type=kind, data=data, tags=_decode_tags(tags, position)), position=position)


def _chunks(tags: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(tags)
    while chunk := list(islice(rest, _TAGS_A_QUERY)):
        yield chunk


def _decode_tags(text: str, position: int) -> list[str]:
    try:
        return _tags_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CorruptStoreError(f"the tags of the event at position {position} cannot be decoded") from None
