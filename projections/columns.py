"""Values as the tables of read models keep them: times as numbers, words in the order of their bytes."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

BytewiseText: Final = Text().with_variant(Text(collation="C"), "postgresql")  # SQLite compares bytes anyway


def micros(moment: datetime) -> int:
    """Return a time as microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(number: int) -> datetime:
    """Return the time that is so many microseconds after 1970, UTC."""
    return _EPOCH + number * _MICROSECOND
