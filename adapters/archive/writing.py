"""A log written to an archive: what it has gained since, in new files, each complete or not there at all.

An export that broke off goes on behind the last part that is listed: at most one part is written again. Files are for
their owner only, though no INS stands in them: they say who wrote to whom.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from huissier.adapters.archive.columns import SCHEMA, Block, blocks_of
from huissier.adapters.archive.comparing import make_sure
from huissier.adapters.archive.groups import MANNER, ROWS_A_GROUP
from huissier.adapters.archive.layout import SUMS, Layout, Part, checkpoint_path, drafts_in, part_name, sum_of, sums_of
from huissier.adapters.archive.parquet import pa, pq
from huissier.adapters.archive.reading import PAGE, Archive
from huissier.adapters.errors import ArchiveError, CorruptStoreError, RefusedError
from huissier.adapters.evidence.checkpoint import Checkpoint
from huissier.adapters.evidence.nodes import whole_behind
from huissier.adapters.evidence.tree import Tree
from huissier.adapters.log.port import Progress, Readable
from huissier.adapters.private_file import UnwritableError, make_once, private_file

ROWS_A_PART: Final = 1_000_000


@contextmanager
def exporting(folder: Path) -> Iterator["Export"]:
    """Lend an archive to be written to, made on first use; nobody else writes to it meanwhile.

    Raises `ArchiveError`, also for a folder that holds something else, and `UnwritableError`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as problem:
        raise UnwritableError(f"{folder} cannot be written: {problem.strerror}") from None
    is_new = False
    try:
        _lock(handle, folder)
        is_new = not (folder / SUMS).exists()
        if is_new:
            _begin(folder)
        for name in Layout(folder).links():
            raise ArchiveError(f"{folder / name} is a link, and an archive has none")
        for draft in drafts_in(folder):
            draft.unlink()
        yield Export(folder)
    except RefusedError:
        if is_new and not Layout(folder).parts:  # nothing was written but an empty list
            (folder / SUMS).unlink()
        raise
    finally:
        os.close(handle)


class Exported(msgspec.Struct, frozen=True):
    """What an archive holds now: its events, those that were there before, its files, and who signed for all of it."""

    events: int
    before: int
    files: int
    signed_by: str | None


def export(
    log: Readable,
    folder: Path,
    tree: Tree | None,
    sign: Callable[[Tree], Checkpoint] | None = None,
    progress: Progress = lambda _done, _of: None,
    comparing: Progress = lambda _done, _of: None,
) -> Exported:
    """Bring an archive to what a log holds: up to its tree, with a checkpoint of that, or without a tree to its head.

    First the log is compared with the archive and with the tree, then it is signed, then something is written. Raises
    `RefusedError` where the log does not continue the archive or is not the one in the tree, and as `exporting`,
    `make_sure` and `Export` do.
    """
    with exporting(folder) as archive:
        before = archive.head
        archive.make_sure(log, tree, comparing)
        signed = None if tree is None or sign is None else sign(tree)
        archive.extend(log, _head(log) if tree is None else tree.size, progress)
        if signed is not None:
            archive.keep(signed)
    return Exported(archive.head, before, archive.files, None if signed is None else signed.head.origin)


class Export:
    """An archive that is written to."""

    def __init__(self, folder: Path) -> None:
        """Write behind what is listed. Raises `ArchiveError`."""
        self._folder = folder
        self._archive = Archive(folder)
        self.head = self._archive.head
        self.files = len(self._archive.layout.parts)

    def make_sure(self, log: Readable, tree: Tree | None, progress: Progress) -> None:
        """Make sure that a log continues the archive, as `comparing.make_sure` does."""
        make_sure(log, self._archive, tree, progress)

    def extend(self, log: Readable, until: int, progress: Progress = lambda _done, _of: None) -> None:
        """Write what the log has up to a position and the archive has not.

        Raises `CorruptStoreError` for an event that is missing or cannot be read, and `UnwritableError`.
        """
        for (month, first), blocks in groupby(_blocks(log, self.head, until), key=_Parting(self.head + 1)):
            self._write(month, first, (block.batch for block in blocks), lambda done: progress(done, until))

    def keep(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint beside the parts; one of as many events already there stays, for it may be countersigned."""
        path = checkpoint_path(self._folder, checkpoint.head.size)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        make_once(path, lambda: checkpoint.raw)

    def _write(
        self, month: str, first: int, batches: Iterable[pa.RecordBatch], progress: Callable[[int], None]
    ) -> None:
        path = self._folder / part_name(month, first)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with private_file(path) as file, pq.ParquetWriter(file, SCHEMA, **MANNER) as writer:
            for group in _groups(batches):
                writer.write_table(group)
                self.head += group.num_rows
                progress(self.head)
        parts = [*self._archive.layout.parts, Part(month, first, sum_of(path))]
        with private_file(self._folder / SUMS) as file:
            file.write(sums_of(parts))
        self._archive.layout.parts = parts
        self.files = len(parts)


class _Parting:
    """Says which part each block belongs to, by its month and its first position; called with the blocks in order."""

    def __init__(self, position: int) -> None:
        self._month = ""
        self._first = self._position = position

    def __call__(self, block: Block) -> tuple[str, int]:
        if block.month != self._month or self._position - self._first >= ROWS_A_PART:
            self._month, self._first = block.month, self._position
        self._position += len(block.batch)
        return self._month, self._first


def _lock(handle: int, folder: Path) -> None:
    """Keep others out until the handle is closed, in whatever way this process ends."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ArchiveError(f"somebody else is exporting to {folder}") from None


def _begin(folder: Path) -> None:
    """Make an empty archive in a folder that is empty, but for drafts left by earlier tries."""
    if {*folder.iterdir()} - {*drafts_in(folder)}:
        raise ArchiveError(f"{folder} holds something else and was left untouched")
    with private_file(folder / SUMS):
        pass


def _head(log: Readable) -> int:
    with log.reading() as look:
        return look.head


def _blocks(log: Readable, after: int, until: int) -> Iterator[Block]:
    while after < until:
        rows = whole_behind(log, after, min(PAGE, until - after))
        if not rows:
            raise CorruptStoreError(f"the event at position {after + 1} is missing")
        yield from blocks_of(rows)
        after += len(rows)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Gather batches into groups of rows of a size that suits queries."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(map(len, gathered)) >= ROWS_A_GROUP:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)
