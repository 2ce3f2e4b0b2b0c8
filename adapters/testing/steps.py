"""What properties look at: one step of a history, and what was told before it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from huissier.adapters.testing.reference.twin import TwinAnswer
from huissier.domain.answers import Answer, Verdict
from huissier.domain.commands import AnyCommand, EraseUsager, ReportDelivery, SubmitMessage
from huissier.domain.rule_set import Options


class Told(NamedTuple):
    """A command and its answer; `is_new`: the twin says that it had to be recorded then, as a new fact.

    The twin says so because what is tested is not believed: an engine that loses a fact would call it an old one.
    """

    command: AnyCommand
    answer: Answer
    is_new: bool


class Step(NamedTuple):
    """One step of a history: what was told before it, what was asked, and everything that was answered.

    For a submission, `checked` is what `check` said before it, and `again` the answer to the same command once more.
    `foreseen` is the twin's answer.
    """

    before: Sequence[Told]
    told: Told
    foreseen: TwinAnswer
    options: Options
    checked: tuple[Verdict, ...] | None = None
    again: Answer | None = None


Property = Callable[[Step], None]


def plain(address: str) -> str:
    """Return the one spelling of an address that may be written in capitals or with a dot at its end."""
    return address.lower().removesuffix(".")


def is_decided_now(step: Step) -> bool:
    """Say whether a message is decided in this step, not merely answered again; at RCPT that may leave no fact."""
    return isinstance(step.told.command, SubmitMessage) and (step.told.is_new or step.foreseen.position is None)


def sent_to(lines: Sequence[Told], usager: str, at: datetime | None) -> Iterator[Told]:
    """Yield the messages that were accepted for a usager by a time, since the last erasure."""
    assert at is not None
    for line in _this_life(lines, usager):
        message = line.command
        if not isinstance(message, SubmitMessage) or not line.is_new or message.at is None or message.at > at:
            continue
        if any(plain(verdict.recipient) == usager and _reaches_a_usager(verdict) for verdict in line.answer.verdicts):
            yield line


def received_by(lines: Sequence[Told], usager: str, at: datetime | None) -> Iterator[Told]:
    """Yield the messages that a usager received by a time, since the last erasure."""
    for line in sent_to(lines, usager, at):
        message = line.command
        assert isinstance(message, SubmitMessage)
        if message.final_hop or any(is_arrival(report, message, usager, at) for report in _this_life(lines, usager)):
            yield line


def is_arrival(line: Told, message: SubmitMessage, usager: str, at: datetime | None) -> bool:
    """Say whether a line reports that a usager received a message, by a time."""
    report = line.command
    return (
        isinstance(report, ReportDelivery)
        and line.answer.outcome == "recorded"
        and (report.id, plain(report.recipient), report.status) == (message.id, usager, "delivered")
        and report.at is not None
        and at is not None
        and report.at <= at
    )


def professionnels_of(message: SubmitMessage, options: Options) -> set[str]:
    """Return who may count as having written: sender, reply address (rule 2) and, by an option, recipients (rule 6)."""
    others = message.recipients if options.co_recipients == "all" else []
    return {plain(address) for address in (message.sender, message.reply_to or "", *others)}


def _reaches_a_usager(verdict: Verdict) -> bool:
    return "PROFESSIONNEL_TO_USAGER" in [str(reason.code) for reason in verdict.reasons]


def _this_life(lines: Sequence[Told], usager: str) -> Sequence[Told]:
    erased = [place for place, line in enumerate(lines) if _erases(line, usager)]
    return lines[erased[-1] if erased else 0 :]


def _erases(line: Told, usager: str) -> bool:
    erased = line.command.ins.replace(" ", "").lower() if isinstance(line.command, EraseUsager) else None
    return line.answer.outcome == "recorded" and erased == usager.partition("@")[0]
