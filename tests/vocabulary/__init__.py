"""The words of the trust space, each alone: tables of examples, and properties that hold for any text."""

from collections.abc import Callable
from typing import TypeVar

from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins

T = TypeVar("T")


def read_or_refused(parse: Callable[[str], T], text: str) -> T | None:
    """Return what a text is read as, None where it is refused; nothing but `VocabularyError` may refuse it.

    The message never repeats the text, unless that is so short that any message may hold it.
    """
    try:
        return parse(text)
    except VocabularyError as problem:
        message = str(problem)
    assert len(text) < 6 or text not in message
    assert not mentions_ins(message)
    return None
