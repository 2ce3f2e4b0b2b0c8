"""Options as words: what cannot be one is told with its name, and what may stand there."""

from datetime import UTC, datetime

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
        ("avenant_for_contracts_before=2020", "avenant_for_contracts_before: not an RFC 3339 time"),
        ("avenant_for_contracts_before=2020-02-01", "avenant_for_contracts_before: not an RFC 3339 time"),
    ],
)
def test_what_is_no_option_is_told_with_its_name(word: str, told: str) -> None:
    with pytest.raises(VocabularyError) as refused:
        Options.read([word])
    assert str(refused.value).startswith(told)
