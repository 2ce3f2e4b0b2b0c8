"""Cuts a file of mail into messages: one message, or an mbox of any size in constant memory."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

LONGEST_MESSAGE: Final = 4 * 1024 * 1024
_LONGEST_LINE: Final = 64 * 1024
# As mbox writers end it, with a date: a line of text may begin with From, and not all writers quote it.
_SEPARATOR: Final = re.compile(rb"From \S+ +[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}.* [0-9]{4}\s*")


class Message(NamedTuple):
    """A message and its number in the file, counted from 1; `is_cut` where it is longer than `LONGEST_MESSAGE`."""

    number: int
    content: bytes
    is_cut: bool


def messages(file: BinaryIO) -> Iterator[Message]:
    """Yield the messages of a file; of a long one only the beginning, where a report says what it has to say."""
    number, kept, size = 0, bytearray(), 0
    is_mbox = after_blank = False
    while line := file.readline(_LONGEST_LINE):
        separates = (after_blank or not (size or number)) and _SEPARATOR.fullmatch(line) is not None
        if separates and size:
            number += 1
            yield Message(number, bytes(kept), size > LONGEST_MESSAGE)
        if separates:
            is_mbox, size = True, 0
            kept.clear()
        elif size or line.strip():
            size += len(line)
            kept += line[: max(0, LONGEST_MESSAGE - len(kept))]
        after_blank = is_mbox and not line.strip()
    if size:
        yield Message(number + 1, bytes(kept), size > LONGEST_MESSAGE)
