"""Properties of every history, each one sentence. None of them knows the rules by more than that sentence."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import huissier
from huissier.adapters.testing.strategies import OTHER_SPELLINGS, SAME_SPELLINGS, histories, options
from huissier.adapters.testing.strategies.town import ADDRESSES, INS, INS_WITH_WRONG_KEY, MOMENTS
from huissier.domain.commands import AnyCommand, EraseUsager, ReportDelivery, SubmitMessage
from huissier.domain.reasons import TABLE, Code
from huissier.domain.rule_set import Options
from tests.properties import histories_looked_at, told_shortly

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PHARMACIES_SINCE = datetime(2023, 5, 22, tzinfo=UTC)
PATIENTS = "@patient.mssante.fr"

History = list[AnyCommand]


class Told(NamedTuple):
    """A command that was answered anew, with its answer and how many events it appended."""

    command: AnyCommand
    answer: huissier.Answer
    appended: int


def opened(options: Options, url: str = "sqlite://") -> huissier.Engine:
    return huissier.open(url, clock=lambda: NOW, options=options)


def lived(history: History, engine: huissier.Engine) -> list[Told]:
    found = []
    for command in history:
        before = engine.head
        answer = engine.handle(command)
        found.append(Told(command, answer, engine.head - before))
    return found


def plain(address: str) -> str:
    return address.lower().removesuffix(".")


# --- who may write to whom


@histories_looked_at(120)
@given(history=histories(), options=options())
@told_shortly
def test_a_usager_never_reaches_a_professionnel_who_has_not_written_first_and_been_received(
    history: History, options: Options
) -> None:
    with opened(options) as engine:
        lines = lived(history, engine)
    for place, (command, answer, appended) in enumerate(lines):
        if not isinstance(command, SubmitMessage) or not appended or not plain(command.sender).endswith(PATIENTS):
            continue
        for verdict in answer.verdicts:
            if verdict.outcome == "refused":
                continue
            codes = [reason.code for reason in verdict.reasons]
            if "PHARMACY_OPEN_TO_USAGERS" in codes:
                assert command.at is not None
                assert command.at >= PHARMACIES_SINCE
                continue
            firsts = _received_from(lines[:place], plain(command.sender), command.at)
            assert plain(verdict.recipient) in {
                address for message in firsts for address in _professionnels_of(message, options)
            }


def _received_from(lines: list[Told], usager: str, at: datetime | None) -> Iterator[SubmitMessage]:
    """Yield the messages a usager received by a time, in this life."""
    assert at is not None
    erased = [i for i, line in enumerate(lines) if _erases(line, usager)]
    since = erased[-1] if erased else 0
    for line in lines[since:]:
        message = line.command
        if not isinstance(message, SubmitMessage) or not line.appended or message.at is None or message.at > at:
            continue
        accepted = {plain(v.recipient) for v in line.answer.verdicts if v.outcome == "accepted"}
        if usager in accepted and (message.final_hop or _reported(lines[since:], message.id, usager, at)):
            yield message


def _erases(line: Told, usager: str) -> bool:
    erased = line.command.ins.replace(" ", "") if isinstance(line.command, EraseUsager) else None
    return line.answer.outcome == "recorded" and erased == usager.partition("@")[0]


def _reported(lines: list[Told], id_: str, usager: str, at: datetime) -> bool:
    return any(
        isinstance(report, ReportDelivery)
        and answer.outcome == "recorded"
        and (report.id, plain(report.recipient), report.status) == (id_, usager, "delivered")
        and report.at is not None
        and report.at <= at
        for report, answer, _ in lines
    )


def _professionnels_of(message: SubmitMessage, options: Options) -> set[str]:
    """Whoever wrote: the sender, or the address that is to be answered instead (rule 2); rule 6 may add the others."""
    others = message.recipients if options.co_recipients == "all" else []
    return {plain(address) for address in (message.sender, message.reply_to or "", *others)}


@histories_looked_at(80)
@given(history=histories(), options=options())
@told_shortly
def test_a_usager_never_reaches_a_usager(history: History, options: Options) -> None:
    with opened(options) as engine:
        for command, answer, appended in lived(history, engine):
            if isinstance(command, SubmitMessage) and appended and plain(command.sender).endswith(PATIENTS):
                for verdict in answer.verdicts:
                    assert verdict.outcome == "refused" or not plain(verdict.recipient).endswith(PATIENTS)


@histories_looked_at(100)
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
        lived(history, engine)

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


@histories_looked_at(80)
@given(history=histories(), options=options())
@told_shortly
def test_what_changes_nothing_appends_nothing_and_all_else_appends_one_event(
    history: History, options: Options
) -> None:
    ids = set()
    with opened(options) as engine:
        for command, answer, appended in lived(history, engine):
            repeated = isinstance(command, SubmitMessage) and command.id in ids
            if isinstance(command, SubmitMessage) and answer.position is not None:
                ids.add(command.id)
            unchanged = answer.outcome == "unchanged" or (not repeated and _let_through_at_rcpt(command, answer))
            assert appended == (0 if repeated or unchanged else 1)
            assert answer.position is not None or answer.outcome == "unchanged" or _let_through_at_rcpt(command, answer)


def _let_through_at_rcpt(command: AnyCommand, answer: huissier.Answer) -> bool:
    """Say whether a permission was given before the message came: it leaves no fact."""
    at_rcpt = isinstance(command, SubmitMessage) and command.stage == "rcpt"
    return at_rcpt and any(verdict.passes for verdict in answer.verdicts)


@histories_looked_at(60)
@given(history=histories(), options=options())
@told_shortly
def test_checking_a_message_says_what_handling_it_says_and_appends_nothing(history: History, options: Options) -> None:
    with opened(options) as engine:
        for command in history:
            if isinstance(command, SubmitMessage):
                before = engine.head
                checked = engine.check(command)
                assert engine.head == before
                answer = engine.handle(command)
                assert (checked.outcome, tuple(checked)) == (answer.outcome, answer.verdicts)
            else:
                engine.handle(command)


@histories_looked_at(60)
@given(history=histories(), options=options())
@told_shortly
def test_an_answer_asked_for_again_by_its_id_is_the_same_answer(history: History, options: Options) -> None:
    with opened(options) as engine:
        first: dict[str, huissier.Answer] = {}
        for command in history:
            answer = engine.handle(command)
            if isinstance(command, SubmitMessage):
                assert engine.handle(command) == answer
                if answer.position is None:
                    continue  # a permission at RCPT is asked about again as if for the first time
                given_first = first.setdefault(command.id, answer)
                assert (answer.outcome, answer.position) == (given_first.outcome, given_first.position)
                assert _reasons(answer) == _reasons(given_first)


def _reasons(answer: huissier.Answer) -> set[tuple[str, tuple[huissier.Reason, ...]]]:
    return {(verdict.outcome, verdict.reasons) for verdict in answer.verdicts}


@histories_looked_at(60)
@given(history=histories(), options=options())
@told_shortly
def test_one_history_has_the_same_answers_in_every_engine(history: History, options: Options) -> None:
    with opened(options) as one, opened(options) as other:
        answers = [one.handle(command) for command in history]
        assert [other.handle(command) for command in history] == answers


@histories_looked_at(60)
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


@histories_looked_at(15)
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


@histories_looked_at(80)
@given(history=histories(), options=options())
@told_shortly
def test_every_verdict_has_its_own_kind_of_reasons_in_the_order_of_the_table(
    history: History, options: Options
) -> None:
    with opened(options) as engine:
        answers = [(engine.handle(command), engine.head) for command in history]
    for command, (answer, head) in zip(history, answers, strict=True):
        assert bool(answer.verdicts) == isinstance(command, SubmitMessage)
        assert bool(answer.reasons) == (answer.outcome == "rejected")
        position = answer.position or head + 1  # a permission at RCPT has no place of its own
        _assert_in_order(answer.reasons, {"rejection", "refusal"}, position)
        for verdict in answer.verdicts:
            assert verdict.reasons
            kind = "acceptance" if verdict.outcome == "accepted" else "refusal"
            _assert_in_order(verdict.reasons, {kind}, position)


def _assert_in_order(reasons: tuple[huissier.Reason, ...], kinds: set[str], position: int) -> None:
    """Each reason once, most decisive first, resting on facts that stand before the answer."""
    codes = [Code(reason.code) for reason in reasons]
    assert codes == sorted(set(codes), key=list(TABLE).index)
    for code, reason in zip(codes, reasons, strict=True):
        assert TABLE[code].kind in kinds
        assert all(0 < fact < position for fact in reason.facts)
        assert len(set(reason.facts)) == len(reason.facts)


@histories_looked_at(15)
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
