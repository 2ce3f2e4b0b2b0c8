"""Answers of the contract: what a command came to, and why."""

from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from huissier.domain.commands import SubmitMessage
from huissier.domain.decision import Rejected
from huissier.domain.events import MessageDecided, Positions, ReasonGiven, VerdictGiven
from huissier.domain.identities import Identities
from huissier.domain.reasons import TABLE
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.ins import without_ins

_REASONS_REMEMBERED: Final = 10_000


class Reason(Struct, frozen=True, omit_defaults=True, gc=False):
    """Why: code, requirement, one sentence in French and one in English.

    Of a refusal also the SMTP reply; of what was not done also what would have to change. `facts` are the log
    positions of the facts it rests on.
    """

    code: str
    requirement: str
    fr: str
    en: str
    smtp: str | None = None
    remedy: str | None = None
    facts: Positions = ()


class Verdict(Struct, frozen=True, omit_defaults=True, gc=False):
    """What was decided for one recipient, named as the command named it; reasons most decisive first.

    `shadow`: refused, but an option lets it pass for now (`shadow_reasons`, `shadow_operators`).
    """

    recipient: str
    outcome: Literal["accepted", "refused"]
    reasons: tuple[Reason, ...]
    shadow: bool = False

    @property
    def passes(self) -> bool:
        """Whether the gateway lets the recipient through."""
        return self.shadow or self.outcome == "accepted"

    def __repr__(self) -> str:
        return without_ins(super().__repr__())


class Verdicts(tuple[Verdict, ...]):
    """The verdicts of a submission, in the order of its recipients."""

    __slots__ = ()

    @property
    def outcome(self) -> Literal["accepted", "refused", "mixed"]:
        """What the verdicts come to together."""
        outcomes: set[Literal["accepted", "refused"]] = {verdict.outcome for verdict in self}
        return outcomes.pop() if len(outcomes) == 1 else "mixed"


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a command came to; `position` is the log position of the event, None where none was appended."""

    type: str
    id: str | None = None
    outcome: Literal["accepted", "refused", "mixed", "recorded", "unchanged", "rejected"]
    position: int | None
    verdicts: tuple[Verdict, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def __repr__(self) -> str:
        return without_ins(super().__repr__())


class Invalid(Struct, frozen=True, kw_only=True):
    """The answer to a line that cannot be read: its number, counted from 1, and why."""

    outcome: Literal["invalid"] = "invalid"
    line: int
    error: str


def explained(given: ReasonGiven | Rejected) -> Reason:
    """Return a reason as the contract gives it, from its code and facts; only a refused message has an SMTP reply."""
    entry = TABLE[given.code]
    smtp = None if isinstance(given, Rejected) else entry.smtp
    return Reason(given.code, entry.requirement, entry.fr, entry.en, smtp, entry.remedy, given.facts)


def verdicts_for(command: SubmitMessage, identities: Identities, decided: MessageDecided) -> Verdicts:
    """Return what was decided, in the order and the spelling of the command's recipients.

    A command that repeats an id with other recipients gets the first answer in the spelling of the log, where a
    usager is only called `usager`.
    """
    asked = [identities.written(raw) for raw in command.recipients]
    if asked == [verdict.recipient for verdict in decided.verdicts]:
        return Verdicts(map(explained_verdict, command.recipients, decided.verdicts))
    given = {verdict.recipient: verdict for verdict in decided.verdicts}
    if set(asked) == given.keys():  # some are named twice, or in another order
        return Verdicts(
            [explained_verdict(raw, given[who]) for raw, who in zip(command.recipients, asked, strict=True)]
        )
    return Verdicts([explained_verdict(_without_pseudonym(who), verdict) for who, verdict in given.items()])


def explained_verdict(recipient: str, given: VerdictGiven) -> Verdict:
    """Return a verdict as the contract gives it, under the recipient's name in whichever spelling."""
    outcome: Literal["accepted", "refused"] = "accepted" if given.accepted else "refused"
    return Verdict(recipient, outcome, _all_explained(given.reasons), given.shadow)


@lru_cache(maxsize=_REASONS_REMEMBERED)
def _all_explained(given: tuple[ReasonGiven, ...]) -> tuple[Reason, ...]:
    return tuple([explained(reason) for reason in given])


def _without_pseudonym(written: str) -> str:
    address = MailboxAddress.of_fact(written)
    return f"usager@{address.domain}" if address.is_pseudonym else written
