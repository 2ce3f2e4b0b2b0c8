"""What a time in a log may mean: the last moment of it, in whatever zone and year it was written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.ingest.log_times import LogTimes, parse_zone
from huissier.domain.vocabulary.errors import VocabularyError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(text: str, *, zone: str = "UTC", year: int | None = None, now: datetime = NOW) -> str:
    return LogTimes(lambda: now, parse_zone(zone), year).read(text).isoformat()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-02-28T10:00:00+01:00", "2026-02-28T09:00:00.999999+00:00"),
        ("2026-02-28T10:00:00.5+01:00", "2026-02-28T09:00:00.599999+00:00"),
        ("2026-02-28T10:00:00.123456Z", "2026-02-28T10:00:00.123456+00:00"),
        ("2026-02-28T10:00:00+0100", "2026-02-28T09:00:00.999999+00:00"),
        ("2026-02-28 10:00:00", "2026-02-28T10:00:00.999999+00:00"),
        ("Feb 28 10:00:00", "2026-02-28T10:00:00.999999+00:00"),
        ("Mar  2 11:59:59", "2026-03-02T11:59:59.999999+00:00"),  # clocks differ
        ("Mar  3 00:00:00", "2025-03-03T00:00:00.999999+00:00"),
        ("Dec 31 23:59:59", "2025-12-31T23:59:59.999999+00:00"),
        ("Feb 29 10:00:00", "2024-02-29T10:00:00.999999+00:00"),
    ],
)
def test_a_time_is_the_last_moment_it_may_mean(text: str, means: str) -> None:
    assert read(text) == means


def test_where_clocks_go_back_it_is_the_later_of_the_two() -> None:
    assert read("2025-10-26 02:30:00", zone="Europe/Paris") == "2025-10-26T01:30:00.999999+00:00"


def test_a_named_year_goes_on_over_the_end_of_the_year() -> None:
    times = LogTimes(lambda: NOW, UTC, 2019)
    assert [times.read(text).year for text in ("Dec 30 10:00:00", "Dec 31 10:00:00", "Jan  1 10:00:00")] == [
        2019,
        2019,
        2020,
    ]


def test_lines_out_of_order_around_the_new_year_move_it_once() -> None:
    times = LogTimes(lambda: NOW, UTC, 2019)
    told = [
        "Dec 31 23:59:59",
        "Jan  1 00:00:00",
        "Dec 31 23:59:59",
        "Dec 31 23:59:58",
        "Jan  1 00:00:01",
        "Feb  1 00:00:00",
    ]
    assert [times.read(text).year for text in told] == [2019, 2020, 2019, 2019, 2020, 2020]


@pytest.mark.parametrize(
    ("first", "then", "year"),
    [
        ("Nov 28", "Jan  3", 2020),
        ("Dec 28", "Feb  3", 2020),
        ("Jan  1", "Dec 24", 2018),
        ("Jan 10", "Jun 20", 2019),
        ("Mar  1", "Feb 28", 2019),
        ("Jan  5", "Oct 31", 2019),
        ("Jan 10", "Dec  9", 2019),
    ],
)
def test_a_time_is_of_the_first_year_in_which_it_is_no_month_before_the_last_one(
    first: str, then: str, year: int
) -> None:
    times = LogTimes(lambda: NOW, UTC, 2019)
    assert [times.read(f"{day} 10:00:00").year for day in (first, then)] == [2019, year]


def test_a_29th_of_february_is_of_the_leap_year_that_is_near() -> None:
    times = LogTimes(lambda: NOW, UTC, 2019)
    assert [times.read(f"{day} 10:00:00").year for day in ("Dec 31", "Feb 29")] == [2019, 2020]


@given(days=st.lists(st.integers(-31, 330), max_size=50))
def test_a_year_is_known_as_long_as_no_line_is_a_month_before_another_or_eleven_behind(days: list[int]) -> None:
    times, moment = LogTimes(lambda: NOW, UTC, 2500), datetime(2500, 6, 1, tzinfo=UTC)
    times.read("Jun  1 10:00:00")
    for number in days:
        moment += timedelta(days=number)
        assert times.read(f"{moment:%b} {moment.day:2} 10:00:00").date() == moment.date()


@pytest.mark.parametrize("text", ["Foo 28 10:00:00", "Feb 30 10:00:00", "2026-02-28T25:00:00Z", "10:00", ""])
def test_what_is_no_time_is_told_so(text: str) -> None:
    with pytest.raises(VocabularyError):
        read(text)


@pytest.mark.parametrize("text", ["Nowhere/Land", "+99:00", "", "../etc/passwd"])
def test_what_is_no_zone_is_told_so(text: str) -> None:
    with pytest.raises(VocabularyError):
        parse_zone(text)


@given(st.integers(0, 364 * 24 * 3600))
def test_a_time_of_the_last_year_is_read_back_without_its_year(seconds: int) -> None:
    moment = (NOW - timedelta(seconds=seconds)).replace(tzinfo=None)
    written = f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}"
    expected = moment.replace(microsecond=0, tzinfo=UTC) + timedelta(seconds=1) - timedelta(microseconds=1)
    assert read(written) == expected.isoformat()
