"""Ways to be broken: what a policy machine must catch, and by which property it is told."""

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

import huissier
from huissier import (
    AnyCommand,
    EraseUsager,
    ReportDelivery,
    SubmitMessage,
    SuspendMailbox,
)
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.strategies import HOSTILE, USUAL, VALID, Mix
from huissier.domain import contact
from huissier.domain.contact import Contact, Sent
from huissier.domain.reasons import Code
from tests.kit.engines import (
    AnswersDifferentlyOnRetry,
    Asking,
    CallsMixedAccepted,
    ChangesWhatItIsAsked,
    ChecksOtherwise,
    Exits,
    Explains,
    ForgetsContacts,
    HasReasonsOfItsOwn,
    Ignoring,
    LetsUsagersMeet,
    LetsUsagersStart,
    LetsUsagersStartAndCannotBeClosed,
    LosesAPosition,
    LosesRefusals,
    NamesReasonsBackwards,
    OpensAPharmacistsOwnMailbox,
    Raises,
    RecordsWhatItChecks,
    RestsOnTheFirstFact,
    Sound,
    TellsTheRecipient,
    UnderAnotherRule,
)


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
