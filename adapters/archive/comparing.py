"""A log compared with an archive that it is to extend, and with its own tree, before anything is signed or written.

Both say what the log was before: the archive by what it keeps of each leaf's hash and by its checkpoints, the tree by
the hashes that the next checkpoint rests on. Comparing the end alone could join two different pasts, and sign for
events that are gone. So the whole log is hashed, though only what is new is written.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from huissier.adapters.archive.columns import beginning_of
from huissier.adapters.archive.reading import Archive
from huissier.adapters.errors import CorruptStoreError, RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.checkpoint import Checkpoint, Head
from huissier.adapters.evidence.leaf import leaf_of_row
from huissier.adapters.evidence.nodes import whole_behind
from huissier.adapters.evidence.tree import BLOCK, Hash, Tree, leaf_hash
from huissier.adapters.evidence.verifying import Leaf, LogVerifier
from huissier.adapters.integrity.findings import Findings
from huissier.adapters.log.port import Progress, Readable, Whole

_AT_ONCE: Final = 16 * BLOCK
_NOBODY: Final = ""  # the origin in the head of a tree, which nobody signed


def make_sure(log: Readable, archive: Archive, tree: Tree | None, progress: Progress) -> None:
    """Make sure that a log continues an archive and what was signed of it, and is the one in its tree, if one is given.

    Raises `RefusedError` with the first bad position, if known, `CorruptStoreError`, `DamagedArchiveError` and
    `UnreadableEvidenceError`.
    """
    hashed = [] if tree is None else [Head(_NOBODY, tree.size, tree.root())]
    heads = [*hashed, *(_head_in(path) for path in archive.layout.checkpoints())]
    with log.reading() as look:
        end = look.head
    if end < archive.head:
        raise RefusedError(f"the archive goes to position {archive.head}, and the log does not: events were lost")
    until = min(end, max([archive.head, *(head.size for head in heads)]))
    findings = Findings()
    verifier = LogVerifier(heads, findings, lambda block: _kept(tree, block))
    verifier.take_in(_leaves(log, archive, until), lambda done: progress(done, until))
    verifier.end()
    for problem in findings.report(until, until).problems:
        raise RefusedError(f"the log does not continue what was signed or hashed of it: {problem}")


def _leaves(log: Readable, archive: Archive, until: int) -> Iterator[Leaf]:
    """Yield what the log has up to a position, as long as it is what the archive has."""
    kept = archive.beginnings()
    after = 0
    while after < until:
        for position, kind, data, tags in _rows(log, after, until):
            leaf = leaf_of_row(kind, tags, data)
            if leaf is None:
                raise CorruptStoreError(f"the event at position {position} cannot be read")
            here = next(kept, None)
            if here is not None and here != beginning_of(leaf_hash(leaf)):
                raise RefusedError(
                    f"the event at position {position} is not the one in the archive: the log's past was changed, or it"
                    " is another log"
                )
            yield position, leaf
            after = position


def _rows(log: Readable, after: int, until: int) -> list[Whole]:
    rows = whole_behind(log, after, min(_AT_ONCE, until - after))
    if not rows:
        raise CorruptStoreError(f"the event at position {after + 1} is missing")
    return rows


def _kept(tree: Tree | None, block: int) -> Sequence[Hash] | None:
    return tree.leaves_of(block) if tree is not None and block < tree.size // BLOCK else None


def _head_in(path: Path) -> Head:
    try:
        return Checkpoint.parse(path.read_bytes()).head
    except UnreadableEvidenceError as problem:
        raise UnreadableEvidenceError(f"{path}: {problem}") from None
