"""What a check is: a name, the requirement that its failure breaks, and a play that raises `FoundError` on failure."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from msgspec import Struct

Protocol = Literal["postfix", "milter"]
P = TypeVar("P", bound=Callable[[Any], None])


class Check(Struct, frozen=True):
    """One thing that every implementation must do.

    `requirement`: where that is written; `sentence`: what must be so; `play` is called with a mail server.
    """

    name: str
    requirement: str
    sentence: str
    protocols: tuple[Protocol, ...]
    play: Callable[[Any], None]


class Checks:
    """Collects the checks of a module, in their order."""

    def __init__(self, *protocols: Protocol) -> None:
        """Begin without any; all that follow are for these protocols."""
        self._protocols = protocols
        self.all: list[Check] = []

    def __call__(self, requirement: str) -> Callable[[P], P]:
        """Make a check of a play, whose name becomes the check's name and whose docstring its sentence."""

        def take(play: P) -> P:
            name, sentence = play.__name__.replace("_", "-"), (play.__doc__ or "").strip()
            self.all.append(Check(name, requirement, sentence, self._protocols, play))
            return play

        return take
