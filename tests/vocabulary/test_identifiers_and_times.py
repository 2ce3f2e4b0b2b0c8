"""Identifiers of people and structures, versions of the référentiel, times and deadlines."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huissier.adapters.testing.hospital import ins
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.identifiers import (
    parse_adeli,
    parse_finess,
    parse_oid,
    parse_referentiel,
    parse_rpps,
    parse_secteur,
    version_key,
)
from huissier.domain.vocabulary.times import in_utc, parse_deadline, parse_time, written
from tests.vocabulary import read_or_refused

Parse = Callable[[str], str]

GOOD: list[tuple[Parse, str, str]] = [
    (parse_rpps, "10000000001", "10000000001"),
    (parse_adeli, "750000001", "750000001"),
    (parse_adeli, "2a0000001", "2A0000001"),
    (parse_finess, "990000001", "990000001"),
    (parse_finess, "2b0000001", "2B0000001"),
    (parse_secteur, "SA33", "SA33"),
    (parse_secteur, "sa07", "SA07"),
    (parse_oid, "1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.8"),
    (parse_oid, "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.9"),
    (parse_oid, "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.10"),
    (parse_oid, "1.2.250.1.213.1.4.11", "1.2.250.1.213.1.4.11"),
    (parse_referentiel, "1.4", "1.4"),
    (parse_referentiel, "1.3.1", "1.3.1"),
    (parse_referentiel, "2", "2"),
    (parse_referentiel, "1.2.3.4", "1.2.3.4"),
    (parse_deadline, "2026-12-31", "2026-12-31T23:59:59.999999Z"),
    (parse_deadline, "2024-02-29", "2024-02-29T23:59:59.999999Z"),
    (parse_deadline, "9999-12-31", "9999-12-31T23:59:59.999999Z"),
    (parse_deadline, "2026-12-31T12:00:00Z", "2026-12-31T12:00:00Z"),
    (parse_deadline, "2026-12-31T12:00:00.5+01:00", "2026-12-31T11:00:00.500000Z"),
]

BAD: list[tuple[Parse, list[str]]] = [
    (parse_rpps, ["", "1000000000", "100000000010", "1000000000a", "10000 00001", "１0000000001", "10000000001\n"]),
    (parse_adeli, ["", "75000000", "7500000010", "2C0000001", "A20000001", "75 000001", "750000001\n"]),
    (parse_finess, ["", "99000000", "9900000010", "2C0000001", "99000000A", "²90000001"]),
    (parse_secteur, ["", "SA", "SA3", "SA333", "33", "SB33", "SA 33", "SA３３", "\u017fA33"]),
    (
        parse_oid,
        ["", "1.2.250.1.213.1.5.8", "1.2.250.1.213.1.4.12", "\t1.2.250.1.213.1.4.8", "urn:oid:1.2.250.1.213.1.4.8"],
    ),
    (
        parse_referentiel,
        ["", ".", "1.", ".4", "1..4", "v1.4", "1.4 ", "1,4", "1.4-beta", "1.2.3.4.5", "12345", "-1", "１.4"],
    ),
    (
        parse_deadline,
        [
            "",
            "2026",
            "2026-12",
            "31/12/2026",
            "2026-13-01",
            "2026-02-29",
            "0000-01-01",
            "2026-12-31T24:00:01Z",
            "2026-12-31T12:00:00",
            "2026-12-31T12:00",
            "2026-12-31Z",
            "2026-12-31 ",
            "２026-12-31",
        ],
    ),
]
EVERY_PARSER: list[Parse] = [parse for parse, _ in BAD]


@pytest.mark.parametrize(("parse", "text", "canonical"), GOOD)
def test_a_good_word_is_brought_to_one_spelling(parse: Parse, text: str, canonical: str) -> None:
    assert parse(text) == canonical
    assert parse(canonical) == canonical


@pytest.mark.parametrize(("parse", "text"), [(parse, text) for parse, texts in BAD for text in texts])
def test_a_bad_word_is_refused_without_repeating_it(parse: Parse, text: str) -> None:
    assert read_or_refused(parse, text) is None


@pytest.mark.parametrize("parse", EVERY_PARSER)
def test_an_ins_is_none_of_them_in_any_spelling(parse: Parse) -> None:
    value = ins(1)
    for text in (value, value[:13], f"{value[:4]}.{value[4:8]}.{value[8:12]}.{value[12:]}"):
        assert read_or_refused(parse, text) is None


@pytest.mark.parametrize("parse", EVERY_PARSER)
@given(
    text=st.text(st.characters())
    | st.text(st.sampled_from("0123456789.-:TZ+ABSaé "), max_size=30)
    | st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,20})?(Z|[+-][0-9]{2}:[0-9]{2}))?"
    )
)
@example(text="2026-10-31T09:00:60Z")
@example(text="2026-10-31T09:00:00.179129900000133+99:99")
@example(text="2026-10-31T09:00:00+24:00")
@example(text="0001-01-01T00:00:00+00:01")
@example(text="9999-12-31T23:59:59.999999-00:01")
def test_any_text_is_read_once_for_all_or_refused_without_repeating_it(parse: Parse, text: str) -> None:
    canonical = read_or_refused(parse, text)
    if canonical is not None:
        assert parse(canonical) == canonical


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.1.0", "1.2"),
        ("1.2", "1.3"),
        ("1.3", "1.3.1"),
        ("1.3.1", "1.4"),
        ("1.4", "1.10"),
        ("1.9", "1.10"),
        ("1.4", "2"),
    ],
)
def test_versions_are_ordered_by_their_numbers(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


@pytest.mark.parametrize("same", ["1.4", "1.4.0", "1.4.0.0", "01.4"])
def test_zeros_change_no_version(same: str) -> None:
    assert version_key(same) == version_key("1.4")


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=4), st.lists(st.integers(0, 9999), min_size=1, max_size=4))
def test_versions_compare_as_lists_of_numbers_filled_up_with_zeros(one: list[int], other: list[int]) -> None:
    def filled(numbers: list[int]) -> list[int]:
        return [*numbers, 0, 0, 0][:4]

    keys = [version_key(".".join(map(str, numbers))) for numbers in (one, other)]
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (filled(one) < filled(other), filled(one) == filled(other))


ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)


@given(MOMENTS)
def test_a_time_is_the_same_moment_in_utc_and_reads_back(moment: datetime) -> None:
    assert in_utc(moment) == moment
    assert in_utc(moment).tzinfo is UTC
    assert parse_time(moment.isoformat()) == moment
    assert parse_time(written(in_utc(moment))) == moment
    assert written(in_utc(moment)).endswith("Z")


@given(MOMENTS)
def test_a_deadline_given_as_a_time_is_that_time(moment: datetime) -> None:
    assert parse_time(parse_deadline(moment.isoformat())) == moment


@given(st.dates(max_value=datetime(9999, 12, 30).date()))
def test_a_deadline_given_as_a_date_is_its_last_microsecond(date: object) -> None:
    last = parse_time(parse_deadline(str(date)))
    assert str(last.date()) == str(date)
    assert str((last + timedelta(microseconds=1)).date()) != str(date)


@pytest.mark.parametrize("text", ["2026-10-31T09:00:00Z", "2026-10-31t09:00:00z", "2026-10-31 10:00:00+01:00"])
def test_rfc_3339_is_read_in_its_spellings(text: str) -> None:
    assert parse_time(text) == datetime(2026, 10, 31, 9, tzinfo=UTC)


def test_more_than_microseconds_are_cut() -> None:
    assert parse_time("2026-10-31T09:00:00.1234569Z").microsecond == 123456


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(VocabularyError, match="zone"):
        in_utc(datetime(2026, 10, 31))


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
    ],
)
def test_a_time_outside_the_calendar_is_refused(moment: datetime) -> None:
    with pytest.raises(VocabularyError, match="calendar"):
        in_utc(moment)
