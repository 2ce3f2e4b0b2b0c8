"""The last gate before a file: nothing that looks like an INS passes, nor what stands for a usager in the log.

The log has no INS, so this never closes; if it does, something before it is broken, and no file is better than
this one.
"""

from huissier.adapters.errors import RefusedError
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.ins import mentions_ins


class GateError(RefusedError):
    """A text that must not leave; the message names its place and never repeats it."""


def passed(text: str, place: str) -> str:
    """Return a text that may be written. Raises `GateError`.

    Source: EX_PSU_5020: every mention of the INS is removed before submission.
    """
    if mentions_ins(text):
        raise GateError(f"{place} looks like an INS; nothing was written")
    if MailboxAddress.of_fact(text).is_pseudonym:
        raise GateError(f"{place} names a usager; nothing was written")
    return text
