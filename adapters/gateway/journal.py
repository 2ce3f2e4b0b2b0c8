"""The service's log: one JSON object per line on standard error, without personal data.

Addresses stand as digests under the vault's key, the same ones in every process of a store: whoever holds an address
and the key can find its lines, nobody can read who it was. Of a problem only its type is told, for its text may quote a
mail; of what a library has to say, only which library and where.
"""

import logging
import select
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from huissier.adapters.gateway.replies import Reply
from huissier.domain.commands import SubmitMessage
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import without_ins

_OURS: Final = "huissier"
_LOG: Final = logging.getLogger(__name__)
_USUAL: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One object per record: when, how bad, what happened, and the details given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        if record.name == _OURS or record.name.startswith(f"{_OURS}."):
            line["event"] = record.getMessage()
            line.update((name, _clean(value)) for name, value in record.__dict__.items() if name not in _USUAL)
        else:
            line.update(event="library", library=record.name, where=f"{record.module}:{record.lineno}")
        if record.exc_info and record.exc_info[0] is not None:
            line["problem"] = record.exc_info[0].__name__
        return msgspec.json.encode(line, enc_hook=str).decode()


def _clean(value: object) -> object:
    """Return a sentence without any INS; a text without spaces is a name or number of our own, and stays."""
    return without_ins(value) if isinstance(value, str) and " " in value else value


class NeverWaiting(logging.StreamHandler[TextIO]):
    """Writes lines while somebody reads them; mail never waits for that. Lost lines are counted, and told afterwards.

    A pipe that takes anything at all takes four kilobytes, which is more than a line.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream with a descriptor."""
        super().__init__(stream)
        self._lost = 0
        self._room = select.poll()
        self._room.register(stream, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and before it how many were lost; without room it is lost too."""
        if not self._room.poll(0):
            self._lost += 1
            return
        if self._lost:
            told = {"lines": self._lost}
            self._lost = 0
            super().emit(_LOG.makeRecord(_LOG.name, logging.WARNING, "", 0, "log-lines-lost", (), None, extra=told))
        super().emit(record)


def log_to_stderr() -> None:
    """Have this process log to the real standard error, not to the one that strips INS: a timestamp looks like one."""
    handler = logging.NullHandler() if sys.__stderr__ is None else NeverWaiting(sys.__stderr__)
    handler.setFormatter(JsonLines())
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # or each line would ask for each
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(logging.INFO)


class Journal:
    """Writes a line for each decision."""

    def __init__(self, digest: Callable[[str], str]) -> None:
        """`digest` is keyed, so that addresses cannot be tried out."""
        self._digest = digest

    def decided(self, command: SubmitMessage, reply: Reply, seconds: float, login: str | None) -> None:
        """Write what was answered."""
        said = {
            "submission": command.id,
            "stage": command.stage,
            "outcome": reply.kind,
            "reason": reply.reason,
            "shadow": reply.shadow,
            "recorded": reply.decision is not None,
            "sender": self._pseudonym(command.sender),
            "login": None if login is None else self._pseudonym(login),
            "recipient": self._pseudonym(command.recipients[0]) if len(command.recipients) == 1 else None,
            "recipients": len(command.recipients),
            "ms": round(1000 * seconds, 3),
        }
        _LOG.info("decision", extra={name: value for name, value in said.items() if value is not None})

    def failed(self, problem: Exception) -> None:
        """Write the type of a problem."""
        _LOG.error("deferred", extra={"problem": type(problem).__name__})

    def abandoned(self) -> None:
        """Write nothing: peers may abandon messages at any time."""

    def _pseudonym(self, address: str) -> str:
        try:
            return self._digest(MailboxAddress.parse(address).text)
        except VocabularyError:
            return self._digest(address)
