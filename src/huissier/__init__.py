"""huissier: who may write to whom in the MSSanté trust space, decided, explained and kept as facts."""

from typing import TYPE_CHECKING, Any

from huissier.adapters.errors import (
    ArchiveError,
    CorruptStoreError,
    DamagedArchiveError,
    EngineClosedError,
    ForeignStoreError,
    HuissierError,
    InvalidCommandError,
    RefusedError,
    StoreError,
    StoreVersionError,
    TemporarilyUnavailableError,
    UnreadableError,
    UnreadableEvidenceError,
    UnreadableWhiteListError,
    VaultKeyError,
    WhiteListError,
)
from huissier.domain.answers import Answer, Invalid, Reason, Verdict, Verdicts
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.errors import VocabularyError

if TYPE_CHECKING:
    from eventsourcing.dcb.api import DCBRecorder

    from huissier.adapters.clock import Clock
    from huissier.adapters.deciding.async_engine import AsyncEngine
    from huissier.adapters.deciding.engine import Engine

__all__ = [
    "AdmitDomain",
    "Answer",
    "AnyCommand",
    "ArchiveError",
    "AsyncEngine",
    "CloseEns",
    "CorruptStoreError",
    "CreateMailbox",
    "DamagedArchiveError",
    "DeleteMailbox",
    "Engine",
    "EngineClosedError",
    "EraseUsager",
    "ForeignStoreError",
    "HuissierError",
    "Invalid",
    "InvalidCommandError",
    "OpenEns",
    "Options",
    "PublishCgu",
    "Reason",
    "RefusedError",
    "RegisterOperator",
    "ReportDelivery",
    "ResumeMailbox",
    "SetListeRouge",
    "SignCgu",
    "SignInstrument",
    "StoreError",
    "StoreVersionError",
    "SubmitMessage",
    "SuspendMailbox",
    "TemporarilyUnavailableError",
    "UnreadableError",
    "UnreadableEvidenceError",
    "UnreadableWhiteListError",
    "VaultKeyError",
    "Verdict",
    "Verdicts",
    "VocabularyError",
    "WhiteListError",
    "WithdrawDomain",
    "open",
    "open_async",
]


def open(  # noqa: A001
    url: str,
    *,
    options: "Options | None" = None,
    clock: "Clock | None" = None,
    recorder: "DCBRecorder | None" = None,
    queue: int | None = None,
    memory: int | None = None,
) -> "Engine":
    """Open the store at a URL, such as `sqlite:///huissier.db` or `sqlite://` in memory, made on first use.

    `clock` returns the present with its zone, for commands without `at` and for when a fact is recorded. `recorder`
    keeps the log, if the store is not to: the store then holds the vault alone. `queue` is how many commands may
    wait, 10,000 by default; `memory` how many subjects and facts are remembered between decisions, 200,000 by
    default (about a kilobyte each). Raises `StoreError`.
    """
    from huissier.adapters.clock import utc_now
    from huissier.adapters.deciding.engine import Engine

    return Engine(url, options=options, clock=clock or utc_now, recorder=recorder, queue=queue, memory=memory)


def open_async(
    url: str,
    *,
    options: "Options | None" = None,
    clock: "Clock | None" = None,
    recorder: "DCBRecorder | None" = None,
    queue: int | None = None,
    memory: int | None = None,
) -> "AsyncEngine":
    """Do as `open`, for asyncio: `handle` and `check` are awaited, and so is `close` or `async with`."""
    from huissier.adapters.deciding.async_engine import AsyncEngine

    return AsyncEngine(open(url, options=options, clock=clock, recorder=recorder, queue=queue, memory=memory))


def __getattr__(name: str) -> Any:
    """Import an engine, and the database library behind it, only when it is asked for."""
    if name == "Engine":
        from huissier.adapters.deciding.engine import Engine

        return Engine
    if name == "AsyncEngine":
        from huissier.adapters.deciding.async_engine import AsyncEngine

        return AsyncEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
