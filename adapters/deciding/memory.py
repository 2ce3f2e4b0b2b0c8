"""What one process remembers of the log between decisions, and how it keeps up with what others append."""

from collections.abc import Iterable, Sequence
from typing import Final

from huissier.adapters.log import codec
from huissier.adapters.log.port import Look
from huissier.adapters.log.store import keeps_deleted
from huissier.adapters.vault import Vault
from huissier.domain.events import UsagerErased
from huissier.domain.facts import Facts
from huissier.domain.timeline import Fact

_CATCH_UP_PAGE: Final = 2_000


class Memory:
    """Timelines by tag, complete up to `seen`, the last position read."""

    def __init__(self, vault: Vault, size: int) -> None:
        """Start knowing nothing, to keep `size` subjects and facts at the most between turns.

        The vault's own memory is kept in step.
        """
        self._vault = vault
        self._size = size
        self.facts = Facts()
        self.seen = 0

    def forget(self) -> None:
        """Drop everything, after a failure or for room; it is read again on demand."""
        self.facts.forget()
        self._vault.forget_all()

    def catch_up(self, look: Look) -> bool:
        """Fold in what others appended since, and say whether they erased somebody.

        Past a page it is cheaper to forget and read on demand; then the store is asked about erasures.
        """
        has_erased = False
        if look.head == self.seen:
            return False
        if self.facts.size and self.seen < look.head <= self.seen + _CATCH_UP_PAGE:
            for position, data, tags in look.after(self.seen, _CATCH_UP_PAGE):
                if tags and not self.facts.knows_any(tags):
                    continue  # nobody here has asked for its subjects; without tags it may be an erasure
                fact = codec.decode_fact(data, position)
                has_erased = has_erased or isinstance(fact.event, UsagerErased)
                self.add(fact, tags)
        else:
            self.forget()
            has_erased = keeps_deleted(look.session)
        self.seen = look.head
        return has_erased

    def add(self, fact: Fact, tags: Iterable[str]) -> None:
        """Fold in one fact."""
        self.facts.add(tags, fact)
        if isinstance(fact.event, UsagerErased):
            self._vault.forget(fact.event.usager)

    def learn(self, look: Look, tags: Sequence[str]) -> None:
        """Read all facts of subjects not known yet."""
        self.facts.learn(tags)
        for tag, position, data in look.by_tag(tags):
            self.facts.add((tag,), codec.decode_fact(data, position))

    def keep_bounded(self, done_with: Iterable[str]) -> None:
        """Drop subjects unlikely to be asked for again, then those used longest ago until the rest fits."""
        self.facts.drop(done_with)
        self.facts.shrink_to(self._size)
