"""The tree's nodes beside the store, in the database of read models: hashed from the log by whoever asks for them.

A decision does nothing for the tree, so that it costs no caller anything and works with every recorder; a checkpoint or
a proof first hashes what the log has gained. Kept are the leaf hashes of each complete block of 256 events, and its
root. If they are lost, they are hashed again. Only speed and the naming of positions rest on them: what was signed
before is compared with them, and `audit verify` hashes the log itself.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from huissier.adapters.errors import CorruptStoreError, RefusedError, StoreError
from huissier.adapters.evidence.leaf import leaf_of, leaf_of_row
from huissier.adapters.evidence.tree import BLOCK, HASH_LENGTH, Hash, Tree, leaf_hash, root_of
from huissier.adapters.log.port import Log, Progress, Readable, Whole
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Standing

NAME: Final = "tree"
_BLOCKS_A_PAGE: Final = 16
_VERSION: Final = 1
_HOLE: Final = "the tree beside the store has a hole: build it again with `huissier projections rebuild tree`"

metadata = sa.MetaData()

# The root of each complete block: 40,000 small rows at ten million events, read as a whole for a proof.
roots = sa.Table(
    "tree_roots",
    metadata,
    sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
)
# The hashes of its leaves, one behind the other; one row is read for a proof.
leaves = sa.Table(
    "tree_leaves",
    metadata,
    sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

# Two workers hash the same log to the same rows: the second has nothing to add.
_KEEP: Final = (
    sa.text("INSERT INTO tree_roots (block, root) VALUES (:block, :root) ON CONFLICT DO NOTHING"),
    sa.text("INSERT INTO tree_leaves (block, hashes) VALUES (:block, :hashes) ON CONFLICT DO NOTHING"),
)


class Nodes:
    """The nodes of one log. Safe to share between threads and processes."""

    def __init__(self, log: Log, database: ViewsDatabase) -> None:
        """Keep the nodes of a log in the database beside its store, made on first use."""
        self._log = log
        self._database = database
        with database.writing() as connection:
            metadata.create_all(connection)

    def tree(self, progress: Progress | None = None) -> Tree:
        """Return the tree of the log as it stands, after hashing what is new in it.

        Raises `RefusedError` where the log is not the one that was hashed before, as far as that is looked at: its
        last complete block, and its length.
        """
        done = self._catch_up(progress)
        with self._database.reading() as connection:
            kept = connection.execute(sa.select(roots.c.block, roots.c.root).order_by(roots.c.block).limit(done)).all()
        if [block for block, _ in kept] != list(range(done)):
            raise StoreError(_HOLE)
        return Tree([root for _, root in kept], self._hashes_behind(done * BLOCK, BLOCK - 1), self.leaves_of)

    def leaves_of(self, block: int) -> list[Hash]:
        """Return the leaf hashes of a complete block."""
        with self._database.reading() as connection:
            kept = connection.scalar(sa.select(leaves.c.hashes).where(leaves.c.block == block))
        if kept is None:
            raise StoreError(_HOLE)
        return cut(kept)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Forget all nodes and hash the whole log again."""
        with self._database.writing() as connection:
            for table in (roots, leaves):
                connection.execute(sa.delete(table))
        self._catch_up(progress)

    def standing(self) -> Standing:
        """Say how far the nodes are behind the log, and where they are not those of this log."""
        head, error = self._head(), None
        with self._database.reading() as connection:
            done = _count(connection)
        try:
            self._make_sure_of_last(done)
        except RefusedError as problem:
            error = str(problem)
        return Standing(NAME, _VERSION, 1, done * BLOCK, max(0, head - done * BLOCK), error)

    def _catch_up(self, progress: Progress | None) -> int:
        """Hash all complete blocks that are not there yet, and return how many there are."""
        with self._database.reading() as connection:
            done = _count(connection)
        self._make_sure_of_last(done)
        while new := self._hash_page(done):
            with self._database.writing() as connection:
                for statement in _KEEP:
                    connection.execute(statement, new)
            done += len(new)
            if progress is not None:
                progress(done * BLOCK, self._head())
        return done

    def _hash_page(self, done: int) -> list[dict[str, object]]:
        hashes = self._hashes_behind(done * BLOCK, _BLOCKS_A_PAGE * BLOCK)
        blocks = [hashes[at : at + BLOCK] for at in range(0, len(hashes) - BLOCK + 1, BLOCK)]
        return [
            {"block": number, "root": root_of(block), "hashes": b"".join(block)}
            for number, block in enumerate(blocks, done)
        ]

    def _make_sure_of_last(self, done: int) -> None:
        """Compare the last complete block with the log. Raises `RefusedError` with the first position that differs."""
        if done == 0:
            return
        first = (done - 1) * BLOCK
        now, before = self._hashes_behind(first, BLOCK), self.leaves_of(done - 1)
        if len(now) < BLOCK:
            raise RefusedError(
                f"the log ends at position {self._head()}, but {done * BLOCK} was there before: facts were lost"
            )
        for position, (hashed, kept) in enumerate(zip(now, before, strict=True), first + 1):
            if hashed != kept:
                raise RefusedError(f"the event at position {position} is not the one that was there before")

    def _hashes_behind(self, position: int, limit: int) -> list[Hash]:
        return [leaf_hash(leaf) for leaf in leaves_behind(self._log, position, limit)]

    def _head(self) -> int:
        with self._log.reading() as look:
            return look.head


def whole_behind(log: Readable, position: int, limit: int) -> list[Whole]:
    """Return positions, types, bytes and tags of what stands behind a position. Raises `StoreError`."""
    with log.reading() as look:
        return look.whole_after(position, limit)


def leaves_behind(log: Log, position: int, limit: int) -> list[bytes]:
    """Return the leaves of what stands behind a position.

    Raises `CorruptStoreError` where one is missing or cannot be read.
    """
    rows = whole_behind(log, position, limit)
    try:
        return [leaf_of(kind, tags, data) for _, kind, data, tags in rows]
    except TypeError:  # SQLite's columns hold anything
        return [_odd_leaf(*row) for row in rows]


def _odd_leaf(position: int, kind: object, data: object, tags: list[str]) -> bytes:
    leaf = leaf_of_row(kind, tags, data)
    if leaf is None:
        raise CorruptStoreError(f"the event at position {position} cannot be read")
    return leaf


def all_leaves(log: Log) -> Iterator[tuple[int, bytes]]:
    """Yield position and leaf of everything in a log. Raises `CorruptStoreError` where one is missing."""
    position = 0
    while page := leaves_behind(log, position, _BLOCKS_A_PAGE * BLOCK):
        yield from enumerate(page, position + 1)
        position += len(page)


def cut(hashes: bytes) -> list[Hash]:
    """Return hashes that stand one behind the other."""
    return [hashes[at : at + HASH_LENGTH] for at in range(0, len(hashes), HASH_LENGTH)]


def _count(connection: Connection) -> int:
    """Return how many blocks there are, assuming that none is missing among them."""
    found: int = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(roots.c.block) + 1, 0))) or 0
    return found
