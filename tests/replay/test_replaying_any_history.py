"""Whatever was asked: what an engine recorded is what a replay finds, and sharing the work changes nothing."""

from hypothesis import given

from huissier.adapters.audit.replay.crew import Share
from huissier.adapters.audit.replay.replaying import Replaying
from huissier.adapters.testing.strategies import histories, options
from huissier.domain.commands import AnyCommand
from huissier.domain.rule_set import Options
from tests.properties import histories_looked_at, told_shortly
from tests.replay.told import differences, lived

History = list[AnyCommand]


@histories_looked_at(40)
@given(history=histories(), options=options())
@told_shortly
def test_a_replay_of_what_an_engine_recorded_finds_no_difference(history: History, options: Options) -> None:
    assert differences(lived(history, options)) == []


@histories_looked_at(20)
@given(history=histories(), options=options())
@told_shortly
def test_shares_together_check_every_fact_once_and_find_no_difference(history: History, options: Options) -> None:
    source = lived(history, options)
    for of in (2, 3):
        facts = 0
        for number in range(of):
            with Replaying(1, Share(number, of)) as part:
                assert [found for row in source.facts for found in part.take(row)] == []
                facts += part.tally["facts",]
        assert facts == source.head
