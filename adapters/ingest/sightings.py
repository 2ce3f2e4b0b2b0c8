"""What a source tells of a delivery, before it is known which submission it is about."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Final

from msgspec import Struct

from huissier.domain.commands import DeliveryStatus, ReportDelivery
from huissier.domain.vocabulary.ins import without_ins

LONGEST_CAUSE: Final = 300
LONGEST_LOOKED_AT: Final = 64_000
_TO_A_LETTER: Final = re.compile(r".*[C-Zc-z]", re.DOTALL)  # which stand in no INS, and are none of its separators


class Sighting(Struct, frozen=True, kw_only=True):
    """What became of a message at one recipient, under every name that the source knows for both.

    `place`: the line or message of the source, counted from 1. `ids`: submissions it may be about, the likeliest first;
    `recipients` likewise, and empty where all are meant of whom nothing was heard. `times`: when it happened, then the
    latest it may have been. `cause`: why it was not delivered.
    """

    place: int
    ids: tuple[str, ...]
    recipients: tuple[str, ...]
    status: DeliveryStatus
    times: tuple[datetime, ...]
    cause: str | None = None

    def moments(self, now: datetime) -> list[datetime]:
        """Return its times, none of them later than now."""
        return list(dict.fromkeys(min(time, now) for time in self.times)) or [now]

    def commands(self, now: datetime) -> Iterator[ReportDelivery]:
        """Yield what it may mean, the likeliest first: each id at all times before the next one, for clocks differ."""
        for id_, recipient, at in product(self.ids, self.recipients, self.moments(now)):
            yield ReportDelivery(at=at, id=id_, recipient=recipient, status=self.status, cause=self.cause)


class NotFinal(Struct, frozen=True):
    """The message is still on its way."""


class FromNobody(Struct, frozen=True):
    """The message is a report of a mail server itself: nobody's, and no submission."""


class Unreadable(Struct, frozen=True, kw_only=True):
    """What says something of a delivery that cannot be read, or nothing at all where it should; `text` as it came."""

    place: int
    error: str
    text: str = ""


Told = Sighting | NotFinal | FromNobody | Unreadable
NOT_FINAL: Final = NotFinal()
FROM_NOBODY: Final = FromNobody()


def cause_of(*words: str | None) -> str | None:
    """Return a cause on one line, cut to a length that says enough; an INS goes before, or the cut would hide it."""
    text = beginning(" ".join(" ".join(word.split()) for word in words if word), LONGEST_LOOKED_AT)
    printable = "".join(c if unicodedata.category(c)[0] != "C" else "?" for c in text)
    return without_ins(printable)[:LONGEST_CAUSE] or None


def beginning(text: str, length: int) -> str:
    """Return a text, a longer one up to a letter: a cut in an INS would leave a part that is not known for one."""
    if len(text) <= length:
        return text
    found = _TO_A_LETTER.match(text, 0, length)
    return found[0] if found else ""
