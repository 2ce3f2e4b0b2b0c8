"""What if other rules had held: the counterfactual is what an engine under those rules answers to the same commands."""

import itertools
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from msgspec import structs

from huissier import SubmitMessage
from huissier.adapters.audit.replay.crew import Share
from huissier.adapters.audit.replay.what_if import Flip, Reading, Supposing, report_of
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.adapters.testing import hospital as w
from huissier.adapters.testing.reference.twin import Twin
from huissier.adapters.testing.strategies import histories, options
from huissier.domain.commands import AnyCommand
from huissier.domain.events import MessageDecided
from huissier.domain.rule_set import SHIPPED, Options
from huissier.domain.vocabulary.ins import mentions_ins
from huissier.domain.what_if import Instead, outcome
from tests.properties import histories_looked_at, told_shortly
from tests.replay.told import NOW, RowsSource, lived, log_of
from tests.stores import KEY

History = list[AnyCommand]
READINGS: Final[tuple[Reading, ...]] = get_args(Reading)
AS_IT_WAS = Instead(SHIPPED, {})


def supposed(source: RowsSource, instead: Instead, reading: Reading, of: int = 1) -> tuple[list[Flip], Any]:
    """Return the flips and the report, the work shared within this process."""
    flips: list[Flip] = []
    tally: Any = {}
    for number in range(of):
        with Supposing(instead, reading, Share(number, of)) as part:
            flips += [found for row in source.facts for found in part.take(row)]
            tally = part.tally + tally if tally else part.tally
    return sorted(flips, key=lambda flip: (flip.position, flip.recipient)), report_of(tally, reading)


def instead_of(options: Options) -> Instead:
    """Return the shipped rule sets under these options, but for the one that decides which addresses can be read."""
    return Instead(SHIPPED, {name: value for name, value in structs.asdict(options).items() if name != "ins_key"})


def decisions(source: RowsSource) -> dict[str, MessageDecided]:
    events = (codec.decode(row.data, row.position).event for row in source.facts)
    return {event.id: event for event in events if isinstance(event, MessageDecided)}


def verdicts(decided: MessageDecided) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {v.recipient: (outcome(v), tuple(reason.code for reason in v.reasons)) for v in decided.verdicts}


@histories_looked_at(20)
@given(history=histories(), options=options())
@told_shortly
def test_under_the_same_rules_nothing_flips(history: History, options: Options) -> None:
    source = lived(history, options)
    for reading in READINGS:
        flips, report = supposed(source, AS_IT_WAS, reading)
        assert flips == []
        assert (report.other_reasons, report.contacts_affected, report.deliveries_lost) == (0, 0, 0)


def without_rcpt(history: History) -> History:
    """Leave out the stage at which a permission leaves no fact: nobody can decide again what is not in the log."""
    return [
        structs.replace(c, stage=None) if isinstance(c, SubmitMessage) and c.stage == "rcpt" else c for c in history
    ]


@histories_looked_at(30)
@given(history=histories().map(without_rcpt), options=options(), others=options())
@told_shortly
def test_the_counterfactual_is_what_an_engine_under_these_rules_answers_to_the_same_commands(
    history: History, options: Options, others: Options
) -> None:
    others = structs.replace(others, ins_key=options.ins_key)
    was, would = lived_alike(history, options), lived_alike(history, others)
    flips, _ = supposed(was, instead_of(others), "counterfactual")
    told = {(flip.id, flip.recipient): (flip.after, flip.after_reasons) for flip in flips}
    expected, before = decisions(would), decisions(was)
    assert expected.keys() == before.keys()
    for id_, decided in expected.items():
        found = verdicts(before[id_])
        assert found.keys() == verdicts(decided).keys()
        for to, (what, codes) in verdicts(decided).items():
            if found[to][0] != what:
                assert told[id_, to] == (what, codes)
            else:
                assert (id_, to) not in told


def lived_alike(history: History, options: Options) -> RowsSource:
    """Return the log of a history whose usagers and digests are called the same each time."""
    letters = ("".join(some) for some in itertools.product("abcdefghij", repeat=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huissier.adapters.deciding.identify.new_usager_id", lambda: next(letters))
        with Engine("sqlite://", clock=lambda: NOW, options=options, environment=KEY) as engine:
            for command in history:
                engine.handle(command)
            return log_of(engine)


@histories_looked_at(20)
@given(history=histories().map(without_rcpt), options=options(), others=options())
@told_shortly
def test_the_counterfactual_agrees_with_the_twin_under_these_rules(
    history: History, options: Options, others: Options
) -> None:
    others = structs.replace(others, ins_key=options.ins_key)
    was, twin = lived_alike(history, options), Twin(others)
    answered: dict[str, list[str]] = {}
    for command in history:
        answer = twin.handle(command)
        if isinstance(command, SubmitMessage) and not mentions_ins(command.id):
            spelled = {v.recipient: "in shadow" if v.shadow else v.outcome for v in answer.verdicts}
            answered.setdefault(command.id, sorted(spelled.values()))
    flips, _ = supposed(was, instead_of(others), "counterfactual")
    told = {(flip.id, flip.recipient): flip.after for flip in flips}
    for id_, decided in decisions(was).items():
        outcomes = [told.get((id_, v.recipient), outcome(v)) for v in decided.verdicts]
        if id_ in answered:
            assert set(outcomes) == set(answered[id_])


@histories_looked_at(12)
@given(history=histories(), options=options(), others=options())
@told_shortly
def test_shares_together_find_the_same_flips_and_counts(history: History, options: Options, others: Options) -> None:
    source, instead = lived(history, options), instead_of(others)
    for reading in READINGS:
        alone = supposed(source, instead, reading)
        assert supposed(source, instead, reading, of=3) == alone


CONVERSATION = (
    *w.world(),
    w.write(w.USAGER, w.DOCTOR, id="too-early"),
    w.write(w.DOCTOR, w.USAGER, id="large", size=9_000_000),
    w.received("large", w.USAGER),
    w.write(w.USAGER, w.DOCTOR, id="answer"),
    w.write(w.DOCTOR, w.SURGEON, id="colleagues"),
)


def with_limit(limit: int) -> Instead:
    return Instead((structs.replace(SHIPPED[-1], since=SHIPPED[0].since, usagers_size_limit=limit),), {})


def test_with_facts_as_they_were_only_the_message_itself_would_be_refused() -> None:
    flips, report = supposed(lived(CONVERSATION), with_limit(1_000_000), "fixed")
    assert [(flip.id, flip.before, flip.after, flip.after_reasons) for flip in flips] == [
        ("large", "accepted", "refused", ("MESSAGE_TOO_LARGE",))
    ]
    assert report.reasons == {"accepted to refused": {"MESSAGE_TOO_LARGE": 1}}
    assert report.domains == {"accepted to refused": {w.HOSPITAL: 1, w.PATIENTS: 1}}
    assert report.contacts_affected == 1


def test_what_follows_from_it_is_that_the_usager_could_not_have_answered() -> None:
    flips, report = supposed(lived(CONVERSATION), with_limit(1_000_000), "counterfactual")
    assert [(flip.id, flip.after_reasons) for flip in flips] == [
        ("large", ("MESSAGE_TOO_LARGE",)),
        ("answer", ("CONTACT_NOT_OPENED",)),
    ]
    assert (report.deliveries_lost, report.deliveries_gained, report.contacts_affected) == (1, 0, 1)


def test_a_message_that_would_have_been_accepted_would_have_been_delivered_as_was_reported() -> None:
    history = [
        structs.replace(c, size=30_000_000) if isinstance(c, SubmitMessage) and c.id == "large" else c
        for c in CONVERSATION
    ]
    flips, report = supposed(lived(history), with_limit(40_000_000), "counterfactual")
    assert [(flip.id, flip.before, flip.after) for flip in flips] == [
        ("large", "refused", "accepted"),
        ("answer", "refused", "accepted"),
    ]
    assert (report.deliveries_lost, report.deliveries_gained) == (0, 1)


def test_what_a_log_of_an_older_time_does_not_tell_is_counted() -> None:
    source = lived(CONVERSATION)
    rows = [row._replace(data=row.data.replace(b'"whole":true,', b"")) for row in source.facts]
    _, report = supposed(RowsSource(rows, source.head), AS_IT_WAS, "counterfactual")
    assert report.not_known == {"certificate and FIN of decisions written before they were kept": 4}


def test_decisions_under_rules_that_nobody_knows_are_counted_and_not_supposed() -> None:
    source = lived(CONVERSATION)
    rows = [row._replace(data=row.data.replace(b'"rules":"1.4', b'"rules":"moon=full 1.4')) for row in source.facts]
    flips, report = supposed(RowsSource(rows, source.head), AS_IT_WAS, "fixed")
    assert (flips, report.decisions) == ([], 0)
    assert report.not_known == {"decisions under rules that this huissier does not know": 4}
