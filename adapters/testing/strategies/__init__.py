"""Hypothesis strategies: words of the trust space, commands of every kind, and whole histories told in a small town.

    from huissier.adapters.testing.strategies import histories, options

`vocabulary` has the words, `commands` the commands, `histories` the histories; `mixes` says what they are made of, how
much of each and how odd, and `town` who lives there.
"""

from huissier.adapters.testing.strategies.commands import commands, commands_of
from huissier.adapters.testing.strategies.histories import conversations, histories
from huissier.adapters.testing.strategies.mixes import HOSTILE, USUAL, VALID, Mix
from huissier.adapters.testing.strategies.policies import options
from huissier.adapters.testing.strategies.spellings import OTHER_SPELLINGS, SAME_SPELLINGS, spelled
from huissier.adapters.testing.strategies.worlds import worlds

__all__ = [
    "HOSTILE",
    "OTHER_SPELLINGS",
    "SAME_SPELLINGS",
    "USUAL",
    "VALID",
    "Mix",
    "commands",
    "commands_of",
    "conversations",
    "histories",
    "options",
    "spelled",
    "worlds",
]
