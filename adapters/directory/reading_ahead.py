"""Reads a long extraction in a process of its own, ahead of its import; a short one is read in this process."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct, msgpack

from huissier.adapters.child_process import Pipe, child_process, received
from huissier.adapters.directory.reading import Extraction, ExtractionError, Row, open_extraction, read_extraction

WORTH_A_PROCESS: Final = 8 * 1024 * 1024  # bytes, some 40,000 rows: a process takes about a second to start
_ROWS_AT_ONCE: Final = 8_000  # as many as an import takes in at once: a pipe holds no more than the next ones


class _Batch(Struct, frozen=True):
    """Some rows, and how many bytes of the text were read by then; no rows mean the end."""

    position: int
    rows: list[Row]


_encode: Final = msgpack.Encoder().encode
_decode: Final = msgpack.Decoder(_Batch).decode


@contextmanager
def rows_of(
    path: Path, extraction: Extraction, at: datetime | None, tell: Callable[[int], None]
) -> Iterator[Iterator[Row]]:
    """Read an opened extraction, as commands with this time; `tell` hears how many bytes of its text were read.

    The rows raise `ExtractionError` where the header is not one, and `StoreError` if the process that reads ends.
    """
    with ExitStack() as stack:
        which, whole_path = os.stat(path), path.resolve()
        is_found_again = whole_path.exists() and os.path.samestat(whole_path.stat(), which)
        if extraction.size < WORTH_A_PROCESS or len(os.sched_getaffinity(0)) == 1 or not is_found_again:
            batches = _batches(extraction, at)
        else:
            file = (which.st_dev, which.st_ino)
            batches = _received(stack.enter_context(child_process(_send, whole_path, file, at)))
        yield _told(batches, tell)


def _told(batches: Iterator[_Batch], tell: Callable[[int], None]) -> Iterator[Row]:
    for batch in batches:
        yield from batch.rows
        tell(batch.position)


def _batches(extraction: Extraction, at: datetime | None) -> Iterator[_Batch]:
    rows = read_extraction(extraction.stream, at)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield _Batch(extraction.stream.tell(), batch)


def _send(pipe: Pipe, path: Path, file: tuple[int, int], at: datetime | None) -> None:
    with open_extraction(path) as extraction:
        there = path.stat()
        if (there.st_dev, there.st_ino) != file:
            raise ExtractionError("another file took its place while it was read")
        for batch in _batches(extraction, at):
            pipe.send(_encode(batch))
        pipe.send(_encode(_Batch(extraction.size, [])))


def _received(pipe: Pipe) -> Iterator[_Batch]:
    while (batch := _decode(received(pipe))).rows:
        yield batch
