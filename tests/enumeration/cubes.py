"""Many combinations of words told as few: the largest ones in which each word of one fact goes with each of the others.

They may overlap. Told apart, "hosted elsewhere, whatever was signed" and "hosted here and committed" leave the reader
to find out that who is committed may be hosted anywhere.
"""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

Point = tuple[str, ...]
Cube = tuple[frozenset[str], ...]


class Told(NamedTuple):
    """A fact and all its words."""

    name: str
    words: list[str]


def cubes(points: set[Point], facts: list[Told]) -> list[Cube]:
    """Return cubes that hold these points and no others."""
    largest = dict.fromkeys(_grown(cube, points, facts) for cube in _put_together(points))
    return [cube for cube in largest if not any(other != cube and _within(cube, other) for other in largest)]


def _put_together(points: Iterable[Point]) -> list[Cube]:
    """Put points together that differ in one fact only, fact by fact."""
    found: list[Cube] = [tuple(frozenset((word,)) for word in point) for point in sorted(points)]
    for place in range(len(found[0])):
        beside: dict[Cube, frozenset[str]] = {}
        for cube in found:
            others = (*cube[:place], *cube[place + 1 :])
            beside[others] = beside.get(others, frozenset()) | cube[place]
        found = [(*others[:place], words, *others[place:]) for others, words in beside.items()]
    return found


def _grown(cube: Cube, points: set[Point], facts: list[Told]) -> Cube:
    """Take in each further word with which all points of the cube are there as well."""
    for place, (_, words) in enumerate(facts):
        for word in words:
            beside = (*cube[:place], frozenset((word,)), *cube[place + 1 :])
            if word not in cube[place] and all(point in points for point in product(*beside)):
                cube = (*cube[:place], cube[place] | {word}, *cube[place + 1 :])
    return cube


def _within(cube: Cube, other: Cube) -> bool:
    return all(words <= wider for words, wider in zip(cube, other, strict=True))
