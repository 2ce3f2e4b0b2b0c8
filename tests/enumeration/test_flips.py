"""What two rule sets judge differently is told completely, and nothing else is told."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from huissier.domain.reasons import Code
from huissier.domain.rule_set import RuleSet
from tests.enumeration.cubes import Told, cubes
from tests.enumeration.flips import flips, main, named
from tests.enumeration.render_flips import CHANGES, PAGE, part
from tests.properties import histories_looked_at

FACTS = [Told("one", ["a", "b", "c"]), Told("two", ["x", "y"]), Told("three", ["k", "l", "m"])]


@histories_looked_at(100)
@given(st.sets(st.sampled_from(list(product(*(fact.words for fact in FACTS)))), min_size=1))
def test_what_is_told_as_few_is_what_was_there(points: set[tuple[str, ...]]) -> None:
    found = cubes(points, FACTS)
    assert {point for cube in found for point in product(*cube)} == points


@pytest.mark.long
@pytest.mark.parametrize(("one", "other"), CHANGES, ids=[f"{one} to {other}" for one, other in CHANGES])
def test_the_page_tells_what_changes(one: str, other: str) -> None:
    """If this fails: `python -m tests.enumeration.render_flips`."""
    assert part(one, other).rstrip() in PAGE.read_text("utf-8")


def test_the_page_tells_nothing_else() -> None:
    assert PAGE.read_text("utf-8").count("\n## ") == len(CHANGES)


def test_a_rule_set_and_itself_judge_alike() -> None:
    assert flips(named("1.4"), named("1.4")) == []


def test_a_limit_of_one_domain_is_told_with_the_domain() -> None:
    rules = named("1.4+pharmacies")
    (flip,) = [
        flip
        for flip in flips(rules, structs.replace(rules, size_limits={"ch.fr": 10}))
        if flip.before == Code.PROFESSIONNEL_TO_PROFESSIONNEL
    ]
    assert flip.said == "accepted PROFESSIONNEL_TO_PROFESSIONNEL → refused MESSAGE_TOO_LARGE"
    assert flip.where["recipient_address"] == ["at ch.fr"]
    assert flip.where["size"] == ["over 25,000,000 bytes", "over 10 bytes and up to 25,000,000"]


def test_the_report_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["1.4+pharmacies", "1.4+pharmacies reopening=False"])
    said = capsys.readouterr().out
    assert said == (
        "accepted CONTACT_OPEN → refused CONTACT_ENDED\n"
        "  sender is: usager\n"
        "  recipient is: professionnel\n"
        "  contact: ended, then received\n"
    )


USUAL = named("1.4+pharmacies")


def where(other: RuleSet, fact: str) -> set[str]:
    """Return the words of a fact under which anything flips under another rule set."""
    return {words for flip in flips(USUAL, other) for words in flip.where.get(fact, ())}


@pytest.mark.long
def test_another_secteur_is_none_that_a_rule_set_names() -> None:
    found = where(structs.replace(USUAL, pharmacy_secteurs=frozenset({"SA00", "SA01"})), "recipient_mailbox_is")
    assert "ORG of secteur SA01" in found
    assert "ORG of another secteur" not in found


@pytest.mark.long
def test_versions_are_told_with_those_between_in_the_order_of_numbers() -> None:
    found = where(structs.replace(USUAL, usagers_since_referentiel="1.10"), "recipient_operator")
    assert any(words.endswith("Annexe 2 for 1.4 or later but before 1.10") for words in found)


@pytest.mark.long
def test_a_size_is_told_with_both_its_bounds() -> None:
    found = where(structs.replace(USUAL, usagers_size_limit=5), "size")
    assert found == {"over 5 bytes and up to 25,000,000"}
