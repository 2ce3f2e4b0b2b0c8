"""Properties of every history, each one sentence. None of them knows the rules by more than that sentence."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import huissier
from huissier.adapters.testing.strategies import OTHER_SPELLINGS, SAME_SPELLINGS, histories, options
from huissier.adapters.testing.strategies.town import ADDRESSES, INS, INS_WITH_WRONG_KEY, MOMENTS
from huissier.adapters.testing.trial import tried
from huissier.domain.commands import AnyCommand, SubmitMessage
from huissier.domain.rule_set import Options
from tests.properties import histories_looked_at, told_shortly

NOW = datetime(2026, 12, 1, tzinfo=UTC)

History = list[AnyCommand]


def opened(options: Options, url: str = "sqlite://") -> huissier.Engine:
    return huissier.open(url, clock=lambda: NOW, options=options)


# --- what holds after every step


@histories_looked_at(40)
@given(history=histories(), options=options())
@told_shortly
def test_every_property_of_the_kit_holds_after_every_step(history: History, options: Options) -> None:
    tried(lambda: opened(options), history, options)


# --- who may write to whom


@histories_looked_at(20)
@given(
    history=histories(),
    options=options(),
    sender=st.sampled_from(ADDRESSES),
    recipient=st.sampled_from(ADDRESSES),
    at=st.sampled_from(MOMENTS),
)
@told_shortly
def test_no_spelling_of_a_recipient_turns_a_refusal_into_an_acceptance(
    history: History, options: Options, sender: str, recipient: str, at: datetime
) -> None:
    with opened(options) as engine:
        engine.handle_many(history)

        def asked(spelling: str) -> huissier.Verdict:
            return engine.check(SubmitMessage(id="m-new", sender=sender, recipients=[spelling], at=at))[0]

        verdict = asked(recipient)
        for change in SAME_SPELLINGS:
            same = asked(change(recipient))
            assert (same.outcome, same.reasons) == (verdict.outcome, verdict.reasons)
        if verdict.outcome == "accepted" or _is_another_mailbox_here(verdict, history):
            return
        for change in OTHER_SPELLINGS:
            assert asked(change(recipient)).outcome == "refused", change(recipient)


def _is_another_mailbox_here(verdict: huissier.Verdict, history: History) -> bool:
    """Say whether a +tag may rightly fare better (rule 9: it is another address).

    Somebody wrote under it; or the mailbox without it is known to be closed, on a domain that is hosted no longer,
    where nothing is known of any other.
    """
    closed = {"RECIPIENT_SUSPENDED", "RECIPIENT_DELETED"}
    return {reason.code for reason in verdict.reasons} <= closed or any("+suivi" in repr(said) for said in history)


# --- what is recorded


@histories_looked_at(20)
@given(history=histories(), options=options())
@told_shortly
def test_one_history_has_the_same_answers_in_every_engine(history: History, options: Options) -> None:
    with opened(options) as one, opened(options) as other:
        answers = [one.handle(command) for command in history]
        assert [other.handle(command) for command in history] == answers


@histories_looked_at(20)
@given(history=histories(), options=options(), batch=st.integers(2, 40))
@told_shortly
def test_commands_handled_together_are_answered_as_one_by_one(history: History, options: Options, batch: int) -> None:
    with opened(options) as one, opened(options) as other:
        answers = [one.handle(command) for command in history]
        together = [
            answer
            for start in range(0, len(history), batch)
            for answer in other.handle_many(history[start : start + batch])
        ]
        assert together == answers


@histories_looked_at(8)
@given(history=histories(), options=options(), turns=st.lists(st.integers(0, 2), min_size=8, max_size=8))
@told_shortly
def test_engines_taking_turns_at_one_store_answer_as_one_engine(
    tmp_path_factory: pytest.TempPathFactory, history: History, options: Options, turns: list[int]
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'huissier.db'}"
    with opened(options) as alone, opened(options, url) as one, opened(options, url) as other:
        for place, command in enumerate(history):
            turn = turns[place % len(turns)]
            if turn == 2:
                with opened(options, url) as fresh:
                    answer = fresh.handle(command)
            else:
                answer = (one, other)[turn].handle(command)
            assert answer == alone.handle(command)


# --- what is told


@histories_looked_at(8)
@given(history=histories(), options=options())
@told_shortly
def test_no_ins_stands_in_any_byte_of_a_store(
    tmp_path_factory: pytest.TempPathFactory, history: History, options: Options
) -> None:
    folder = tmp_path_factory.mktemp("store")
    with opened(options, f"sqlite:///{folder / 'huissier.db'}") as engine:
        for command in history:
            engine.handle(command)
        _assert_no_ins_in(folder)
    _assert_no_ins_in(folder)


def _assert_no_ins_in(folder: Path) -> None:
    matricules = {ins[:13] for ins in (*INS, INS_WITH_WRONG_KEY)}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        stored = path.read_bytes()
        for view in (stored, stored.translate(None, b" -._\x00")):
            for matricule in matricules:
                for encoding in ("ascii", "utf-16-le", "utf-16-be"):
                    assert matricule.encode(encoding) not in view, path.name
