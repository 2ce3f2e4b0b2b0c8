"""Answers of the contract: what a command came to, and why."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from huissier.domain.decision import Rejected
from huissier.domain.events import Positions, ReasonGiven
from huissier.domain.reasons import TABLE


class Reason(Struct, frozen=True, omit_defaults=True):
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


class Verdict(Struct, frozen=True):
    """What was decided for one recipient, named as the command named it; reasons most decisive first."""

    recipient: str
    outcome: Literal["accepted", "refused"]
    reasons: tuple[Reason, ...]


class Verdicts(tuple[Verdict, ...]):
    """The verdicts of a submission, in the order of its recipients."""

    __slots__ = ()

    @property
    def outcome(self) -> Literal["accepted", "refused", "mixed"]:
        """What the verdicts come to together."""
        accepted = sum(verdict.outcome == "accepted" for verdict in self)
        if accepted == len(self):
            return "accepted"
        return "mixed" if accepted else "refused"


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a command came to; `position` is the log position of the event, None where none was appended."""

    type: str
    id: str | None = None
    outcome: Literal["accepted", "refused", "mixed", "recorded", "unchanged", "rejected"]
    position: int | None
    verdicts: tuple[Verdict, ...] = ()
    reasons: tuple[Reason, ...] = ()


class Invalid(Struct, frozen=True, kw_only=True):
    """The answer to a line that cannot be read: its number, counted from 1, and why."""

    outcome: Literal["invalid"] = "invalid"
    line: int
    error: str


def explained(given: ReasonGiven | Rejected) -> Reason:
    """Return a reason as the contract gives it, from its code and facts."""
    plain = _EXPLAINED[given.code]
    return replace(plain, facts=given.facts) if given.facts else plain


_EXPLAINED: dict[str, Reason] = {
    code: Reason(code, entry.requirement, entry.fr, entry.en, entry.smtp, entry.remedy)
    for code, entry in TABLE.items()
}
