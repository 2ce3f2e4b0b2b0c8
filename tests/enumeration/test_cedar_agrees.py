"""Cedar, whose policies say the rules a second time, comes to the same outcomes for the same reasons."""

from collections.abc import Sequence

import cedarpy
import pytest
from hypothesis import given

from huissier import AnyCommand, Options
from huissier.adapters.log import codec
from huissier.adapters.testing.strategies import histories, options
from huissier.domain.reasons import TABLE, Code
from huissier.domain.rules import RULES, Exchange
from tests.enumeration.paths import JUDGES, paths
from tests.enumeration.situations import exchange, judged, situations
from tests.properties import histories_looked_at, told_shortly
from tests.reference.cedar import POLICIES, SCHEMA, Opinion, opinions
from tests.reference.exchanges import exchanges_in
from tests.replay.told import lived

REFUSALS = {str(code) for code, _ in RULES}


def expected(codes: Sequence[str]) -> Opinion:
    return Opinion(not REFUSALS.intersection(codes), frozenset(codes))


def agree(asked: list[Exchange]) -> None:
    for x, opinion in zip(asked, opinions(asked), strict=True):
        assert opinion == expected(judged(x)), x


def test_the_policies_say_only_what_the_schema_knows() -> None:
    found = cedarpy.validate_policies(POLICIES, SCHEMA)
    assert found.validation_passed, found.errors


def test_there_is_a_policy_for_every_reason_that_the_rules_give() -> None:
    given = REFUSALS | {str(code) for code, entry in TABLE.items() if entry.kind == "acceptance"}
    assert {line.split('"')[1] for line in POLICIES.splitlines() if line.startswith("@id")} == given


@pytest.mark.parametrize("judge", JUDGES)
def test_cedar_agrees_on_every_form_that_a_rule_tells_from_others(judge: str) -> None:
    agree([path.x for path in paths(judge)])


@pytest.mark.long
def test_cedar_agrees_in_every_situation() -> None:
    agree([exchange(situation) for situation in situations()])


@histories_looked_at(20)
@given(history=histories(), options=options())
@told_shortly
def test_cedar_agrees_with_every_verdict_of_any_history(history: list[AnyCommand], options: Options) -> None:
    log = [codec.decode(row.data, row.position).event for row in lived(history, options).facts]
    told = list(exchanges_in(log))
    for (x, verdict), opinion in zip(told, opinions([x for x, _ in told]), strict=True):
        own = [reason.code for reason in verdict.reasons if reason.code != Code.OTHER_RECIPIENT_REFUSED]
        if own:  # who is refused for another's sake alone is somebody the rules let through
            assert opinion == expected(own), x
        else:
            assert opinion.allowed, x
