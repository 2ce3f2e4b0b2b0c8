"""Trees of any size, whose leaves are numbers."""

from collections.abc import Sequence

from huissier.adapters.evidence.tree import BLOCK, Hash, Tree, leaf_hash, root_of

MOST = 3 * BLOCK + 7
HASHES = [leaf_hash(number.to_bytes(2)) for number in range(MOST)]


def tree_of(hashes: Sequence[Hash]) -> Tree:
    count = len(hashes) // BLOCK
    blocks = [hashes[number * BLOCK : (number + 1) * BLOCK] for number in range(count)]
    return Tree([root_of(block) for block in blocks], hashes[count * BLOCK :], lambda number: blocks[number])
