"""What a mailbox is found by: its words without accents and case, each preceded by a space."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

# What no decomposition takes apart: ligatures, and strokes through letters.
_WHOLE: Final = str.maketrans("øłđðıħŧǥɨƶƀɇɉɍɏȼⱥⱦ", "olddihtgizbejrycat") | {
    ord(ligature): letters for ligature, letters in {"œ": "oe", "æ": "ae", "þ": "th"}.items()
}
_MARKS: Final = re.compile("[\u0300-\u036f]+")
_APART: Final = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """Return the text in lower case without accents, strokes and ligatures."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)  # first: Ǿ is Ø with an accent, and № has a capital in it
    return _MARKS.sub("", unicodedata.normalize("NFKD", apart.casefold())).translate(_WHOLE)


def words(text: str) -> list[str]:
    """Return the words of a text, folded; anything but letters and digits separates words."""
    return _APART.sub(" ", folded(text)).split()


def search_key(texts: Iterable[str | None], wholes: Iterable[str | None]) -> str:
    """Return a key in which ` word` stands for every word of the texts, and for each whole as it is."""
    found = words(" ".join(filter(None, texts)))
    return " ".join(dict.fromkeys(("", *found, *filter(None, wholes))))
