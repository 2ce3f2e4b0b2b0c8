"""The stores that the engine is shown on, each opened as often as a test likes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBRecorder

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.session import Session

KEY = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}  # a store on a server has no file for it

Append = Callable[[], Any]
Around = Callable[[Append, Sequence[DCBEvent]], Any]


class StoreUnderTest(ABC):
    """A store, and how a test comes between the engine and its log."""

    def __init__(self, url: str, recorder: DCBRecorder | None = None) -> None:
        self.url = url
        self.recorder = recorder

    def open(self, **arguments: Any) -> Engine:
        """Open another engine on the store."""
        return Engine(self.url, recorder=self.recorder, **arguments)

    def log_of(self, engine: Engine) -> DCBRecorder:
        """Return the log that an engine of this store records in."""
        return engine.recorder if self.recorder is None else self.recorder

    @abstractmethod
    def appending(self, around: Around) -> AbstractContextManager[None]:
        """Have every append go through `around`, which is given the append itself and its events."""


class OwnLog(StoreUnderTest):
    """A store that holds its log."""

    @contextmanager
    def appending(self, around: Around) -> Iterator[None]:
        append = Session.append

        def intercepted(session: Session, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
            result: int | None = around(lambda: append(session, head, presumed, events), events)
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "append", intercepted)
            yield


class LogElsewhere(StoreUnderTest):
    """A store that holds the vault alone, beside a recorder."""

    @contextmanager
    def appending(self, around: Around) -> Iterator[None]:
        recorder = self.recorder
        assert recorder is not None
        append = recorder.append

        def intercepted(events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
            result: int = around(lambda: append(events, condition), events)
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recorder, "append", intercepted)
            yield
