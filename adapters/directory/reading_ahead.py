"""Reads a long extraction in a process of its own, ahead of who takes its rows in; a short one is read where it is."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct, msgpack

from huissier.adapters.child_process import Pipe, child_process, received
from huissier.adapters.directory.reading import Extraction, Row, open_extraction, read_extraction

WORTH_A_PROCESS: Final = 8 * 1024 * 1024  # bytes, some 40,000 rows: a process takes about a second to start
_ROWS_AT_ONCE: Final = 2_000


class _Batch(Struct, frozen=True):
    """Some rows, and how many bytes of the text were read when they were; none are the end."""

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
        if extraction.size < WORTH_A_PROCESS or len(os.sched_getaffinity(0)) == 1:
            batches = _batches(extraction, at)
        else:
            batches = _received(stack.enter_context(child_process(_send, path.resolve(), at)))
        yield _told(batches, tell)


def _told(batches: Iterator[_Batch], tell: Callable[[int], None]) -> Iterator[Row]:
    for batch in batches:
        yield from batch.rows
        tell(batch.position)


def _batches(extraction: Extraction, at: datetime | None) -> Iterator[_Batch]:
    rows = read_extraction(extraction.stream, at)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield _Batch(extraction.stream.tell(), batch)


def _send(pipe: Pipe, path: Path, at: datetime | None) -> None:
    with open_extraction(path) as extraction:
        for batch in _batches(extraction, at):
            pipe.send(_encode(batch))
        pipe.send(_encode(_Batch(extraction.size, [])))


def _received(pipe: Pipe) -> Iterator[_Batch]:
    while (batch := _decode(received(pipe))).rows:
        yield batch
