"""Who might write to whom at a time: what `check` says there, and every change of it with its cause."""

import itertools
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

import huissier
from huissier.adapters.audit.as_of import Stand, stands
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.testing import hospital as w
from huissier.adapters.testing.strategies import histories, options
from huissier.adapters.testing.strategies.town import ADDRESSES, MOMENTS
from huissier.domain.as_of import Question
from huissier.domain.commands import AnyCommand, SubmitMessage
from huissier.domain.rule_set import Options, RuleBook
from tests.properties import histories_looked_at, told_shortly
from tests.replay.told import NOW

History = list[AnyCommand]
EVER = w.moment("2000-01-01")


def question(engine: Engine, sender: str, recipient: str) -> Question | None:
    """Return the question about two addresses, as facts keep them; None where one cannot be read."""
    from huissier.adapters.deciding.identify import Identifier
    from huissier.adapters.vault import Vault

    command = SubmitMessage(id="m-asked", sender=sender, recipients=[recipient])
    vault: Vault = engine._checks.desk.clerk._vault
    with engine.log.reading() as look:
        who = Identifier(vault, lenient_ins=False).identify(command, look.session).identities
    found = [who.addresses[sender], who.addresses[recipient]]
    ends = [address for address in found if address is not None]
    return Question(*ends) if len(ends) == 2 else None


def told_at(engine: Engine, asked: Question, options: Options, since: datetime, position: int) -> list[Stand]:
    with engine.log.reading() as look:
        return list(stands(look, asked, RuleBook(options), since, "en", lambda entry: entry.position <= position))


def codes(verdict: huissier.Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


@histories_looked_at(20)
@given(
    history=histories(),
    options=options(),
    sender=st.sampled_from(ADDRESSES),
    recipient=st.sampled_from(ADDRESSES),
    at=st.sampled_from(MOMENTS),
    part=st.floats(0, 1),
)
@told_shortly
def test_as_of_a_time_and_a_position_is_what_check_said_there(
    history: History, options: Options, sender: str, recipient: str, at: datetime, part: float
) -> None:
    with Engine("sqlite://", clock=lambda: NOW, options=options) as engine:
        for command in history[: int(part * len(history))]:
            engine.handle(command)
        position = engine.head
        asked = question(engine, sender, recipient)
        said = engine.check(SubmitMessage(id="m-asked", sender=sender, recipients=[recipient], at=at))[0]
        for command in history[int(part * len(history)) :]:
            engine.handle(command)
        if asked is None:
            return
        found = told_at(engine, asked, options, at, position)[0].verdict
        assert (found.outcome, found.reasons, found.shadow) == (said.outcome, said.reasons, said.shadow)


@histories_looked_at(20)
@given(history=histories(), options=options(), sender=st.sampled_from(ADDRESSES), recipient=st.sampled_from(ADDRESSES))
@told_shortly
def test_the_last_change_before_any_time_is_the_answer_at_that_time(
    history: History, options: Options, sender: str, recipient: str
) -> None:
    with Engine("sqlite://", clock=lambda: NOW, options=options) as engine:
        for command in history:
            engine.handle(command)
        if (asked := question(engine, sender, recipient)) is None:
            return
        timeline = told_at(engine, asked, options, EVER, engine.head)
        for one, following in itertools.pairwise(timeline):
            assert (codes(one.verdict), one.verdict.shadow) != (codes(following.verdict), following.verdict.shadow)
            assert (following.because is None) != (following.because_of is None)
        for at in (*MOMENTS, *(stand.at for stand in timeline), *(stand.at - w.INSTANT for stand in timeline[1:])):
            said = engine.check(SubmitMessage(id="m-asked", sender=sender, recipients=[recipient], at=at))[0]
            last = [stand for stand in timeline if stand.at <= at][-1] if at >= EVER else timeline[0]
            assert codes(last.verdict) == codes(said)


def test_a_timeline_tells_when_the_grace_after_a_withdrawal_is_over() -> None:
    options, withdrawn = Options(withdrawal_grace_days=30), w.NOW
    with Engine("sqlite://", clock=lambda: NOW, options=options) as engine:
        engine.handle_many(w.world())
        engine.handle(huissier.WithdrawDomain(domain=w.CABINET, at=withdrawn))
        asked = question(engine, w.DOCTOR, w.REMOTE_DOCTOR)
        assert asked is not None
        first, *_, last = told_at(engine, asked, options, w.SINCE, engine.head)
    assert (first.verdict.outcome, last.verdict.outcome) == ("accepted", "refused")
    assert last.at == withdrawn + 30 * w.DAY
    assert last.because == f"the grace after a withdrawal of {w.CABINET} is over"
