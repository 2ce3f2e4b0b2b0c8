"""What histories are made of: how much of what, and how odd."""

from typing import Final, NamedTuple


class Mix(NamedTuple):
    """How often each kind of command comes, weighed against the others.

    `odd`: how many addresses in twelve are spelled oddly; at 0 every address and INS can be read, and no mailbox is
    created under an INS. `complete`: nothing of the set-up is left out or late. `themes`: whether parts of a history
    keep to few people and few kinds of command, so that these meet.
    """

    submissions: int = 10
    reports: int = 3
    mailboxes: int = 3
    trust_space: int = 3
    usagers: int = 2
    odd: int = 1
    complete: bool = False
    themes: bool = True


USUAL: Final = Mix()
VALID: Final = Mix(odd=0, complete=True)
HOSTILE: Final = Mix(odd=6, themes=False)
