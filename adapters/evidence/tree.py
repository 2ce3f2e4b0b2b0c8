"""The Merkle tree of RFC 6962 and RFC 9162 (SHA-256): its hashes, its proofs, and checking them.

A tree is kept as the roots of its complete blocks of 256 leaves and the hashes of the leaves behind them. That is a
hundredth of the nodes; the others are hashed again when a proof needs them, 40,000 at ten million leaves. Keeping
every node was rejected: it would double what is written for each event to save milliseconds for a proof.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from huissier.adapters.errors import RefusedError

BLOCK: Final = 256
HASH_LENGTH: Final = 32

Hash = bytes
LeavesOf = Callable[[int], Sequence[Hash]]


def leaf_hash(data: bytes) -> Hash:
    """Return the hash of a leaf (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[Hash]) -> Hash:
    """Return the root over hashes that stand side by side at one level; over none, the hash of nothing.

    An odd one at the end of a level moves up as it is, which equals RFC 9162's split at the largest power of two.
    """
    level = list(hashes)
    while len(level) > 1:
        ones = iter(level)
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(ones, ones, strict=False)]
        level = above if len(level) % 2 == 0 else [*above, level[-1]]
    return level[0] if level else sha256(b"").digest()


class Tree:
    """A tree of `size` leaves; what lies within a complete block is asked for where a proof or a root needs it."""

    def __init__(self, blocks: Sequence[Hash], tail: Sequence[Hash], leaves_of: LeavesOf) -> None:
        """Take the roots of all complete blocks, the leaf hashes behind them, and a way to those of a block."""
        self._blocks = blocks
        self._tail = tail
        self._leaves_of = leaves_of
        self.size = len(blocks) * BLOCK + len(tail)

    def root(self, size: int | None = None) -> Hash:
        """Return the root, or the one there was when the tree had fewer leaves."""
        return self._root_between(0, self.size if size is None else self._known(size))

    def leaf(self, index: int) -> Hash:
        """Return the hash of a leaf, counted from 0."""
        return self._leaves(index // BLOCK)[index % BLOCK]

    def inclusion(self, index: int, size: int) -> list[Hash]:
        """Return the path from a leaf to the root at a size, the leaf's neighbour first (RFC 9162, 2.1.3.1)."""
        if not 0 <= index < self._known(size):
            raise RefusedError(f"a tree of {size} leaves has no leaf {index}")
        path: list[Hash] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._root_between(middle, end))
                end = middle
            else:
                path.append(self._root_between(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old: int, size: int) -> list[Hash]:
        """Return the proof that the tree of `old` leaves begins the one of `size` leaves (RFC 9162, 2.1.4.1)."""
        if not 0 <= old <= self._known(size):
            raise RefusedError(f"a tree of {size} leaves cannot be proved to continue one of {old}")
        if old in (0, size):
            return []
        path: list[Hash] = []
        start, end = 0, size
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._root_between(middle, end))
                end = middle
            else:
                path.append(self._root_between(start, middle))
                start = middle
        return [*([self._root_between(start, end)] if start else []), *path[::-1]]

    def leaves_of(self, block: int) -> Sequence[Hash]:
        """Return the hashes of the leaves in a complete block."""
        return self._leaves_of(block)

    def _root_between(self, start: int, end: int) -> Hash:
        """Return the root over leaves; `start` begins a whole subtree of at least so many leaves."""
        first, behind = start // BLOCK, end // BLOCK
        if first == behind:
            return root_of(self._leaves(first)[start % BLOCK : end % BLOCK])
        if start % BLOCK:  # only within a block: whole subtrees do not cross its end
            return root_of(self._leaves(first)[start % BLOCK :])
        if end - start < BLOCK:
            return root_of(self._leaves(first)[: end - start])
        blocks = list(self._blocks[first:behind])
        return root_of([*blocks, root_of(self._leaves(behind)[: end % BLOCK])] if end % BLOCK else blocks)

    def _leaves(self, number: int) -> Sequence[Hash]:
        return self._tail if number == len(self._blocks) else self._leaves_of(number)

    def _known(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise RefusedError(f"the log ends at position {self.size}, before {size}")
        return size


class Frontier:
    """The root of a tree that grows, in memory that does not: the roots of the whole subtrees it is made of."""

    def __init__(self) -> None:
        """Start without a leaf; `size` counts those in complete blocks."""
        self._subtrees: list[tuple[int, Hash]] = []
        self.size = 0

    def add(self, block: Hash) -> None:
        """Take in the root of the next complete block."""
        blocks = 1
        while self._subtrees and self._subtrees[-1][0] == blocks:
            _, left = self._subtrees.pop()
            block, blocks = node_hash(left, block), 2 * blocks
        self._subtrees.append((blocks, block))
        self.size += BLOCK

    def root(self, tail: Sequence[Hash]) -> Hash:
        """Return the root over the blocks and the leaf hashes behind them."""
        roots = [root for _, root in self._subtrees]
        node = root_of(tail) if tail or not roots else roots.pop()
        for left in reversed(roots):
            node = node_hash(left, node)
        return node


def includes(root: Hash, size: int, index: int, leaf: Hash, path: Sequence[Hash]) -> bool:
    """Say whether a path leads from a leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, place, last = leaf, index, size - 1
    for step in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            node = node_hash(step, node)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            node = node_hash(node, step)
        place, last = place // 2, last // 2
    return last == 0 and node == root


def continues(old_root: Hash, old: int, root: Hash, size: int, path: Sequence[Hash]) -> bool:
    """Say whether a proof shows that a tree begins with an older one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= size:
        return False
    if old in (0, size):
        return not path and (old_root == root if old == size else old_root == root_of([]))
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return False
    place, last = old - 1, size - 1
    while place % 2:
        place, last = place // 2, last // 2
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            newer = node_hash(newer, step)
        place, last = place // 2, last // 2
    return last == 0 and older == old_root and newer == root


def _split(count: int) -> int:
    """Return the largest power of two below a count, which must be two at least."""
    return 1 << (count - 1).bit_length() - 1
