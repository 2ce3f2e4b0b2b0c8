"""Reads reports that came as mail: of delivery (DSN, RFC 3464) and of what became of a message then (MDN, RFC 8098)."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.message import Message as Mail
from email.utils import parsedate_to_datetime
from itertools import islice, product
from typing import Final

from msgspec.structs import replace

from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.ingest.mail import LONGEST_MESSAGE, Message
from huissier.adapters.ingest.parts import LONGEST_CONTENT_TYPE, Part, plain, text_of, texts_of
from huissier.adapters.ingest.sightings import NOT_FINAL, Sighting, Told, Unreadable, beginning, cause_of
from huissier.adapters.xtext import from_xtext
from huissier.domain.commands import DeliveryStatus

_DSN: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_MDN: Final = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_RETURNED: Final = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
_ACTIONS: Final[dict[str, DeliveryStatus | None]] = {
    "delivered": "delivered",
    "expanded": "delivered",  # it reached the address it was sent to, and was sent on from there
    "failed": "undelivered",
    "delayed": None,
    "relayed": None,  # to where nobody reports from: sent is not received
}
# Whatever was done with a message, or not done, was done with it in the mailbox.
_DISPOSITIONS: Final = frozenset({"displayed", "deleted", "dispatched", "processed"})
_TELLING: Final = (  # first what a server says itself, in a few words
    *("X-Postfix-Queue-ID", "Original-Envelope-Id", "Message-ID", "Original-Message-ID"),
    *("Final-Recipient", "Action", "Disposition", "Original-Recipient", "Status", "Diagnostic-Code"),
)
_NAME: Final = re.compile(r"[!-~]{1,400}")
_ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9-]+\s*;)?\s*<?([^\s<>;]{1,320})>?\s*")
_RECEIVED_UNDER: Final = re.compile(r"\sid\s+([0-9A-Za-z]{5,40})\b")
_MOST_QUEUES: Final = 50  # a mail server that sees a message for the fiftieth time takes it to go in circles
_MOST_PLAIN: Final = 8
_MOST_RECIPIENTS: Final = 1_000  # as a mail server takes for one message
_LONGEST_QUOTED: Final = 400  # of each group of fields; aside no more is kept of both
_SECOND: Final = timedelta(seconds=1) - timedelta(microseconds=1)


class Report:
    """One message read as a report."""

    def __init__(self, message: Message, gateways: Sequence[str], decision_header: str) -> None:
        """`gateways`: before whose name a queue id is a submission's; `decision_header`: where theirs is named."""
        self._number = message.number
        self._is_cut = message.is_cut
        self._gateways = gateways
        self._decision_header = decision_header
        mail = Part.of_message(message.content)
        self._arrived = _arrived(mail.fields)
        self._parts = mail.parts() if mail.kind == "multipart/report" else []
        part = self._part(_RETURNED)
        self._returned = Mail() if part is None else part.returned()

    def told(self) -> Iterator[Told]:
        """Yield what it tells, recipient by recipient."""
        if (part := self._part(_DSN)) is not None:
            yield from self._of_delivery(part)
        elif (part := self._part(_MDN)) is not None:
            fields = next(part.groups(), Mail())
            yield _quoting(self._of_disposition(fields), _quoted(self._returned), fields)
        else:
            short = f"with a Content-Type of at most {LONGEST_CONTENT_TYPE} bytes"
            yield self._unreadable(f"not a report of delivery (multipart/report, {short})")

    def _part(self, kinds: frozenset[str]) -> Part | None:
        return next((part for part in self._parts if part.kind in kinds), None)

    def _of_delivery(self, part: Part) -> Iterator[Told]:
        if self._is_cut and part is self._parts[-1]:
            yield self._unreadable(f"what it reports stands beyond its first {LONGEST_MESSAGE} bytes")
            return
        groups = part.groups()
        about = next(groups, Mail())
        recipients = list(islice(groups, _MOST_RECIPIENTS + 1))
        if not recipients:
            yield self._unreadable("a report of delivery that names no recipient")
        ids = self._ids(text_of(about, "Original-Envelope-Id"), text_of(about, "X-Postfix-Queue-ID"))
        quoted = _quoted(about)
        for fields in recipients[:_MOST_RECIPIENTS]:
            yield _quoting(self._about_recipient(fields, ids), quoted, fields)
        if len(recipients) > _MOST_RECIPIENTS:
            yield self._unreadable(f"it names more than {_MOST_RECIPIENTS} recipients; those behind were not read")

    def _about_recipient(self, fields: Mail, ids: tuple[str, ...]) -> Told:
        action = plain(fields, "Action").lower()
        if any(len(texts_of(fields, name)) > 1 for name in ("Action", "Final-Recipient")):
            return self._unreadable("Action or Final-Recipient twice: of which recipient it tells what cannot be said")
        if action not in _ACTIONS:
            return self._unreadable("Action: none of delivered, failed, delayed, relayed, expanded")
        if (status := _ACTIONS[action]) is None:
            return NOT_FINAL
        cause = cause_of(text_of(fields, "Status"), text_of(fields, "Diagnostic-Code"))
        times = (_time(text_of(fields, "Last-Attempt-Date")), self._arrived)
        return self._sighting(fields, ids, status, times, None if status == "delivered" else cause)

    def _of_disposition(self, fields: Mail) -> Told:
        disposition = plain(fields, "Disposition").partition(";")[2].partition("/")[0].strip().lower()
        if disposition not in _DISPOSITIONS:
            return self._unreadable(f"Disposition: none of {', '.join(sorted(_DISPOSITIONS))}")
        return self._sighting(fields, self._ids("", ""), "delivered", (self._arrived,), None)

    def _sighting(
        self,
        fields: Mail,
        ids: tuple[str, ...],
        status: DeliveryStatus,
        times: tuple[datetime | None, ...],
        cause: str | None,
    ) -> Told:
        named = (_address(plain(fields, name)) for name in ("Original-Recipient", "Final-Recipient"))
        recipients = tuple(dict.fromkeys(address for address in named if address))
        if not recipients:
            return self._unreadable("Final-Recipient: no address")
        if not ids:
            return self._unreadable("it names no submission: no decision header, envelope id or queue id")
        known = tuple(time for time in times if time is not None)
        return Sighting(place=self._number, ids=ids, recipients=recipients, status=status, times=known, cause=cause)

    def _ids(self, envelope: str, queue: str) -> tuple[str, ...]:
        """Return the submissions it may be about, the likeliest first.

        Under which queue id it was, the server says that made the report; who sent the message chose the rest, unless a
        milter of ours set the decision header.
        """
        received = [found for text in texts_of(self._returned, "Received") for found in _RECEIVED_UNDER.findall(text)]
        folded = texts_of(self._returned, self._decision_header)[:_MOST_PLAIN]
        decisions = ["".join(text.split()) for text in folded]  # long ones are folded
        own, others = (list(self._named_by(queues)) for queues in ([queue], received[:_MOST_QUEUES]))
        names = (*own, *decisions, envelope, from_xtext(envelope), *others)
        return tuple(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))

    def _named_by(self, queues: Sequence[str]) -> Iterator[str]:
        return (f"{gateway}/{name}" for name, gateway in product(filter(None, queues), self._gateways))

    def _unreadable(self, error: str) -> Unreadable:
        return Unreadable(place=self._number, error=error)


def read_report(message: Message, gateways: Sequence[str], decision_header: str = DECISION_HEADER) -> list[Told]:
    """Return what a message tells, as a report."""
    try:
        return list(Report(message, gateways, decision_header).told())
    except (TypeError, ValueError, LookupError):  # as the library ends on parameters that contradict each other
        return [Unreadable(place=message.number, error="not a message of mail")]


def _quoting(told: Told, about: str, fields: Mail) -> Told:
    """Return what was told; what is unreadable with those fields that tell which message and recipient it is about."""
    return replace(told, text=f"{about}\n{_quoted(fields)}".strip()) if isinstance(told, Unreadable) else told


def _quoted(fields: Mail) -> str:
    said = (f"{name}: {value}" for name in _TELLING for value in texts_of(fields, name))
    return beginning("\n".join(said), _LONGEST_QUOTED)


def _arrived(headers: Mail) -> datetime | None:
    """Return when our own server received a message, else when it says that it was written."""
    received = next(iter(texts_of(headers, "Received")), "")
    return _time(received.rpartition(";")[2]) or _time(text_of(headers, "Date"))


def _address(field: str) -> str | None:
    found = _ADDRESS.fullmatch(field)
    return None if found is None else found[1]


def _time(text: str) -> datetime | None:
    """Return the last moment that a date may mean, to the second as it is."""
    try:
        moment = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC) + _SECOND
    except (OverflowError, ValueError):
        return None
