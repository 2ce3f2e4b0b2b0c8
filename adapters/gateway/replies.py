"""What a gateway answers a mail server, whatever the protocol between them."""

import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from huissier.domain.answers import Answer, Reason, Verdict
from huissier.domain.reasons import TABLE, Code

LONGEST_LINE: Final = 400  # with what a mail server puts before it, it still is one SMTP line

ReplyKind = Literal["pass", "refuse", "defer"]


class Reply(Struct, frozen=True):
    """Whether a recipient or a message may pass.

    `text`: the SMTP reply where it may not: code, enhanced code and a line in ASCII. `reason`: the most decisive
    reason's code, for a refusal. `decision`: the id of the submission that was recorded. `shadow`: the code of the
    reason why it would be refused if it were not in shadow.
    """

    kind: ReplyKind
    text: str = ""
    reason: str | None = None
    decision: str | None = None
    shadow: str | None = None


PASS: Final = Reply("pass")
UNAVAILABLE: Final = Reply("defer", "451 4.3.0 huissier: temporairement indisponible, reessayez plus tard")
OUT_OF_STEP: Final = Reply("defer", "451 4.3.0 huissier: session inconnue, reessayez plus tard")
UNREADABLE: Final = Reply("refuse", TABLE[Code.ADDRESS_INVALID].smtp or "", Code.ADDRESS_INVALID)


def reply_to(answer: Answer) -> Reply:
    """Return the reply that an answer comes to, about a recipient or a whole message."""
    return reply_for(answer.verdicts, None if answer.position is None else answer.id)


def reply_for(verdicts: Sequence[Verdict], decision: str | None = None) -> Reply:
    """Return what verdicts come to: one refusal refuses. `decision`: the id of the submission, where it is recorded."""
    against = [verdict for verdict in verdicts if not verdict.passes]
    if against:
        reason = _most_telling(against)
        return Reply("refuse", reason.smtp or UNREADABLE.text, reason.code, decision)
    shadows = [verdict for verdict in verdicts if verdict.shadow]
    return Reply("pass", decision=decision, shadow=_most_telling(shadows).code if shadows else None)


def as_line(text: str) -> str:
    """Return a text as one line of ASCII, cut to `LONGEST_LINE`."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(character if character.isprintable() else " " for character in ascii_only)[:LONGEST_LINE]


def _most_telling(against: list[Verdict]) -> Reason:
    """Choose a reason that stands by itself before one that points at another recipient."""
    reasons = [verdict.reasons[0] for verdict in against]
    return next((reason for reason in reasons if reason.code != Code.OTHER_RECIPIENT_REFUSED), reasons[0])
