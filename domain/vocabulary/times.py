"""Times: always UTC; a deadline may be given as a date."""

import re
from datetime import UTC, datetime, time
from typing import Annotated, Final

from msgspec import Meta

from huissier.domain.vocabulary.errors import VocabularyError

Time = Annotated[datetime, Meta(tz=True)]

FIRST: Final = datetime.min.replace(tzinfo=UTC)  # of the calendar: before all facts
LAST: Final = datetime.max.replace(tzinfo=UTC)

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC. Raises `VocabularyError` for a time without a zone."""
    if moment.tzinfo is None:
        raise VocabularyError("a time names its zone, such as Z for UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise VocabularyError("the time lies outside the calendar") from None


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time, to the microsecond, in UTC. Raises `VocabularyError`."""
    if not _RFC3339.fullmatch(text):
        raise VocabularyError("not an RFC 3339 time such as 2026-10-31T09:00:00Z")
    try:
        return in_utc(datetime.fromisoformat(text.upper()))
    except ValueError as problem:
        raise VocabularyError(f"not a time of the calendar ({problem})") from None


def parse_deadline(text: str) -> str:
    """Read the last moment of a deadline, a date counting to the end of its day. Raises `VocabularyError`."""
    if not _DATE.fullmatch(text):
        return written(parse_time(text))
    return written(datetime.combine(parse_time(f"{text}T00:00:00Z"), time.max, UTC))


def written(moment: datetime) -> str:
    """Return the moment as RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")
