"""Months begin and end at midnight in Paris, whatever database of time zones a machine has."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.testing.hospital import INSTANT, moment
from huissier.projections.months import end_of, month_of, next_month, parse_month, start_of

PARIS = ZoneInfo("Europe/Paris")
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))
MONTHS = st.builds(lambda year, month: year * 100 + month, st.integers(2000, 2037), st.integers(1, 12))


@given(MOMENTS)
def test_a_time_is_in_the_month_that_paris_has_then(at: datetime) -> None:
    there = at.astimezone(PARIS)
    assert month_of(at) == there.year * 100 + there.month


@given(MONTHS)
def test_a_month_is_all_between_its_start_and_its_end(month: int) -> None:
    assert start_of(month).astimezone(PARIS) == datetime(month // 100, month % 100, 1, tzinfo=PARIS)
    assert month_of(start_of(month)) == month_of(end_of(month) - INSTANT) == month
    assert month_of(end_of(month)) == next_month(month)
    assert start_of(next_month(month)) == end_of(month)


def test_months_at_the_bounds_of_the_calendar_end_with_it() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert (month_of(first), start_of(month_of(first))) == (101, first)
    assert start_of(month_of(last)) == end_of(999912) == last.replace(hour=23, minute=0, second=0, microsecond=0)
    assert end_of(month_of(last)) == last


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-09-30T21:59:59", 202609),
        ("2026-09-30T22:00:00", 202610),
        ("2026-10-31T22:59:59", 202610),
        ("2026-10-31T23:00:00", 202611),
        ("2026-03-31T21:59:59", 202603),
        ("2026-03-31T22:00:00", 202604),
        ("2026-12-31T23:00:00", 202701),
        ("2024-02-28T23:30:00", 202402),
        ("2024-02-29T23:30:00", 202403),
    ],
)
def test_the_last_hours_in_utc_belong_to_the_next_month(at: str, month: int) -> None:
    assert month_of(moment(at)) == month


def test_the_ends_of_the_calendar_have_a_month() -> None:
    assert month_of(datetime.min.replace(tzinfo=UTC)) == 101
    assert month_of(datetime.max.replace(tzinfo=UTC) - timedelta(hours=2)) == 999912


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "202610", "2026-1", " 2026-10", "2026-10\n", "٢٠٢٦-١٠", ""])
def test_what_is_not_a_month_is_not_read(text: str) -> None:
    assert parse_month(text) is None
    assert parse_month("2026-10") == 202610
