"""What holds after every step of a history, one sentence each; docs/properties.md lists them.

A property looks at a step and raises `AssertionError` where it does not hold. None of them looks into an engine: they
rest only on what was asked and answered. PYTEST_DONT_REWRITE: what is found is told in our words, not in pytest's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from huissier.adapters.testing.grounds import Grounds
from huissier.adapters.testing.reference.past import PHARMACIES, PHARMACIES_SINCE
from huissier.adapters.testing.reference.twin import TwinAnswer, TwinVerdict
from huissier.adapters.testing.steps import Property, Step, Told, is_decided_now, plain, professionnels_of, received_by
from huissier.domain.answers import Answer, Reason, Verdict, Verdicts
from huissier.domain.commands import CreateMailbox, SubmitMessage
from huissier.domain.reasons import ORDER, TABLE
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.ins import mentions_ins


def a_usager_never_reaches_a_usager(step: Step) -> None:
    """A usager never reaches a usager, whatever happened before (rule 3)."""
    if not (is_decided_now(step) and _is_from_a_usager(step)):
        return
    for verdict in step.told.answer.verdicts:
        assert verdict.outcome == "refused" or not plain(verdict.recipient).endswith(f"@{USAGERS_DOMAIN}")


def a_usager_never_starts(step: Step) -> None:
    """A usager never reaches a professionnel who has not written first and been received, pharmacies aside (rule 1)."""
    command = step.told.command
    if not (isinstance(command, SubmitMessage) and is_decided_now(step) and _is_from_a_usager(step)):
        return
    for verdict in step.told.answer.verdicts:
        recipient = plain(verdict.recipient)
        if verdict.outcome == "refused" or _was_created_as_a_pharmacy(step.before, recipient, command.at):
            continue
        firsts = [line.command for line in received_by(step.before, plain(command.sender), command.at)]
        assert recipient in {
            address
            for message in firsts
            if isinstance(message, SubmitMessage)
            for address in professionnels_of(message, step.options)
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


def a_reason_rests_on_what_supports_it(step: Step) -> None:
    """The facts that a verdict's reason names are of a kind that supports it, and about the party it speaks of."""
    command = step.told.command
    if not (isinstance(command, SubmitMessage) and is_decided_now(step)):
        return
    for verdict in step.told.answer.verdicts:
        for reason in verdict.reasons:
            problem = Grounds(step.before, command, verdict.recipient, step.options).problem_of(reason)
            assert not problem, f"{reason.code} rests on {reason.facts}, {problem}"


def the_outcome_is_that_of_the_verdicts(step: Step) -> None:
    """A submission is accepted or refused where all its recipients are, and mixed where they differ."""
    outcomes = {verdict.outcome for verdict in step.told.answer.verdicts}
    if outcomes:
        together = outcomes.pop() if len(outcomes) == 1 else "mixed"
        assert step.told.answer.outcome == together


def no_reason_tells_an_ins(step: Step) -> None:
    """No reason, SMTP reply or remedy contains an INS (decision 3)."""
    answer = step.told.answer
    for reason in (*answer.reasons, *(reason for verdict in answer.verdicts for reason in verdict.reasons)):
        words = (reason.requirement, reason.fr, reason.en, reason.smtp, reason.remedy)
        assert not any(mentions_ins(text) for text in words if text), f"{reason.code} tells an INS"


def the_answer_is_the_twins(step: Step) -> None:
    """Outcome, verdicts and reasons, in their order, are those of the slow and obvious twin."""
    found = answered(step.told.answer)
    assert found == step.foreseen._replace(position=found.position), f"the twin says {said(step.foreseen)}"


def what_is_new_has_the_next_position(step: Step) -> None:
    """A new fact gets the next position in the log, a repeated command its first one, one without effect none."""
    assert step.told.answer.position == step.foreseen.position, f"the twin says {said(step.foreseen)}"


PROPERTIES: Final[tuple[Property, ...]] = (
    a_usager_never_reaches_a_usager,
    a_usager_never_starts,
    asked_again_it_is_the_same_answer,
    checking_says_what_handling_says,
    every_answer_is_explained,
    a_reason_rests_on_what_supports_it,
    the_outcome_is_that_of_the_verdicts,
    no_reason_tells_an_ins,
    the_answer_is_the_twins,
    what_is_new_has_the_next_position,
)


def answered(answer: Answer) -> TwinAnswer:
    """Return an answer as the twin gives it."""
    return TwinAnswer(answer.outcome, answer.position, _verdicts(answer.verdicts), _codes(answer.reasons))


def checked(verdicts: Verdicts) -> TwinAnswer:
    """Return what a check said, as the twin gives it."""
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
    """What is tested may add to the contract's reply, such as whom to call."""
    wanted = TABLE[reason.code].smtp
    reply = reason.smtp if wanted is None or reason.smtp is None else reason.smtp[: len(wanted)]
    assert reply == wanted, f"smtp of {reason.code} is {reason.smtp!r} and not {wanted!r}"


def _is_from_a_usager(step: Step) -> bool:
    command = step.told.command
    return isinstance(command, SubmitMessage) and plain(command.sender).endswith(f"@{USAGERS_DOMAIN}")


def _was_created_as_a_pharmacy(before: Sequence[Told], address: str, at: datetime | None) -> bool:
    assert at is not None
    return at >= PHARMACIES_SINCE and any(
        isinstance(said := line.command, CreateMailbox)
        and line.answer.outcome == "recorded"
        and (plain(said.address), said.kind) == (address, "ORG")
        and said.secteur in PHARMACIES
        for line in before
    )
