"""Names as a column can hold them, and one name of a professionnel from two columns: the log keeps `NOM Prénom`."""

import re
from typing import Final

from huissier.domain.vocabulary.ins import without_ins

_BREAKS_A_LINE: Final = re.compile(r"[|\x00-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Return a text as a column can hold it: a `|` or an end of line becomes a space, and a run of spaces one.

    It is the last gate too: no INS leaves in a column, whatever the log let in.
    """
    return without_ins(" ".join(_BREAKS_A_LINE.sub(" ", text).split()))


def joined(family: str, given: str) -> str | None:
    """Return one name from a family name and given names, None where there is neither."""
    return " ".join(part for part in (family, given) if part) or None


def parted(name: str) -> tuple[str, str]:
    """Return family name and given names: the first words in capitals are the family name, as in `MARTIN Jean`.

    A name that is not written so is all family name. Either way `joined` gives the same name again.
    """
    parts = name.split(" ")
    capitals = next((place for place, part in enumerate(parts) if part.upper() != part), len(parts))
    if capitals == 0:
        return name, ""
    return " ".join(parts[:capitals]), " ".join(parts[capitals:])
