"""The tree is the one of RFC 6962 and RFC 9162: published vectors, another implementation, and what always holds."""

import base64
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree  # type: ignore[import-untyped]

from huissier.adapters.errors import RefusedError
from huissier.adapters.evidence.tree import BLOCK, Frontier, Hash, continues, includes, leaf_hash, root_of
from tests.evidence.trees import HASHES, MOST, tree_of

# The leaves and roots that Certificate Transparency's implementations publish and test each other with.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Paths published as test data by transparency-dev/merkle: (leaf, size, path) and (old size, size, path).
INCLUSIONS = [
    (
        0,
        8,
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        5,
        8,
        [
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
    (2, 3, ["+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU="]),
]
CONSISTENCIES = [
    (
        1,
        8,
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        6,
        8,
        [
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
    (
        2,
        5,
        [
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ],
    ),
]

THEIRS = InmemoryTree.init_from_entries([number.to_bytes(2) for number in range(MOST)])

# Small trees, where every shape is seen, and larger ones around the ends of blocks.
sizes = st.one_of(st.integers(1, 40), st.integers(1, MOST), st.sampled_from([BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK]))


def in_base64(path: Sequence[Hash]) -> list[str]:
    return [base64.b64encode(one).decode() for one in path]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_the_published_ones(size: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert tree_of(hashes).root().hex() == root_of(hashes).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, path: list[str]) -> None:
    assert in_base64(tree_of([leaf_hash(leaf) for leaf in LEAVES]).inclusion(index, size)) == path


@pytest.mark.parametrize(("old", "size", "path"), CONSISTENCIES)
def test_consistency_proofs_are_the_published_ones(old: int, size: int, path: list[str]) -> None:
    assert in_base64(tree_of([leaf_hash(leaf) for leaf in LEAVES]).consistency(old, size)) == path


@given(sizes, st.data())
def test_another_implementation_has_the_same_roots_and_paths(size: int, data: st.DataObject) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    tree = tree_of(HASHES)
    assert tree.root(size) == THEIRS.get_root(size)
    # It counts leaves from 1, and its path begins with the leaf. Its proofs of consistency have a form of their own.
    assert [HASHES[index], *tree.inclusion(index, size)] == THEIRS.prove_inclusion(index + 1, size).path
    assert continues(THEIRS.get_root(old), old, THEIRS.get_root(size), size, tree.consistency(old, size))


@given(sizes, st.data())
def test_every_event_of_every_tree_is_proved_to_be_in_it(size: int, data: st.DataObject) -> None:
    index, grown = data.draw(st.integers(0, size - 1)), data.draw(st.integers(size, MOST))
    root = root_of(HASHES[:size])
    path = tree_of(HASHES[:grown]).inclusion(index, size)
    assert includes(root, size, index, HASHES[index], path)


@given(sizes, st.data())
def test_every_tree_is_proved_to_continue_every_smaller_one(size: int, data: st.DataObject) -> None:
    old, grown = data.draw(st.integers(0, size)), data.draw(st.integers(size, MOST))
    path = tree_of(HASHES[:grown]).consistency(old, size)
    assert continues(root_of(HASHES[:old]), old, root_of(HASHES[:size]), size, path)


@given(sizes, st.data())
def test_an_altered_proof_of_inclusion_proves_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, leaf = root_of(HASHES[:size]), HASHES[index]
    path = tree_of(HASHES[:size]).inclusion(index, size)
    other = data.draw(altered(path))
    assume(other != path)
    assert not includes(root, size, index, leaf, other)
    elsewhere = data.draw(st.integers(0, size).filter(lambda place: place != index))
    assert not includes(root, size, elsewhere, leaf, path)
    assert not includes(root, size, index, flipped(leaf, 0), path)
    assert not includes(flipped(root, 3), size, index, leaf, path)


@given(sizes, st.data())
def test_an_altered_proof_of_consistency_proves_nothing(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    old_root, root = root_of(HASHES[:old]), root_of(HASHES[:size])
    path = tree_of(HASHES[:size]).consistency(old, size)
    other = data.draw(altered(path))
    assume(other != path)
    assert not continues(old_root, old, root, size, other)
    assert not continues(flipped(old_root, 0), old, root, size, path)
    if old:
        assert not continues(old_root, old, flipped(root, 0), size, path)


@given(sizes, st.data())
def test_a_tree_with_another_past_does_not_continue(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    forked = [*HASHES[:changed], leaf_hash(b"another"), *HASHES[changed + 1 : size]]
    path = tree_of(forked).consistency(old, size)
    assert not continues(root_of(HASHES[:old]), old, root_of(forked), size, path)


@given(st.integers(0, MOST))
def test_a_growing_tree_has_the_same_root_in_constant_memory(size: int) -> None:
    frontier = Frontier()
    for first in range(0, size - BLOCK + 1, BLOCK):
        frontier.add(root_of(HASHES[first : first + BLOCK]))
    assert frontier.root(HASHES[frontier.size : size]) == root_of(HASHES[:size])


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 9)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(RefusedError):
        tree_of(HASHES[:8]).inclusion(index, size)


@pytest.mark.parametrize(("old", "size"), [(6, 5), (-1, 5), (3, 9)])
def test_there_is_no_proof_from_a_longer_log(old: int, size: int) -> None:
    with pytest.raises(RefusedError):
        tree_of(HASHES[:8]).consistency(old, size)


def flipped(value: Hash, bit: int) -> Hash:
    return bytes([value[0] ^ 1 << bit, *value[1:]])


@st.composite
def altered(draw: st.DrawFn, path: list[Hash]) -> list[Hash]:
    """Leave a step out, add one, flip a bit of one, or swap two."""
    other = list(path)
    place = draw(st.integers(0, len(path)))
    kind = draw(st.sampled_from(["left out", "added", "flipped", "swapped"] if path else ["added"]))
    match kind:
        case "added":
            other.insert(place, HASHES[draw(st.integers(0, 50))])
        case "left out":
            del other[place % len(path)]
        case "flipped":
            other[place % len(path)] = flipped(other[place % len(path)], draw(st.integers(0, 7)))
        case _:
            other[0], other[place % len(path)] = other[place % len(path)], other[0]
    return other
