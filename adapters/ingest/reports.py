"""Reads reports that came as mail: of delivery (DSN, RFC 3464) and of what became of a message then (MDN, RFC 8098)."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, message_from_string
from email.errors import MessageError, MissingHeaderBodySeparatorDefect
from email.message import Message as Mail
from email.utils import parsedate_to_datetime
from itertools import product
from typing import Final

from msgspec.structs import replace

from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.ingest.mail import LONGEST_MESSAGE, Message
from huissier.adapters.ingest.sightings import NOT_FINAL, Sighting, Told, Unreadable, cause_of
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
_TELLING: Final = (
    *("Original-Envelope-Id", "X-Postfix-Queue-ID", "Message-ID", "Original-Message-ID"),
    *("Original-Recipient", "Final-Recipient", "Action", "Disposition", "Status", "Diagnostic-Code"),
)
_NAME: Final = re.compile(r"[!-~]{1,400}")
_ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9-]+\s*;)?\s*<?([^\s<>;]{1,320})>?\s*")
_COMMENTED: Final = re.compile(r"\\.|[()]|[^\\()]+|\\", re.DOTALL)
_FIELD: Final = re.compile(r"[!-9;-~]{1,100}:")
_RECEIVED_UNDER: Final = re.compile(r"\sid\s+([0-9A-Za-z]{5,40})\b")
_MOST_QUEUES: Final = 50  # a mail server that sees a message for the fiftieth time takes it to go in circles
_MOST_PLAIN: Final = 8
_CONTENT_TYPE: Final = re.compile(rb"(?:\A|[\r\n])(content-type:(?:[^\r\n]|(?:\r\n|\r|\n)[ \t])*+)", re.IGNORECASE)
_LONGEST_CONTENT_TYPE: Final = 1_000
_MOST_MULTIPARTS: Final = 30
_MOST_RECIPIENTS: Final = 1_000  # as a mail server takes for one message
_SECOND: Final = timedelta(seconds=1) - timedelta(microseconds=1)


class Report:
    """One message read as a report."""

    def __init__(self, message: Message, gateways: Sequence[str], decision_header: str) -> None:
        """`gateways`: before whose name a queue id is a submission's; `decision_header`: where theirs is named."""
        self._number = message.number
        self._is_cut = message.is_cut
        self._gateways = gateways
        self._decision_header = decision_header
        self._mail = message_from_bytes(message.content)
        parts = self._mail.get_payload() if self._mail.get_content_type() == "multipart/report" else []
        self._parts = [part for part in parts if isinstance(part, Mail)] if isinstance(parts, list) else []

    def told(self) -> Iterator[Told]:
        """Yield what it tells, recipient by recipient."""
        if (part := self._part(_DSN)) is not None:
            yield from self._of_delivery(_groups(part), part is self._parts[-1])
        elif (part := self._part(_MDN)) is not None:
            fields = next(iter(_groups(part)), Mail())
            yield _quoting(self._of_disposition(fields), self._returned(), fields)
        else:
            yield self._unreadable("not a report of delivery (multipart/report)")

    def _part(self, kinds: frozenset[str]) -> Mail | None:
        return next((part for part in self._parts if part.get_content_type() in kinds), None)

    def _of_delivery(self, groups: list[Mail], is_last: bool) -> Iterator[Told]:
        if self._is_cut and is_last:
            yield self._unreadable(f"what it reports stands beyond its first {LONGEST_MESSAGE} bytes")
            return
        about, recipients = (groups[0], groups[1:]) if groups else (Mail(), [])
        if not recipients:
            yield self._unreadable("a report of delivery that names no recipient")
        ids = self._ids(_text(about, "Original-Envelope-Id"), _text(about, "X-Postfix-Queue-ID"))
        for fields in recipients[:_MOST_RECIPIENTS]:
            yield _quoting(self._about_recipient(fields, ids), about, fields)
        if len(recipients) > _MOST_RECIPIENTS:
            yield self._unreadable(f"it names more than {_MOST_RECIPIENTS} recipients; those behind were not read")

    def _about_recipient(self, fields: Mail, ids: tuple[str, ...]) -> Told:
        action = _plain(fields, "Action").lower()
        if any(len(_texts(fields, name)) > 1 for name in ("Action", "Final-Recipient")):
            return self._unreadable("Action or Final-Recipient twice: of which recipient it tells what cannot be said")
        if action not in _ACTIONS:
            return self._unreadable("Action: none of delivered, failed, delayed, relayed, expanded")
        if (status := _ACTIONS[action]) is None:
            return NOT_FINAL
        cause = cause_of(_text(fields, "Status"), _text(fields, "Diagnostic-Code"))
        times = (_time(_text(fields, "Last-Attempt-Date")), self._arrived())
        return self._sighting(fields, ids, status, times, None if status == "delivered" else cause)

    def _of_disposition(self, fields: Mail) -> Told:
        disposition = _plain(fields, "Disposition").partition(";")[2].partition("/")[0].strip().lower()
        if disposition not in _DISPOSITIONS:
            return self._unreadable(f"Disposition: none of {', '.join(sorted(_DISPOSITIONS))}")
        return self._sighting(fields, self._ids("", ""), "delivered", (self._arrived(),), None)

    def _sighting(
        self,
        fields: Mail,
        ids: tuple[str, ...],
        status: DeliveryStatus,
        times: tuple[datetime | None, ...],
        cause: str | None,
    ) -> Told:
        named = (_address(_plain(fields, name)) for name in ("Original-Recipient", "Final-Recipient"))
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
        returned = self._returned()
        received = [found for text in _texts(returned, "Received") for found in _RECEIVED_UNDER.findall(text)]
        folded = _texts(returned, self._decision_header)[:_MOST_PLAIN]
        plain = ["".join(text.split()) for text in folded]  # the library folds what is long
        own, others = (list(self._named_by(queues)) for queues in ([queue], received[:_MOST_QUEUES]))
        names = (*own, *plain, envelope, from_xtext(envelope), *others)
        return tuple(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))

    def _named_by(self, queues: Sequence[str]) -> Iterator[str]:
        return (f"{gateway}/{name}" for name, gateway in product(filter(None, queues), self._gateways))

    def _returned(self) -> Mail:
        """Return the headers of the message it is about, as far as they came back."""
        part = self._part(_RETURNED)
        if part is None:
            return Mail()
        content = part.get_payload()
        if isinstance(content, list):
            return next((inner for inner in content if isinstance(inner, Mail)), Mail())
        text = part.get_payload(decode=True)
        return message_from_bytes(text) if isinstance(text, bytes) else Mail()

    def _arrived(self) -> datetime | None:
        """Return when our own server received it, else when it says that it was written."""
        received = next(iter(_texts(self._mail, "Received")), "")
        return _time(received.rpartition(";")[2]) or _time(_text(self._mail, "Date"))

    def _unreadable(self, error: str) -> Unreadable:
        return Unreadable(place=self._number, error=error)


def read_report(message: Message, gateways: Sequence[str], decision_header: str = DECISION_HEADER) -> list[Told]:
    """Return what a message tells, as a report."""
    multiparts = [each for each in _CONTENT_TYPE.findall(message.content) if b"multipart" in each.lower()]
    if any(len(each) > _LONGEST_CONTENT_TYPE for each in multiparts):
        return [Unreadable(place=message.number, error=f"a Content-Type is longer than {_LONGEST_CONTENT_TYPE} bytes")]
    if len(multiparts) > _MOST_MULTIPARTS:  # of those within each other the library looks at each for every line
        return [Unreadable(place=message.number, error=f"it has more than {_MOST_MULTIPARTS} multiparts")]
    try:
        return list(Report(message, gateways, decision_header).told())
    except (MessageError, ValueError, LookupError, RecursionError):
        return [Unreadable(place=message.number, error="not a message of mail")]


def _groups(part: Mail) -> list[Mail]:
    """Return the groups of fields of a report, cut at lines without content."""
    content = part.get_payload()
    if isinstance(content, list):  # which the library has cut, of the older kind, where lines are wholly empty
        text = "\n".join(_written(group) for group in content if isinstance(group, Mail))
        part.set_payload(text)
    groups: list[list[str]] = [[]]
    blank: list[str] = []
    for line in _decoded(part).replace("\r\n", "\n").split("\n"):
        if not line.strip():
            blank.append(line)
            continue
        is_folded = line[0].isspace() and all(blank)  # a field goes on behind lines of blanks, not behind empty ones
        if blank and not is_folded:
            groups.append([])
        blank.clear()
        if is_folded or _FIELD.match(line):  # what else stands there must not hide the fields behind it
            groups[-1].append(line)
    return [message_from_string("\n".join(group)) for group in groups if group]


def _written(group: Mail) -> str:
    """Return a group as it came; the library itself would fold its fields, and take for ever for long ones."""
    fields = "".join(f"{name}: {value}\n" for name, value in group.raw_items())
    is_parted = not any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in group.defects)
    del group["Content-Transfer-Encoding"]  # which is for the part to say, and not for a group in it
    content = group.get_payload(decode=True)
    return (
        fields
        + ("\n" if is_parted else "")
        + (content.decode("ascii", "surrogateescape") if isinstance(content, bytes) else "")
    )


def _decoded(part: Mail) -> str:
    data = part.get_payload(decode=True)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _quoting(told: Told, *groups: Mail) -> Told:
    """Return what was told; what is unreadable with those fields that tell which message and recipient it is about."""
    if not isinstance(told, Unreadable):
        return told
    said = (f"{name}: {value}" for group in groups for name in _TELLING for value in _texts(group, name))
    return replace(told, text="\n".join(said))


def _texts(mail: Mail, name: str) -> list[str]:
    return [str(value).replace("\ufffd", "?") for value in mail.get_all(name, [])]


def _text(mail: Mail, name: str) -> str:
    return next(iter(_texts(mail, name)), "").strip()


def _plain(mail: Mail, name: str) -> str:
    """Return a field without its comments: Sendmail writes `delivered (to mailbox)`."""
    text, kept, depth = _text(mail, name), list[str](), 0
    for piece in _COMMENTED.findall(text):
        if piece == "(":
            depth += 1
        elif depth:
            depth -= piece == ")"
        else:
            kept.append(piece)
    return "".join(kept).strip() if not depth else text


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
