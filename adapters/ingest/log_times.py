"""The times of a log: traditional ones have neither year nor zone, and most stop at the second."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from huissier.domain.vocabulary.errors import VocabularyError

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_TRADITIONAL: Final = re.compile(r"([A-Z][a-z]{2}) ([ 0-9][0-9]) ([0-9]{2}:[0-9]{2}:[0-9]{2})")
_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_OUT_OF_ORDER: Final = timedelta(days=31)
_OF_A_DAY: Final = len("Oct 31")
_AHEAD: Final = timedelta(days=1)  # clocks differ; a day of last year is not meant by it
_YEARS_BACK: Final = 8  # there may be seven between two 29ths of February


def parse_zone(text: str) -> tzinfo:
    """Read a zone's name such as Europe/Paris, or an offset such as +01:00. Raises `VocabularyError`."""
    try:
        if (offset := _OFFSET.fullmatch(text)) is not None:
            sign, hours, minutes = offset.groups()
            return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise VocabularyError("not a zone such as Europe/Paris or +01:00") from None


class LogTimes:
    """Reads the times of one log, one line after the other."""

    def __init__(self, clock: Callable[[], datetime], zone: tzinfo | None = None, year: int | None = None) -> None:
        """`zone`: of times that name none, the machine's by default. `year`: of the first traditional time.

        Without a year a time is the last such one that is not in the future.
        """
        self._clock = clock
        self._zone = zone
        self.given = year
        self._day: date | None = None
        self._passed = ""
        self._last: tuple[str, datetime] | None = None  # many lines of a busy log share one

    @property
    def day(self) -> tuple[int, int, int] | None:
        """Year, month and day of the last traditional time, where a year was given."""
        return None if self._day is None else (self._day.year, self._day.month, self._day.day)

    def go_on_from(self, day: tuple[int, int, int]) -> None:
        """Take a day that `day` told for the last one, where a year was given: it was that of an earlier reading."""
        if self.given is not None:
            self._day = date(*day)

    def pass_by(self, text: str) -> None:
        """Know of a time that is not asked for, where a year was given: the next one is behind it."""
        if self.given is not None and text[:_OF_A_DAY] != self._passed:
            self._passed = text[:_OF_A_DAY]
            with suppress(VocabularyError):
                self.read(text)

    def read(self, text: str) -> datetime:
        """Return the last moment, in UTC, that a time may mean: 10:00:00 is somewhere in that second.

        Raises `VocabularyError`.
        """
        if self._last is None or text != self._last[0]:
            self._last = (text, self._read(text))
        return self._last[1]

    def _read(self, text: str) -> datetime:
        try:
            if (found := _ISO.fullmatch(text)) is not None:
                day, time, fraction, zone = found.groups()
                return self._in_utc(datetime.fromisoformat(f"{day}T{time}.{(fraction or '')[:6]:9<6}"), zone)
            if (found := _TRADITIONAL.fullmatch(text)) is not None:
                return self._traditional(_MONTHS.index(found[1]) + 1, int(found[2]), found[3])
        except (ValueError, OverflowError):
            pass
        raise VocabularyError("not a time of syslog")

    def _traditional(self, month: int, day: int, time: str) -> datetime:
        if self.given is not None:
            self._day = self._next_day(month, day, self.given)
            return self._in_utc(datetime.fromisoformat(f"{self._day}T{time}.999999"))
        latest = self._clock() + _AHEAD
        for year in range(latest.year, latest.year - _YEARS_BACK, -1):
            try:
                moment = self._in_utc(datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{time}.999999"))
            except ValueError:  # 29 February of another year
                continue
            if moment <= latest:
                return moment
        raise ValueError

    def _next_day(self, month: int, day: int, given: int) -> date:
        """Return the first such day behind the one before, or some days before it: lines may be out of order."""
        before = self._day
        if before is None:
            return date(given, month, day)
        earliest = before - _OUT_OF_ORDER
        for year in range(earliest.year, earliest.year + _YEARS_BACK + 1):
            with suppress(ValueError):  # 29 February of another year
                if (found := date(year, month, day)) >= earliest:
                    return found
        raise ValueError

    def _in_utc(self, moment: datetime, zone: str | None = None) -> datetime:
        """Place a time in its zone; where clocks go back, the later of the two it may be."""
        if zone is not None:
            return moment.replace(tzinfo=UTC if zone == "Z" else parse_zone(zone)).astimezone(UTC)
        if self._zone is not None:
            moment = moment.replace(tzinfo=self._zone)
        return moment.replace(fold=1).astimezone(UTC)
