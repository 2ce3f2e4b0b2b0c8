"""A desk: where one thread at a time decides, with a clerk and what is remembered of the log there."""

import threading
from types import TracebackType
from typing import Self

from huissier.adapters.deciding.clerk import Clerk
from huissier.adapters.deciding.memory import Memory
from huissier.adapters.vault import Vault
from huissier.domain.rule_set import RuleBook


class Desk:
    """Whoever holds its lock sits down at it in a `with` block.

    What is remembered is dropped when anything fails there, for it may be ahead of the log.
    """

    def __init__(self, vault: Vault, memory: int, rules: RuleBook) -> None:
        """Remember `memory` subjects and facts at the most."""
        self.lock = threading.RLock()  # not taken in `__enter__`: an interrupt after taking it must free it
        self.memory = Memory(vault, memory)
        self.clerk = Clerk(vault, rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.memory.forget()
