"""Months as a French operator counts them: they begin and end at midnight in Paris.

The legal time of France since 1996: two hours ahead of UTC from the last Sunday of March to the last Sunday of October,
otherwise one. Both Sundays lie inside their month, so its end has the new time already. Written out because the same
log must give the same months on every machine, whatever its database of time zones.
"""

import re
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Final

from huissier.domain.vocabulary.times import FIRST, LAST

_WRITTEN: Final = re.compile(r"2[0-9]{3}-(?:0[1-9]|1[0-2])")
_FIRST_HOUR: Final = 22  # in UTC: the first of a month's last day that may belong to the next month
_FIRST_LAST_DAY: Final = 28


def month_of(at: datetime) -> int:
    """Return the month of a time (UTC) as AAAAMM."""
    month = at.year * 100 + at.month
    if at.hour < _FIRST_HOUR or at.day < _FIRST_LAST_DAY:
        return month
    is_over = at.day == monthrange(at.year, at.month)[1] and at.hour >= 24 - _hours_ahead(month)
    return next_month(month) if is_over else month


def next_month(month: int) -> int:
    """Return the month after one, both as AAAAMM."""
    return month + 89 if month % 100 == 12 else month + 1


def end_of(month: int) -> datetime:
    """Return when a month (AAAAMM) ends and the next one begins, in UTC, or the calendar's bound for one beyond it."""
    year, number = divmod(month, 100)
    if not MINYEAR <= year <= MAXYEAR:
        return FIRST if year < MINYEAR else LAST
    return datetime(year, number, monthrange(year, number)[1], 24 - _hours_ahead(month), tzinfo=UTC)


def start_of(month: int) -> datetime:
    """Return when a month (AAAAMM) begins, in UTC."""
    return end_of(month - 89 if month % 100 == 1 else month - 1)


def parse_month(text: str) -> int | None:
    """Read a month written `2026-10`, None where it is not one."""
    return int(text.replace("-", "")) if _WRITTEN.fullmatch(text) else None


def _hours_ahead(month: int) -> int:
    """Return how far Paris is ahead of UTC at the end of a month."""
    return 2 if 3 <= month % 100 <= 9 else 1
