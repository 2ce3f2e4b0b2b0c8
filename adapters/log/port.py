"""What the engine asks of a log: consistent looks at it, and the right to write behind what was looked at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.log.bell import Bell
from huissier.adapters.log.session import Session

Whole = tuple[int, str, bytes, list[str]]  # all that is stored of an event: position, type, bytes, tags
Progress = Callable[[int, int], None]  # told the position that a log was read or written up to, and the last one


class OvertakenError(Exception):
    """Somebody else wrote, or this way of writing cannot do what is asked; nothing was written, try the next way."""


class Look(Protocol):
    """The log as it stood at `head`, the position of its last event, and the vault of that moment.

    Events after a position come in order, without a gap and up to `head`, or `StoreError` is raised.
    """

    @property
    def head(self) -> int:
        """The position of the last event, 0 without one."""
        ...

    @property
    def session(self) -> Session:
        """Where the vault is read."""
        ...

    def after(self, position: int, limit: int) -> list[tuple[int, bytes, list[str]]]:
        """Return positions, bytes and tags of what stands after a position, at most `limit`."""
        ...

    def facts_after(self, position: int, limit: int) -> list[tuple[int, bytes]]:
        """Return positions and bytes of what stands after a position, at most `limit`; faster than `after`."""
        ...

    def whole_after(self, position: int, limit: int) -> list[Whole]:
        """Return positions, types, bytes and tags of what stands after a position, at most `limit`."""
        ...

    def presume_new(self, tags: Iterable[str]) -> None:
        """Say which tags are most likely carried by no fact, so that they need not be read."""
        ...

    def by_tag(self, tags: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (tag, position, bytes) of every fact that carries one of the tags; those of one tag by position."""
        ...

    def change_vault(self) -> Session:
        """Return the session that changes the vault together with the log. Raises `OvertakenError` without one."""
        ...


class Pen(Look, Protocol):
    """A look that can be appended to. What was written is durable when its block ends without an exception."""

    def append(self, events: Sequence[DCBEvent]) -> int:
        """Write events behind the head and return the position of the last. Raises `OvertakenError`."""
        ...


class Readable(Protocol):
    """A log and the vault beside it, to be looked at."""

    def reading(self) -> AbstractContextManager[Look]:
        """Look without writing."""
        ...


class Log(Readable, Protocol):
    """A log and the vault beside it."""

    @property
    def appended(self) -> Bell:
        """Rings whenever this process appended something."""
        ...

    def pens(self, seen: int) -> Iterator[AbstractContextManager[Pen]]:
        """Yield ways to write for somebody who has read up to `seen`; the next is tried where one is overtaken."""
        ...
