"""Engines that are broken, each in one way: what a policy machine must catch."""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple
from unittest.mock import patch

from msgspec.structs import replace

import huissier
from huissier import (
    AdmitDomain,
    Answer,
    AnyCommand,
    EraseUsager,
    RegisterOperator,
    ReportDelivery,
    SubmitMessage,
    SuspendMailbox,
    Verdict,
    Verdicts,
)
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.reference.past import PHARMACIES_SINCE
from huissier.adapters.testing.strategies import HOSTILE, USUAL, VALID, Mix
from huissier.adapters.testing.strategies.town import PHARMACIST
from huissier.domain import contact
from huissier.domain.answers import explained
from huissier.domain.contact import Contact, Sent
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


def _message(**words: object) -> Callable[[AnyCommand], AnyCommand]:
    return lambda command: replace(command, **words) if isinstance(command, SubmitMessage) else command


def _without_tag(command: AnyCommand) -> AnyCommand:
    if not isinstance(command, SubmitMessage):
        return command
    return replace(command, recipients=[raw.replace("+suivi", "") for raw in command.recipients])


def _never_erases(command: AnyCommand) -> AnyCommand:
    return (
        ReportDelivery(id="none", recipient="a@b.fr", status="delivered", at=command.at)
        if (isinstance(command, EraseUsager))
        else command
    )


def _never_suspends(command: AnyCommand) -> AnyCommand:
    return (
        huissier.ResumeMailbox(address=command.address, at=command.at)
        if (isinstance(command, SuspendMailbox))
        else command
    )


def _believes_every_report(command: AnyCommand) -> AnyCommand:
    return replace(command, status="delivered") if isinstance(command, ReportDelivery) else command


def _open_by_the_log(state: Contact, *, reopening: bool) -> bool:
    opened, ended = state.opened, state.ended
    return opened is not None and (ended is None or (reopening and opened.position > ended.position))


def _last_forbids(state: Contact, message_ids: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(position for digest, position in state.unanswerable[-1:] if digest in message_ids)


def _opened_by_whatever_arrives(state: Contact, sent: Sent, position: int) -> Contact:
    return replace(state, opened=sent if state.opened is None else max(sent, state.opened), opened_by=position)


class Way(NamedTuple):
    """A way to be broken, the property that then does not hold, and histories in which it is soon seen."""

    make: Callable[[], Sound]
    breaks: str
    mix: Mix = USUAL
    takes_long: bool = False


_SAME = "the_answer_is_the_twins"
_EXCHANGES = Mix(submissions=20, odd=0)
_LIFE = Mix(mailboxes=10, odd=0, complete=True)
BROKEN: Final[dict[str, Way]] = {
    "accepts usager to usager": Way(LetsUsagersMeet, "a_usager_never_reaches_a_usager"),
    "lets usagers start": Way(LetsUsagersStart, "a_usager_never_starts"),
    "takes sending for receiving": Way(
        lambda: Asking(_message(final_hop=True)), "a_usager_never_starts", takes_long=True
    ),
    "answers differently on retry": Way(AnswersDifferentlyOnRetry, "asked_again_it_is_the_same_answer"),
    "checks otherwise than it handles": Way(ChecksOtherwise, "checking_says_what_handling_says"),
    "records what it checks": Way(RecordsWhatItChecks, "what_is_new_has_the_next_position"),
    "loses a position": Way(LosesAPosition, "what_is_new_has_the_next_position"),
    "loses what it refuses": Way(LosesRefusals, "what_is_new_has_the_next_position"),
    "changes what it is asked": Way(ChangesWhatItIsAsked, _SAME, takes_long=True),
    "names reasons backwards": Way(NamesReasonsBackwards, "every_answer_is_explained"),
    "has reasons of its own": Way(HasReasonsOfItsOwn, "every_answer_is_explained"),
    "accepts in SMTP what it refuses": Way(lambda: Explains(smtp="250 2.0.0 OK"), "every_answer_is_explained"),
    "says nothing in SMTP": Way(lambda: Explains(smtp=None), "every_answer_is_explained"),
    "explains nothing in French": Way(lambda: Explains(fr=""), "every_answer_is_explained"),
    "names no requirement": Way(lambda: Explains(requirement=""), "every_answer_is_explained"),
    "knows no remedy": Way(lambda: Explains(remedy=None), "every_answer_is_explained"),
    "opens a pharmacist's own mailbox": Way(OpensAPharmacistsOwnMailbox, "a_usager_never_starts", takes_long=True),
    "rests everything on the first fact": Way(RestsOnTheFirstFact, "a_reason_rests_on_what_supports_it"),
    "rests an open contact on whatever arrived last": Way(
        lambda: UnderAnotherRule(contact, "_opened", _opened_by_whatever_arrives),
        "a_reason_rests_on_what_supports_it",
        VALID,
        takes_long=True,
    ),
    "orders ends and openings by the log": Way(
        lambda: UnderAnotherRule(Contact, "is_open", _open_by_the_log), _SAME, VALID, takes_long=True
    ),
    "forbids answers to the last message only": Way(
        lambda: UnderAnotherRule(Contact, "forbids_answer_to", _last_forbids), _SAME, VALID, takes_long=True
    ),
    "calls mixed accepted": Way(CallsMixedAccepted, "the_outcome_is_that_of_the_verdicts", _EXCHANGES, takes_long=True),
    "tells an INS": Way(TellsTheRecipient, "no_reason_tells_an_ins"),
    "raises": Way(Raises, "ValueError", HOSTILE, takes_long=True),
    "exits": Way(Exits, "SystemExit"),
    "is wrong and cannot be closed": Way(LetsUsagersStartAndCannotBeClosed, "a_usager_never_starts"),
    "never suspends": Way(lambda: Asking(_never_suspends), _SAME, _LIFE, takes_long=True),
    "ignores Reply-To": Way(lambda: Asking(_message(reply_to=None)), _SAME, takes_long=True),
    "ignores the size": Way(lambda: Asking(_message(size=None)), _SAME, takes_long=True),
    "ignores certificates": Way(lambda: Asking(_message(certificate_dn=None, certificate_cn=None)), _SAME),
    "never erases": Way(lambda: Asking(_never_erases), _SAME, takes_long=True),
    "decides on today": Way(lambda: Asking(_message(at=NOW)), _SAME),
    "ignores the stage": Way(
        lambda: Asking(_message(stage=None)), "what_is_new_has_the_next_position", takes_long=True
    ),
    "forgets contacts": Way(ForgetsContacts, _SAME, takes_long=True),
    "ignores [FIN]": Way(lambda: Asking(_message(subject=None)), "a_reason_rests_on_what_supports_it", takes_long=True),
    "believes every report": Way(lambda: Asking(_believes_every_report), _SAME, takes_long=True),
    "takes a +tag for the mailbox it resembles": Way(lambda: Asking(_without_tag), _SAME, HOSTILE, takes_long=True),
    "ignores suspension": Way(
        lambda: Ignoring(Code.SENDER_SUSPENDED, Code.RECIPIENT_SUSPENDED), _SAME, _LIFE, takes_long=True
    ),
}
