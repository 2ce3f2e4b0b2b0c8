"""Engines to be tested: one that is sound, and those that ask it something else or tell something else."""

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

from msgspec.structs import replace

import huissier
from huissier import (
    AdmitDomain,
    Answer,
    AnyCommand,
    RegisterOperator,
    SubmitMessage,
    Verdict,
    Verdicts,
)
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.reference.past import PHARMACIES_SINCE
from huissier.adapters.testing.strategies.town import PHARMACIST
from huissier.domain.answers import explained
from huissier.domain.events import ReasonGiven
from huissier.domain.reasons import Code


class Sound:
    """An engine as it should be; what is broken changes how it is asked or what it tells."""

    def __init__(self) -> None:
        self.engine = huissier.open("sqlite://", clock=lambda: NOW)

    def asks(self, command: AnyCommand) -> AnyCommand:
        return command

    def tells(self, verdict: Verdict) -> Verdict:
        return verdict

    def handle(self, command: AnyCommand) -> Answer:
        asked = self.asks(command)
        answer = self.engine.handle(asked)
        verdicts = self._told(command, asked, answer.verdicts)
        outcome = Verdicts(verdicts).outcome if verdicts else answer.outcome
        return replace(answer, verdicts=tuple(verdicts), outcome=outcome)

    def check(self, command: SubmitMessage) -> Verdicts:
        asked = self.asks(command)
        assert isinstance(asked, SubmitMessage)
        return Verdicts(self._told(command, asked, self.engine.check(asked)))

    def close(self) -> None:
        self.engine.close()

    def _told(self, command: AnyCommand, asked: AnyCommand, verdicts: tuple[Verdict, ...]) -> list[Verdict]:
        """Who was asked about in other words is called as the command has it."""
        told = [self.tells(verdict) for verdict in verdicts]
        if not isinstance(command, SubmitMessage) or not isinstance(asked, SubmitMessage):
            return told
        if [verdict.recipient for verdict in told] != asked.recipients:
            return told
        return [replace(one, recipient=raw) for one, raw in zip(told, command.recipients, strict=True)]


class Ignoring(Sound):
    """Knows nothing of one reason to refuse."""

    def __init__(self, *codes: Code) -> None:
        super().__init__()
        self._codes = codes

    def tells(self, verdict: Verdict) -> Verdict:
        left = tuple(reason for reason in verdict.reasons if reason.code not in self._codes)
        if left:
            return replace(verdict, reasons=left)
        given = explained(ReasonGiven(Code.PROFESSIONNEL_TO_PROFESSIONNEL))
        return replace(verdict, outcome="accepted", reasons=(given,))


class LetsUsagersStart(Sound):
    def tells(self, verdict: Verdict) -> Verdict:
        if Code.CONTACT_NOT_OPENED not in {reason.code for reason in verdict.reasons}:
            return verdict
        return replace(verdict, outcome="accepted", reasons=(explained(ReasonGiven(Code.CONTACT_OPEN)),))


class LetsUsagersMeet(Sound):
    def tells(self, verdict: Verdict) -> Verdict:
        if [reason.code for reason in verdict.reasons] != [Code.USAGER_TO_USAGER]:
            return verdict
        return replace(verdict, outcome="accepted", reasons=(explained(ReasonGiven(Code.CONTACT_OPEN)),))


class ForgetsContacts(Sound):
    def tells(self, verdict: Verdict) -> Verdict:
        if verdict.reasons[0].code != Code.CONTACT_OPEN:
            return verdict
        return replace(verdict, outcome="refused", reasons=(explained(ReasonGiven(Code.CONTACT_NOT_OPENED)),))


class Asking(Sound):
    """Asks about something else than it was asked."""

    def __init__(self, change: Callable[[AnyCommand], AnyCommand]) -> None:
        super().__init__()
        self._change = change

    def asks(self, command: AnyCommand) -> AnyCommand:
        return self._change(command)


class AnswersDifferentlyOnRetry(Sound):
    def __init__(self) -> None:
        super().__init__()
        self._before: set[int] = set()

    def handle(self, command: AnyCommand) -> Answer:
        answer = super().handle(command)
        is_again = answer.position in self._before
        if answer.position is not None:
            self._before.add(answer.position)
        return replace(answer, position=None) if is_again else answer


class RecordsWhatItChecks(Sound):
    def check(self, command: SubmitMessage) -> Verdicts:
        self.engine.handle(command)
        return super().check(command)


class LosesAPosition(Sound):
    def handle(self, command: AnyCommand) -> Answer:
        answer = super().handle(command)
        return answer if answer.position is None else replace(answer, position=answer.position + 1)


class LosesRefusals(Sound):
    """Gives what it refused or rejected no place in the log, and answers the last fact's position for it."""

    def __init__(self) -> None:
        super().__init__()
        self._positions: dict[int, int] = {}

    def handle(self, command: AnyCommand) -> Answer:
        answer = super().handle(command)
        if answer.position is None:
            return answer
        last = max(self._positions.values(), default=0)
        lost = answer.outcome in ("refused", "rejected") and last > 0
        position = self._positions.setdefault(answer.position, last if lost else last + 1)
        return replace(answer, position=position, reasons=tuple(replace(one, facts=()) for one in answer.reasons))

    def tells(self, verdict: Verdict) -> Verdict:
        return replace(verdict, reasons=tuple(replace(reason, facts=()) for reason in verdict.reasons))


class ChangesWhatItIsAsked(Sound):
    """Empties the list of certificates that it is handed, before it looks at it."""

    def asks(self, command: AnyCommand) -> AnyCommand:
        if isinstance(command, AdmitDomain):
            command.certificate_dns.clear()
        return command


class NamesReasonsBackwards(Sound):
    def tells(self, verdict: Verdict) -> Verdict:
        return replace(verdict, reasons=verdict.reasons[::-1])


class ChecksOtherwise(Sound):
    def check(self, command: SubmitMessage) -> Verdicts:
        return Verdicts(super().check(replace(command, size=None, subject=None, certificate_dn=None)))


class HasReasonsOfItsOwn(Sound):
    def tells(self, verdict: Verdict) -> Verdict:
        return replace(verdict, reasons=tuple(replace(reason, code="GREYLISTED") for reason in verdict.reasons))


class OpensAPharmacistsOwnMailbox(Sound):
    """Takes whatever mailbox has a pharmacy's secteur for the pharmacy's."""

    def _told(self, command: AnyCommand, asked: AnyCommand, verdicts: tuple[Verdict, ...]) -> list[Verdict]:
        told = super()._told(command, asked, verdicts)
        return [self._opened(one) if command.at and command.at >= PHARMACIES_SINCE else one for one in told]

    def _opened(self, verdict: Verdict) -> Verdict:
        if [reason.code for reason in verdict.reasons] != [Code.CONTACT_NOT_OPENED] or verdict.recipient != PHARMACIST:
            return verdict
        given = explained(ReasonGiven(Code.PHARMACY_OPEN_TO_USAGERS))
        return replace(verdict, outcome="accepted", reasons=(given,))


class RestsOnTheFirstFact(Sound):
    """Says of every reason that it rests on the first fact there is."""

    def tells(self, verdict: Verdict) -> Verdict:
        return replace(verdict, reasons=tuple(replace(r, facts=(1,) if r.facts else ()) for r in verdict.reasons))


class UnderAnotherRule(Sound):
    """Decides with one function of the rules replaced by another."""

    def __init__(self, where: object, name: str, rule: Callable[..., object]) -> None:
        super().__init__()
        self._replaced = partial(patch.object, where, name, rule)

    def handle(self, command: AnyCommand) -> Answer:
        with self._replaced():
            return super().handle(command)

    def check(self, command: SubmitMessage) -> Verdicts:
        with self._replaced():
            return super().check(command)


class Explains(Sound):
    """Explains each reason in words of its own."""

    def __init__(self, **words: str | None) -> None:
        super().__init__()
        self._words = words

    def tells(self, verdict: Verdict) -> Verdict:
        return replace(verdict, reasons=tuple(replace(reason, **self._words) for reason in verdict.reasons))


class CallsMixedAccepted(Sound):
    def handle(self, command: AnyCommand) -> Answer:
        answer = super().handle(command)
        return replace(answer, outcome="accepted") if answer.outcome == "mixed" else answer


class TellsTheRecipient(Sound):
    """Names whom it refused in the SMTP reply, an INS among them."""

    def tells(self, verdict: Verdict) -> Verdict:
        told = [replace(r, smtp=f"{r.smtp} {verdict.recipient}") if r.smtp else r for r in verdict.reasons]
        return replace(verdict, reasons=tuple(told))


class Raises(Sound):
    def handle(self, command: AnyCommand) -> Answer:
        if isinstance(command, SubmitMessage) and "%" in command.recipients[0]:
            raise ValueError("not an address")
        return super().handle(command)


class Exits(Sound):
    def handle(self, command: AnyCommand) -> Answer:
        if isinstance(command, RegisterOperator):
            raise SystemExit(3)
        return super().handle(command)


class CannotBeClosed(Sound):
    def close(self) -> None:
        super().close()
        raise OSError("no space left")


class LetsUsagersStartAndCannotBeClosed(LetsUsagersStart, CannotBeClosed):
    pass
