"""Feeds a recording from its sources: messages of mail, or the lines of a log as they come."""

import os
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import UnsupportedOperation
from pathlib import Path
from threading import Event
from time import monotonic
from typing import BinaryIO, Final

from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.ingest.following import LogFile
from huissier.adapters.ingest.log_lines import PostfixLog
from huissier.adapters.ingest.mail import messages
from huissier.adapters.ingest.place import save
from huissier.adapters.ingest.recording import Recording
from huissier.adapters.ingest.reports import read_report
from huissier.adapters.ingest.sightings import Told
from huissier.adapters.json_lines import Line, LineCutter, batches

_CHUNK: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.25
_SAVE_SECONDS: Final = 1.0  # what a crash makes it read again changes nothing


def take_reports(
    recording: Recording, file: BinaryIO, gateways: Sequence[str], decision_header: str = DECISION_HEADER
) -> None:
    """Record what the reports in a file of mail tell. Raises `StoreError`, `AsideError`."""

    def told() -> Iterator[Told]:
        for message in messages(file):
            recording.counts.lines += 1
            yield from read_report(message, gateways, decision_header)

    recording.take(told())


def take_lines(recording: Recording, log: PostfixLog, lines: Iterable[Line]) -> None:
    """Record what lines of a log tell. Raises `StoreError`, `AsideError`."""

    def told() -> Iterator[Told]:
        for line in lines:
            recording.counts.lines += 1
            if (one := log.read(line)) is not None:
                yield one

    recording.take(told())


def take_log(
    recording: Recording,
    log: PostfixLog,
    file: LogFile,
    *,
    keep: Path | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> None:
    """Record what a log tells, and keep the place in a file. Raises `StoreError`, `AsideError`, `UnwritableError`.

    `tell` hears up to which byte the file was read.
    """
    saved, then = file.place, monotonic()
    for lines in file.batches(whole_lines=keep is not None):
        take_lines(recording, log, lines)
        tell(file.place.offset)
        is_due = not lines or monotonic() - then > _SAVE_SECONDS
        if keep is not None and is_due and file.place != saved:
            saved, then = file.place, monotonic()
            save(keep, log.kept_at(saved))
    if keep is not None:
        save(keep, log.kept_at(file.place))


def piped(stream: BinaryIO, stop: Event) -> Iterator[list[Line]]:
    """Yield the lines of a pipe as they come, until its end or until told to stop."""
    try:
        handle = stream.fileno()
    except UnsupportedOperation:  # no file of the system behind it
        yield from batches(stream)
        return
    cutter = LineCutter()
    while not stop.is_set():
        if not select.select([handle], [], [], _LOOK_SECONDS)[0]:
            continue
        if not (chunk := os.read(handle, _CHUNK)):
            break
        yield cutter.feed(chunk)
    if not stop.is_set():
        yield cutter.end()
