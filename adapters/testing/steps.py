"""What properties look at: one step of a history, and what was told before it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from huissier.adapters.testing.reference.twin import TwinAnswer
from huissier.domain.answers import Answer, Verdict
from huissier.domain.commands import AnyCommand, EraseUsager, ReportDelivery, SubmitMessage
from huissier.domain.rule_set import Options


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


def plain(address: str) -> str:
    """Return the one spelling of an address that may be written in capitals or with a dot behind it."""
    return address.lower().removesuffix(".")


def is_decided_now(step: Step) -> bool:
    """Say whether a message is decided, and not only told again; at RCPT nothing need be recorded."""
    return isinstance(step.told.command, SubmitMessage) and (step.told.is_new or step.foreseen.position is None)


def sent_to(lines: Sequence[Told], usager: str, at: datetime | None) -> Iterator[Told]:
    """Yield the messages that were accepted for a usager by a time, in this life."""
    assert at is not None
    for line in _this_life(lines, usager):
        message = line.command
        if not isinstance(message, SubmitMessage) or not line.is_new or message.at is None or message.at > at:
            continue
        if any(plain(verdict.recipient) == usager and _reaches_a_usager(verdict) for verdict in line.answer.verdicts):
            yield line


def received_by(lines: Sequence[Told], usager: str, at: datetime | None) -> Iterator[Told]:
    """Yield the messages that a usager received by a time, in this life."""
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
    """Whoever wrote: the sender, or the address that is to be answered instead (rule 2); rule 6 may add the others."""
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
