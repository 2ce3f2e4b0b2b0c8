"""Looking for an INS byte by byte, in every way to write it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# What may stand between two of its digits: spaces, dots, dashes, slashes, the spaces of typographers in UTF-8 and
# Latin-1, an escape of JSON, the other half of a character in UTF-16.
_BETWEEN = rb"(?:[\s\x00._/+%,;:'\"\\-]|\xc2?\xa0|\xe2\x80[\x80-\xaf]|\\u00a0|\\u202f){0,3}"


def pattern_of(ins: str) -> re.Pattern[bytes]:
    """Return what finds an INS, with its key or without, in ASCII digits or in those of other scripts."""
    return re.compile(_BETWEEN.join(_digit(one) for one in ins[:13]), re.IGNORECASE)


def spellings(ins: str) -> list[str]:
    """Return some of the ways to write it: what the search must find, and what a mail system may be told."""
    groups = (ins[0], ins[1:3], ins[3:5], ins[5:7], ins[7:10], ins[10:13], ins[13:])
    return [
        ins,
        ins[:13],
        *(between.join(groups) for between in (" ", ".", "-", "/", "\u00a0", "\u202f")),
        " ".join(groups[:-1]),
        " ".join(ins),
        "".join(chr(ord(one) - ord("0") + 0xFF10) for one in ins),
    ]


def files_that_hold(found: Iterable[re.Pattern[bytes]], files: Iterable[Path]) -> Iterator[str]:
    """Name the files in which one of these is found, also across the pages in which they would be read."""
    patterns = list(found)
    for file in files:
        content = file.read_bytes()
        if any(one.search(content) for one in patterns) or any(one.search(file.name.encode()) for one in patterns):
            yield str(file)


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _digit(digit: str) -> bytes:
    """Return what finds a digit, or the letter of a Corsican; in full width in UTF-8 and in UTF-16 too."""
    wide = chr(ord(digit) - ord("0") + 0xFF10) if digit.isdigit() else digit
    written = {digit.encode(), *(wide.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))}
    return b"(?:%s)" % b"|".join(sorted(map(re.escape, written)))
