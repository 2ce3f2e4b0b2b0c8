"""Options as words: what cannot be one is told with its name, and what may stand there."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.errors import VocabularyError


def test_words_say_what_differs_from_the_defaults() -> None:
    words = ["reopening=false", "withdrawal_grace_days=3", "avenant_for_contracts_before=2019-01-08T00:00:00+01:00"]
    assert Options.read(words) == Options(
        reopening=False, withdrawal_grace_days=3, avenant_for_contracts_before=datetime(2019, 1, 7, 23, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("moon=1", "moon: there is no such key"),
        ("fin_header", "fin_header: Invalid enum value '', but 'no-reply', 'ends-contact' are known"),
        ("fin_header=maybe", "fin_header: Invalid enum value 'maybe', but 'no-reply', 'ends-contact' are known"),
        ("withdrawal_grace_days=-1", "withdrawal_grace_days: Expected `int` >= 0"),
        ("shadow_reasons=CONTACT_OPEN", "shadow_reasons: 'CONTACT_OPEN' is no reason to refuse a message"),
        # The library would take it for seconds since 1970.
        ("avenant_for_contracts_before=2020", "avenant_for_contracts_before: a number is no time"),
        ("avenant_for_contracts_before=1.5e9", "avenant_for_contracts_before: a number is no time"),
        ("avenant_for_contracts_before=2020-02-01", "avenant_for_contracts_before: Invalid RFC3339 encoded datetime"),
    ],
)
def test_what_is_no_option_is_told_with_its_name(word: str, told: str) -> None:
    with pytest.raises(VocabularyError) as refused:
        Options.read([word])
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize("zone", ["+01:00", "-00:30", "+23:59", "+00:00"])
def test_what_differs_is_written_as_it_is_read_also_in_another_zone(zone: str) -> None:
    moment = datetime.fromisoformat(f"2020-02-01T00:00:00{zone}")
    written = Options(avenant_for_contracts_before=moment).differences()
    assert written.endswith(zone) or moment == Options().avenant_for_contracts_before
    assert Options.read(written.split()).differences() == written


def test_a_time_that_could_not_be_read_again_is_refused() -> None:
    with pytest.raises(VocabularyError, match="whole minutes"):
        Options(avenant_for_contracts_before=datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Paris")))
