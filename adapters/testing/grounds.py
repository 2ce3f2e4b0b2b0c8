"""Whether the facts that a reason names can support it, as far as the history shows.

For a contact, that is the last message which opened or ended it; for an answer that is not allowed, the message
answered. For all other reasons only the kind of fact is checked, and which end of the exchange it is about; not which
of an operator's facts mattered.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from huissier.adapters.testing.steps import Told, is_arrival, plain, professionnels_of, received_by, sent_to
from huissier.domain.answers import Reason
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    Command,
    CreateMailbox,
    DeleteMailbox,
    PublishCgu,
    RegisterOperator,
    ResumeMailbox,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.reasons import Code
from huissier.domain.rule_set import Options


class _Kinds(NamedTuple):
    """What the facts of a reason may be, whom they must be about, and whether there must be one."""

    of: tuple[type[Command], ...] = ()
    who: str = "sender or recipient"
    needed: bool = False


_DOMAIN: Final = (AdmitDomain, WithdrawDomain)
_OPERATOR: Final = (*_DOMAIN, RegisterOperator, SignInstrument)
_DELETION: Final = (DeleteMailbox, CloseEns)
_PHARMACY: Final = (CreateMailbox, ResumeMailbox)
_KINDS: Final[dict[str, _Kinds]] = {
    Code.PROFESSIONNEL_TO_PROFESSIONNEL: _Kinds(_DOMAIN, needed=True),
    Code.PROFESSIONNEL_TO_USAGER: _Kinds(_DOMAIN, needed=True),
    Code.PHARMACY_OPEN_TO_USAGERS: _Kinds(_PHARMACY, "recipient", needed=True),
    Code.SENDER_DOMAIN_NOT_ADMITTED: _Kinds(_DOMAIN, "sender"),
    Code.RECIPIENT_DOMAIN_NOT_ADMITTED: _Kinds(_DOMAIN, "recipient"),
    Code.CERTIFICATE_NOT_ADMITTED: _Kinds(_DOMAIN, "sender"),
    Code.SENDER_UNKNOWN: _Kinds(_DOMAIN, "sender", needed=True),
    Code.RECIPIENT_UNKNOWN: _Kinds(_DOMAIN, "recipient", needed=True),
    Code.SENDER_DELETED: _Kinds(_DELETION, "sender", needed=True),
    Code.RECIPIENT_DELETED: _Kinds(_DELETION, "recipient", needed=True),
    Code.SENDER_SUSPENDED: _Kinds((SuspendMailbox,), "sender", needed=True),
    Code.RECIPIENT_SUSPENDED: _Kinds((SuspendMailbox,), "recipient", needed=True),
    Code.OPERATOR_NOT_CONTRACTED: _Kinds(_OPERATOR, needed=True),
    Code.OPERATOR_NOT_COMMITTED: _Kinds(_OPERATOR),
    Code.CGU_NOT_SIGNED: _Kinds((PublishCgu,), needed=True),
}
_NO_FACT: Final = _Kinds()  # for refusals whatever was recorded, such as of a usager's message to a usager


class Grounds(NamedTuple):
    """What stood before a message's verdict on one recipient."""

    before: Sequence[Told]
    asked: SubmitMessage
    recipient: str
    options: Options

    def problem_of(self, reason: Reason) -> str:
        """Say why the facts of a reason cannot support it; return an empty text where they can."""
        told = {line.answer.position: line for line in self.before if line.is_new}
        facts = [told[position] for position in reason.facts if position in told]
        match reason.code:
            case Code.CONTACT_OPEN:
                return self._of_the_last(facts, self._opening(), self._supports_opening)
            case Code.CONTACT_ENDED:
                return self._of_the_last(facts, self._ending(), lambda fact, message: fact is message)
            case Code.REPLY_NOT_ALLOWED:
                forbidding = self._forbidding()
                is_so = bool(facts) and all(fact in forbidding for fact in facts)
                return "" if is_so else "and not on a message to the usager that this one answers and must not"
            case code:
                return self._of_kind(facts, _KINDS.get(code, _NO_FACT))

    def _of_kind(self, facts: list[Told], kinds: _Kinds) -> str:
        if kinds.needed and not facts:
            return "and needs a fact"
        ends = [plain(self.asked.sender)] if "sender" in kinds.who else []
        ends += [plain(self.recipient)] if "recipient" in kinds.who else []
        for fact in facts:
            if not isinstance(fact.command, kinds.of):
                return f"and {_name(fact)} cannot support it"
            if not _is_about(fact.command, ends):
                return f"and {_name(fact)} there is about somebody else"
        return ""

    def _of_the_last(self, facts: list[Told], messages: list[Told], supports: Callable[[Told, Told], bool]) -> str:
        """Say what is wrong unless the fact stands for the message sent last, whenever that was recorded or arrived."""
        meant = [message for message in messages if any(supports(fact, message) for fact in facts)]
        if len(facts) != 1 or not meant:
            return "and not on one message between these two that did it"
        plainly = [_sent(message) for message in messages if self._is_plainly_from_recipient(message)]
        return "and a message sent later did it" if plainly and max(plainly) > _sent(meant[0]) else ""

    def _opening(self) -> list[Told]:
        """Messages that the usager received from this professionnel, except those with FIN (rules 2 and 4)."""
        received = received_by(self.before, self._usager, self.asked.at)
        return [line for line in received if self._is_from_recipient(line, others=True) and not _is_fin(line.command)]

    def _supports_opening(self, fact: Told, message: Told) -> bool:
        said = message.command
        assert isinstance(said, SubmitMessage)
        return (fact is message and said.final_hop) or is_arrival(fact, said, self._usager, self.asked.at)

    def _ending(self) -> list[Told]:
        """Messages to the usager with [FIN], or by an option X-MSS-MES, that speak for this professionnel."""
        by_header = self.options.fin_header == "ends-contact"
        return [
            line
            for line in self._sent_from_recipient()
            if isinstance(said := line.command, SubmitMessage)
            and (said.subject == "[FIN]" or (by_header and said.mss_mes is not None))
        ]

    def _forbidding(self) -> list[Told]:
        asked = self.asked.in_reply_to or ""
        return [
            line
            for line in self._sent_from_recipient()
            if isinstance(said := line.command, SubmitMessage)
            and said.mss_mes is not None
            and said.message_id is not None
            and said.message_id.strip(" <>") in asked
        ]

    def _sent_from_recipient(self) -> list[Told]:
        return [line for line in sent_to(self.before, self._usager, self.asked.at) if self._is_from_recipient(line)]

    def _is_from_recipient(self, line: Told, *, others: bool = False) -> bool:
        said = line.command
        assert isinstance(said, SubmitMessage)
        options = self.options if others else replace(self.options, co_recipients="reply-address")
        return plain(self.recipient) in professionnels_of(said, options)

    def _is_plainly_from_recipient(self, line: Told) -> bool:
        """Only without a Reply-To and X-MSS-MES is this plain; what those do is the twin's to decide."""
        said = line.command
        assert isinstance(said, SubmitMessage)
        plainly = said.reply_to is None and said.mss_mes is None
        return plainly and plain(said.sender) == plain(self.recipient)

    @property
    def _usager(self) -> str:
        return plain(self.asked.sender)


def _is_about(command: AnyCommand, ends: list[str]) -> bool:
    match command:
        case AdmitDomain() | WithdrawDomain():
            return command.domain in {end.rpartition("@")[2] for end in ends}
        case CreateMailbox() | SuspendMailbox() | ResumeMailbox() | DeleteMailbox():
            return plain(command.address) in ends
        case CloseEns():
            return command.ins.replace(" ", "").lower() in {end.partition("@")[0] for end in ends}
        case _:
            return True  # an operator's fact: which operator a domain has is not asked here


def _is_fin(command: AnyCommand) -> bool:
    assert isinstance(command, SubmitMessage)
    return command.subject == "[FIN]" or (command.mss_mes or "").strip().upper() == "FIN"


def _sent(line: Told) -> tuple[datetime, int]:
    assert line.command.at is not None
    assert line.answer.position is not None
    return line.command.at, line.answer.position


def _name(line: Told) -> str:
    return f"the {line.answer.type} at {line.answer.position}"
