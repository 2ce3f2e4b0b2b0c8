"""What holds after every step of a history, one sentence each; docs/properties.md lists them.

A property looks at a step and raises `AssertionError` where it does not hold. None of them looks into an engine: they
rest on what was asked and on what was answered alone. PYTEST_DONT_REWRITE: what is found is told in these words.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from huissier.adapters.testing.reference.twin import TwinAnswer, TwinVerdict
from huissier.domain.answers import Answer, Reason, Verdict, Verdicts
from huissier.domain.commands import AnyCommand, EraseUsager, ReportDelivery, SubmitMessage
from huissier.domain.reasons import ORDER, TABLE
from huissier.domain.rule_set import USAGERS_DOMAIN, Options
from huissier.domain.vocabulary.ins import mentions_ins

PHARMACIES_SINCE: Final = datetime(2023, 5, 22, tzinfo=UTC)


class Told(NamedTuple):
    """A command and its answer; `is_new`: it had to be recorded then, and was not already before, as the twin says.

    What is tested is not believed in this: who loses a fact would say that it was no new one.
    """

    command: AnyCommand
    answer: Answer
    is_new: bool


class Step(NamedTuple):
    """One step of a history: what was told before it, what was asked, and everything that was answered.

    Of a submission `checked` is what `check` said before, and `again` the answer to the same command asked again.
    `foreseen` is the twin's answer.
    """

    before: Sequence[Told]
    told: Told
    foreseen: TwinAnswer
    options: Options
    checked: tuple[Verdict, ...] | None = None
    again: Answer | None = None


Property = Callable[[Step], None]


def a_usager_never_reaches_a_usager(step: Step) -> None:
    """A usager never reaches a usager, whatever happened before (rule 3)."""
    if not _is_decided_now_for_a_usager(step):
        return
    for verdict in step.told.answer.verdicts:
        assert verdict.outcome == "refused" or not _plain(verdict.recipient).endswith(f"@{USAGERS_DOMAIN}")


def a_usager_never_starts(step: Step) -> None:
    """A usager never reaches a professionnel who has not written first and been received, pharmacies aside (rule 1)."""
    command = step.told.command
    if not isinstance(command, SubmitMessage) or not _is_decided_now_for_a_usager(step):
        return
    for verdict in step.told.answer.verdicts:
        codes = [reason.code for reason in verdict.reasons]
        if verdict.outcome == "refused":
            continue
        if "PHARMACY_OPEN_TO_USAGERS" in codes:
            assert command.at is not None
            assert command.at >= PHARMACIES_SINCE
            continue
        firsts = _received_from(step.before, _plain(command.sender), command.at)
        assert _plain(verdict.recipient) in {
            address for message in firsts for address in _professionnels_of(message, step.options)
        }, f"{verdict.recipient} never wrote first"


def asked_again_it_is_the_same_answer(step: Step) -> None:
    """The same submission again has the same answer, and nothing is recorded for it (a gateway asks twice)."""
    if step.again is not None:
        assert step.again == step.told.answer, f"asked again it was {said(answered(step.again))}"


def checking_says_what_handling_says(step: Step) -> None:
    """Checking a message gives the verdicts that handling it gives."""
    if step.checked is not None:
        checked = tuple(step.checked)
        assert checked == tuple(step.told.answer.verdicts), f"`check` had said {_verdicts(checked)}"


def every_answer_is_explained(step: Step) -> None:
    """Each verdict has reasons of its own kind, in the contract's words, each once, on facts that stand before it."""
    answer = step.told.answer
    position = step.foreseen.position or sum(told.is_new for told in step.before) + 1
    assert bool(answer.verdicts) == isinstance(step.told.command, SubmitMessage)
    assert bool(answer.reasons) == (answer.outcome == "rejected")
    _assert_explained(answer.reasons, {"rejection", "refusal"}, position)
    for verdict in answer.verdicts:
        assert verdict.reasons, f"no reason for {verdict.recipient}"
        kind = "acceptance" if verdict.outcome == "accepted" else "refusal"
        _assert_explained(verdict.reasons, {kind}, position)
    for reason in answer.reasons:
        assert reason.smtp is None, f"{reason.code} answers no mail server here, but says {reason.smtp!r}"
    for reason in (reason for verdict in answer.verdicts for reason in verdict.reasons):
        _assert_answers_a_mail_server(reason)


def the_outcome_is_that_of_the_verdicts(step: Step) -> None:
    """A submission is accepted or refused where all its recipients are, and mixed where they differ."""
    outcomes = {verdict.outcome for verdict in step.told.answer.verdicts}
    if outcomes:
        together = outcomes.pop() if len(outcomes) == 1 else "mixed"
        assert step.told.answer.outcome == together


def no_reason_tells_an_ins(step: Step) -> None:
    """No reason, SMTP reply or remedy tells an INS (decision 3)."""
    answer = step.told.answer
    for reason in (*answer.reasons, *(reason for verdict in answer.verdicts for reason in verdict.reasons)):
        words = (reason.requirement, reason.fr, reason.en, reason.smtp, reason.remedy)
        assert not any(mentions_ins(text) for text in words if text), f"{reason.code} tells an INS"


def the_answer_is_the_twins(step: Step) -> None:
    """Outcome, verdicts and reasons, in their order, are those of the slow and obvious twin."""
    found = answered(step.told.answer)
    assert found == step.foreseen._replace(position=found.position), f"the twin says {said(step.foreseen)}"


def what_is_new_has_the_next_position(step: Step) -> None:
    """A new fact has the next position of the log, what is told again its first one, and what changes nothing none."""
    assert step.told.answer.position == step.foreseen.position, f"the twin says {said(step.foreseen)}"


PROPERTIES: Final[tuple[Property, ...]] = (
    a_usager_never_reaches_a_usager,
    a_usager_never_starts,
    asked_again_it_is_the_same_answer,
    checking_says_what_handling_says,
    every_answer_is_explained,
    the_outcome_is_that_of_the_verdicts,
    no_reason_tells_an_ins,
    the_answer_is_the_twins,
    what_is_new_has_the_next_position,
)


def answered(answer: Answer) -> TwinAnswer:
    """Return an answer as the twin gives it."""
    return TwinAnswer(answer.outcome, answer.position, _verdicts(answer.verdicts), _codes(answer.reasons))


def checked(verdicts: Verdicts) -> TwinAnswer:
    """Return what a check said as the twin says it."""
    return TwinAnswer(verdicts.outcome, None, _verdicts(verdicts))


def said(answer: TwinAnswer) -> str:
    """Return an answer as people read it."""
    place = [] if answer.position is None else [f"at {answer.position}"]
    verdicts = [
        f"{one.recipient!r} {'in shadow ' if one.shadow else ''}{one.outcome} {list(one.codes)}"
        for one in answer.verdicts
    ]
    return " ".join([answer.outcome, *place, *answer.codes, *verdicts])


def _verdicts(verdicts: Sequence[Verdict]) -> tuple[TwinVerdict, ...]:
    return tuple(TwinVerdict(one.recipient, one.outcome, _codes(one.reasons), one.shadow) for one in verdicts)


def _codes(reasons: Sequence[Reason]) -> tuple[str, ...]:
    return tuple(str(reason.code) for reason in reasons)


def _assert_explained(reasons: Sequence[Reason], kinds: set[str], position: int) -> None:
    codes = _codes(reasons)
    assert set(codes) <= TABLE.keys(), f"{codes} are not all reasons of the contract"
    assert list(codes) == sorted(set(codes), key=ORDER.__getitem__), f"{codes} are not most decisive first, each once"
    for code, reason in zip(codes, reasons, strict=True):
        assert TABLE[code].kind in kinds, f"{code} is no reason for this"
        for word in ("requirement", "fr", "en", "remedy"):
            found, wanted = getattr(reason, word), getattr(TABLE[code], word)
            assert found == wanted, f"{word} of {code} is {found!r} and not {wanted!r}"
        assert all(0 < fact < position for fact in reason.facts), f"{code} rests on {reason.facts} at {position}"
        assert len(set(reason.facts)) == len(reason.facts)


def _assert_answers_a_mail_server(reason: Reason) -> None:
    """Whoever refuses may add to the contract's reply, such as whom to call."""
    wanted = TABLE[reason.code].smtp
    reply = reason.smtp if wanted is None or reason.smtp is None else reason.smtp[: len(wanted)]
    assert reply == wanted, f"smtp of {reason.code} is {reason.smtp!r} and not {wanted!r}"


def _is_decided_now_for_a_usager(step: Step) -> bool:
    """Say whether a usager writes, and is not only told again what was decided; at RCPT nothing need be recorded."""
    command = step.told.command
    from_usager = isinstance(command, SubmitMessage) and _plain(command.sender).endswith(f"@{USAGERS_DOMAIN}")
    return from_usager and (step.told.is_new or step.foreseen.position is None)


def _plain(address: str) -> str:
    return address.lower().removesuffix(".")


def _received_from(lines: Sequence[Told], usager: str, at: datetime | None) -> Iterator[SubmitMessage]:
    """Yield the messages a usager received by a time, in this life."""
    assert at is not None
    erased = [place for place, line in enumerate(lines) if _erases(line, usager)]
    lines = lines[erased[-1] if erased else 0 :]
    for line in lines:
        message = line.command
        if not isinstance(message, SubmitMessage) or not line.is_new or message.at is None or message.at > at:
            continue
        accepted = {_plain(verdict.recipient) for verdict in line.answer.verdicts if verdict.outcome == "accepted"}
        if usager in accepted and (message.final_hop or _is_reported(lines, message.id, usager, at)):
            yield message


def _erases(line: Told, usager: str) -> bool:
    erased = line.command.ins.replace(" ", "") if isinstance(line.command, EraseUsager) else None
    return line.answer.outcome == "recorded" and erased == usager.partition("@")[0]


def _is_reported(lines: Sequence[Told], id_: str, usager: str, at: datetime) -> bool:
    return any(
        isinstance(report, ReportDelivery)
        and answer.outcome == "recorded"
        and (report.id, _plain(report.recipient), report.status) == (id_, usager, "delivered")
        and report.at is not None
        and report.at <= at
        for report, answer, _ in lines
    )


def _professionnels_of(message: SubmitMessage, options: Options) -> set[str]:
    """Whoever wrote: the sender, or the address that is to be answered instead (rule 2); rule 6 may add the others."""
    others = message.recipients if options.co_recipients == "all" else []
    return {_plain(address) for address in (message.sender, message.reply_to or "", *others)}
