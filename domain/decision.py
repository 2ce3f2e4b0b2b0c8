"""What a decider returns: the fact to append, that nothing changed, or why not."""

from msgspec import Struct

from huissier.domain.events import AnyEvent, Positions
from huissier.domain.reasons import Code


class Recorded(Struct, frozen=True):
    """The command changes something; the fact says what."""

    event: AnyEvent


class Unchanged(Struct, frozen=True):
    """It was so already; nothing is appended."""


class Rejected(Struct, frozen=True):
    """The command cannot be carried out, for this reason and resting on these facts."""

    code: Code
    facts: Positions = ()


Outcome = Recorded | Unchanged | Rejected
UNCHANGED = Unchanged()
