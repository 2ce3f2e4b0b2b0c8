"""Facts, words and forms: what a space of situations is made of (see `facts`)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
INSTANT: Final = timedelta(microseconds=1)
GRACE: Final = 30 * DAY
DOMAIN: Final = {"sender": "here.mssante.fr", "recipient": "there.mssante.fr"}

Form = Mapping[str, Any]


class Fact(NamedTuple):
    """The words of a fact with their forms, from the worst for the message to the best.

    `matters`: the companies of words in which it makes a difference; `otherwise`: the word elsewhere, which of a party
    is nobody's, whose address cannot be read; by default the best.
    """

    words: Mapping[str, list[Form]]
    matters: tuple[Mapping[str, tuple[str, ...]], ...] = ({},)
    alone: bool = False
    nobodys: str | None = None

    @property
    def best(self) -> str:
        """The word that stands least against the message."""
        return list(self.words)[-1]

    @property
    def otherwise(self) -> str:
        """The word where it does not matter."""
        return self.nobodys or self.best


def forms(slots: tuple[str, ...], values: Iterable[tuple[Any, ...]]) -> list[Form]:
    return [dict(zip(slots, each, strict=True)) for each in values]


def sort(word: Callable[[Form], str], words: tuple[str, ...], found: Sequence[Form]) -> Mapping[str, list[Form]]:
    """Put forms under their words, in the order of the words."""
    return {each: [form for form in found if word(form) == each] for each in words}
