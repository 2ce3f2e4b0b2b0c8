"""The log in somebody else's recorder, and the vault in the store.

Commands cannot be decided inside such a recorder's transaction. So a turn decides on a look at the log up to its head,
and appends on condition that nothing at all stands behind that head, so that every fact gets the position it was
decided for. Otherwise the turn is done again on a new look. A turn that was overtaken then holds the vault for writing,
and nobody else with that vault begins a turn until it is released; so nobody starves.

Log and vault cannot be written in one transaction. A newcomer enters the vault before their first fact enters the log,
and an erased usager leaves it after the erasure is in the log: asking again does what a crash left undone. A newcomer
may stay in the vault without any fact, and can be erased like everybody else in it.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice, takewhile
from typing import Final

from eventsourcing.dcb.api import DCBEvent, DCBQuery, DCBQueryItem, DCBRecorder, DCBSequencedEvent

from huissier.adapters.errors import InvalidCommandError, StoreError
from huissier.adapters.log.bell import Bell
from huissier.adapters.log.claim import remember_claim
from huissier.adapters.log.port import Look, OvertakenError, Pen, Whole
from huissier.adapters.log.recorded import append_behind, events_in, head_of
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store
from huissier.adapters.vault import Vault
from huissier.domain.events import UsagerErased
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.ins import Ins

PATIENCE: Final = 30.0
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
_TAGS_A_QUERY: Final = 200
_ERASURE: Final = str(UsagerErased.__struct_config__.tag)


class ForeignLook:
    """A `Look` at the log as it stood at a head, and the vault read through a session."""

    def __init__(self, recorder: DCBRecorder, head: int, session: Session) -> None:
        """Look no further than the head."""
        self._recorder = recorder
        self.head = head
        self.session = session

    def after(self, position: int, limit: int) -> list[tuple[int, bytes, list[str]]]:
        """Return positions, bytes and tags of what stands after a position, at most `limit`. Raises `StoreError`."""
        return [(position, data, tags) for position, _, data, tags in self.whole_after(position, limit)]

    def whole_after(self, position: int, limit: int) -> list[Whole]:
        """Return positions, types, bytes and tags of what stands after a position. Raises `StoreError`."""
        found = list(self._up_to_head(events_in(self._recorder, after=position, limit=limit)))
        for expected, sequenced in enumerate(found, position + 1):
            _check_position(expected, sequenced.position)
        return [(one.position, one.event.type, one.event.data, one.event.tags) for one in found]

    def facts_after(self, position: int, limit: int) -> list[tuple[int, bytes]]:
        """Return positions and bytes of what stands after a position, at most `limit`. Raises `StoreError`."""
        return [(where, data) for where, data, _ in self.after(position, limit)]

    def by_tag(self, tags: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (tag, position, bytes) of every fact that carries one of the tags, by position within a query."""
        rest = iter(tags)
        while wanted := dict.fromkeys(islice(rest, _TAGS_A_QUERY)):
            query = DCBQuery([DCBQueryItem(tags=[tag]) for tag in wanted])
            for one in self._up_to_head(events_in(self._recorder, query)):
                for tag in dict.fromkeys(one.event.tags):
                    if tag in wanted:
                        yield tag, one.position, one.event.data

    def presume_new(self, tags: Iterable[str]) -> None:
        """Do nothing: no append condition could say that no fact up to the head carries a tag."""

    def change_vault(self) -> Session:
        """Leave the vault to a pen that holds it. Raises `OvertakenError`."""
        raise OvertakenError

    def _up_to_head(self, events: Iterable[DCBSequencedEvent]) -> Iterator[DCBSequencedEvent]:
        return takewhile(lambda one: one.position <= self.head, events)


class ForeignPen(ForeignLook):
    """A look that can be appended to if nobody else has appended since."""

    def append(self, events: Sequence[DCBEvent]) -> int:
        """Write events behind the head and return the position of the last. Raises `OvertakenError`, `StoreError`."""
        if events:
            last = append_behind(self._recorder, self.head, events)
            if last is None:
                raise OvertakenError
            _check_position(self.head + len(events), last)
            self.head = last
        return self.head


class VaultPen(ForeignPen):
    """A pen that holds the vault until `leave_vault` is called, which commits what was changed there."""

    def __init__(self, recorder: DCBRecorder, head: int, session: Session, leave_vault: Callable[[], None]) -> None:
        """Write behind the head."""
        super().__init__(recorder, head, session)
        self._leave_vault = leave_vault
        self._vault_changed = False

    def change_vault(self) -> Session:
        """Return the session."""
        self._vault_changed = True
        return self.session

    def append(self, events: Sequence[DCBEvent]) -> int:
        """Append as any pen does, and commit the vault before or after, so that a crash may come in between.

        Also raises `InvalidCommandError`, for an erasure among other facts: no order is right for both.
        """
        erasures = sum(event.type == _ERASURE for event in events)
        if 0 < erasures < len(events):
            raise InvalidCommandError("where the log is elsewhere, a usager is erased in a batch of its own")
        if self._vault_changed and not erasures:
            self._leave_vault()
        return super().append(events)


class ForeignLog:
    """The log of one recorder, with the vault of one store. Safe to share between threads."""

    def __init__(self, recorder: DCBRecorder, store: Store) -> None:
        """Record through a recorder that its owner closes."""
        self._recorder = recorder
        self._store = store
        self.appended = Bell()
        self._known = 0
        self._is_claimed = False

    @contextmanager
    def reading(self) -> Iterator[Look]:
        """Look without writing; the vault is opened after the head was read, and so knows whom the facts name."""
        head = self._head()
        with self._store.reading() as session:
            yield ForeignLook(self._recorder, head, session)

    def pens(self, seen: int) -> Iterator[AbstractContextManager[Pen]]:
        """Yield a pen that reads the vault, then pens that hold it: for about 30 seconds, pausing ever longer."""
        self._known = max(self._known, seen)
        self._claim()
        yield self._quick_pen()
        give_up = time.monotonic() + PATIENCE
        pause = _FIRST_PAUSE
        while time.monotonic() < give_up:
            yield self._vault_pen()
            time.sleep(random.uniform(0, pause))  # noqa: S311 it need not be hard to guess
            pause = min(2 * pause, _LONGEST_PAUSE)

    @contextmanager
    def _quick_pen(self) -> Iterator[Pen]:
        with self._store.writing():
            pass  # whoever holds the vault was overtaken and goes first
        with self._store.reading() as session, self._heard(ForeignPen(self._recorder, self._head(), session)) as pen:
            yield pen

    @contextmanager
    def _vault_pen(self) -> Iterator[Pen]:
        with ExitStack() as vault:
            session = vault.enter_context(self._store.writing())
            with self._heard(VaultPen(self._recorder, self._head(), session, vault.close)) as pen:
                yield pen

    @contextmanager
    def _heard(self, pen: ForeignPen) -> Iterator[Pen]:
        before = pen.head
        yield pen
        if pen.head > before:
            self.appended.ring()

    def _head(self) -> int:
        """Return the position of the last event. Raises `StoreError` where the log has become shorter."""
        known = self._known
        head = head_of(self._recorder)
        if head < known:
            raise StoreError(f"the log ends at position {head}, but {known} was there before: facts were lost")
        self._known = max(self._known, head)
        return head

    def _claim(self) -> None:
        """Note in the store which log is its own: once per engine, when there is a first fact."""
        if self._known and not self._is_claimed:
            with self._store.writing() as session:
                remember_claim(session, self._recorder)
            self._is_claimed = True


class AskedVault(Vault):
    """A vault that remembers nothing: for a moment after an erasure is in the log, the usager is still in the table."""

    def _remember(self, ins: Ins, usager: str) -> str:
        return usager

    def remember_mailbox(self, raw: str, mailbox: MailboxAddress) -> None:
        """Remember nothing."""


def _check_position(expected: int, position: int) -> None:
    if position != expected:
        raise StoreError(
            f"the log's recorder numbers with gaps: a fact decided on as position {expected} stands at {position}"
        )
