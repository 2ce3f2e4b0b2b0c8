"""Rule 14: what was allowed on a date depends on the rules in force on that date."""

from datetime import datetime

import msgspec
import pytest

from huissier import Options, SignInstrument, VocabularyError
from huissier.adapters.testing.hospital import (
    DAY,
    DOCTOR,
    INSTANT,
    NOW,
    SURGEON,
    USAGER,
    hospital,
    moment,
    patients,
    reach,
    world,
    write,
)
from huissier.domain.rule_set import SHIPPED, RuleBook
from tests.scenarios.story import Story

V1_4 = moment("2021-05-26")
MIXED = moment("2021-06-10")
PHARMACIES = moment("2023-05-22")


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def rules_of_the_last_decision(story: Story) -> str:
    with story.engine.recorder.reading() as look:
        ((_, data, _),) = look.after(look.head - 1, 1)
    return str(msgspec.json.decode(data)["event"]["rules"])


def test_version_1_4_brings_in_usagers_from_its_very_instant_on(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, at=V1_4 - INSTANT)).then_refused("OPERATOR_NOT_COMMITTED").then_rests_on()
    story.when(write(DOCTOR, USAGER, at=V1_4)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_before_it_even_remote_usagers_take_no_part() -> None:
    story = Story().given(*hospital(), *patients(hosted=False))
    story.when(write(DOCTOR, USAGER, at=V1_4 - INSTANT)).then_refused("OPERATOR_NOT_COMMITTED")
    story.when(write(USAGER, DOCTOR, at=V1_4 - INSTANT)).then_refused("OPERATOR_NOT_COMMITTED", "CONTACT_NOT_OPENED")


def test_before_it_there_was_no_limit_for_usagers_and_professionnels_wrote_as_ever(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, size=25_000_001, at=V1_4 - INSTANT)).then_refused("OPERATOR_NOT_COMMITTED")
    story.when(write(DOCTOR, USAGER, size=25_000_001, at=V1_4)).then_refused("MESSAGE_TOO_LARGE")
    story.when(write(DOCTOR, SURGEON, at=V1_4 - INSTANT)).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")


def test_before_it_a_mixture_is_refused_with_everything_that_holds(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, USAGER, at=V1_4 - INSTANT))
    story.then_verdict(SURGEON, "MIXED_RECIPIENTS").then_verdict(USAGER, "OPERATOR_NOT_COMMITTED", "MIXED_RECIPIENTS")


def test_an_operator_commits_in_its_own_time() -> None:
    """The version in force for an operator is the one it has committed to by then."""
    slow = Story().given(
        *(c for c in world() if not (isinstance(c, SignInstrument) and c.operator == "ght-exemple" and c.referentiel)),
        SignInstrument(at=moment("2021-09-01"), operator="ght-exemple", instrument="annexe-2", referentiel="1.4"),
    )
    slow.when(write(DOCTOR, USAGER, at=V1_4)).then_refused("OPERATOR_NOT_COMMITTED")
    slow.when(write(DOCTOR, USAGER, at=moment("2021-09-01"))).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_a_late_command_is_judged_by_the_rules_of_its_own_date(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, at=V1_4))
    story.when(write(DOCTOR, SURGEON, USAGER, at=NOW))
    story.then_verdict(SURGEON, "PROFESSIONNEL_TO_PROFESSIONNEL").then_verdict(USAGER, "PROFESSIONNEL_TO_USAGER")
    story.when(write(DOCTOR, SURGEON, USAGER, at=MIXED - INSTANT)).then_refused("MIXED_RECIPIENTS")
    story.when(write(USAGER, DOCTOR, at=MIXED)).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (moment("2016-09-15"), "1.3.1"),
        (moment("2020-03-11"), "1.3.1"),
        (V1_4 - INSTANT, "1.3.1"),
        (V1_4, "1.4"),
        (MIXED - INSTANT, "1.4"),
        (MIXED, "1.4+mixed-recipients"),
        (PHARMACIES - INSTANT, "1.4+mixed-recipients"),
        (PHARMACIES, "1.4+pharmacies"),
        (moment("2126-01-01"), "1.4+pharmacies"),
    ],
)
def test_each_date_has_its_rule_set_and_the_decision_names_it(story: Story, at: datetime, name: str) -> None:
    story.when(write(DOCTOR, SURGEON, at=at))
    assert rules_of_the_last_decision(story) == name
    assert RuleBook().at(at).name == name


def test_the_decision_names_the_options_that_are_not_at_their_default() -> None:
    options = Options(reopening=False, withdrawal_grace_days=3, avenant_for_contracts_before=moment("2019-01-01"))
    story = Story(options).given(*world()).when(write(DOCTOR, SURGEON))
    assert rules_of_the_last_decision(story) == (
        "1.4+pharmacies reopening=False withdrawal_grace_days=3 avenant_for_contracts_before=2019-01-01T00:00:00+00:00"
    )


def test_rule_sets_may_be_given_in_any_order() -> None:
    book = RuleBook(rule_sets=tuple(reversed(SHIPPED)))
    assert [book.at(rules.since).name for rules in SHIPPED] == [rules.name for rules in SHIPPED]


def test_the_options_stand_under_every_rule_set() -> None:
    book = RuleBook(Options(fin_header="ends-contact"))
    assert {book.at(rules.since).options.fin_header for rules in SHIPPED} == {"ends-contact"}


def test_an_option_that_is_a_date_names_its_zone() -> None:
    with pytest.raises(VocabularyError, match="avenant_for_contracts_before"):
        Options(avenant_for_contracts_before=moment("2020-02-01").replace(tzinfo=None))


def test_the_answer_of_the_day_stands_whatever_is_asked_later(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, id="too early", at=V1_4 - DAY)).then_refused("OPERATOR_NOT_COMMITTED")
    story.when(write(DOCTOR, USAGER, id="too early", at=NOW)).then_refused("OPERATOR_NOT_COMMITTED")
