"""Which messages two rule sets judge differently: all of them, told by the facts that make the difference.

    python -m tests.enumeration.flips 1.3.1 1.4
    python -m tests.enumeration.flips 1.4+pharmacies "1.4+pharmacies reopening=False"
    python -m tests.enumeration.flips 1.4 mine --file rules.toml

A rule set is named as decisions name it: its name, and the options that are not at their default. With `--file` those
of a file for `huissier audit what-if` can be named too.

Rules that read nothing in which the two differ say the same under both. So only facts are varied that the others look
at; all else stands against nothing, for what does refuses under both. That the watch saw what each rule reads is proved
in `test_the_space_is_complete`.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from huissier.adapters.rule_sets import read_rules
from huissier.domain.reasons import Code
from huissier.domain.rule_set import SHIPPED, Options, RuleSet, read_label
from huissier.domain.rules import RULES, Exchange
from tests.enumeration.concrete import CONCRETE, Both, moments
from tests.enumeration.cubes import Cube, Told, cubes
from tests.enumeration.facts import FACTS
from tests.enumeration.paths import JUDGES, looked_at, paths, with_company
from tests.enumeration.situations import Situation, built, judged, under
from tests.enumeration.words import Form

_REFUSALS = {code for code, _ in RULES}
_NAMES = {"name", "since", "label", "options"}
_OF_RULES_ALONE = {"usagers", "the_uncommitted"}  # facts that the rule sets and the moment are


class Flip(NamedTuple):
    """What is said under the one rule set and under the other, and where: by fact the words with which it is so.

    `before` and `after` are the most decisive reasons. Facts that make no difference are left out.
    """

    before: Code
    after: Code
    where: dict[str, list[str]]

    @property
    def said(self) -> str:
        """What is said before and after."""
        return f"{_said(self.before)} → {_said(self.after)}"

    def told(self) -> dict[str, str]:
        """Return where it is so, in words."""
        return {name.replace("_", " "): " or ".join(words) for name, words in self.where.items()}

    def __str__(self) -> str:
        return "\n".join([self.said, *(f"  {name}: {words}" for name, words in self.told().items())])


def flips(one: RuleSet, other: RuleSet) -> list[Flip]:
    """Return every combination of facts that one rule set accepts and the other refuses."""
    differing = {f"rules.{slot}" for slot in _differing(one, other)}
    concerned = [judge for judge in JUDGES if any(differing & path.read for path in paths(judge))]
    varied = with_company({name for judge in ("acceptances", *concerned) for name in looked_at(judge)})
    names = [name for name in Situation._fields if name in varied - _OF_RULES_ALONE]
    when = moments(one, other) if "the_uncommitted" in varied else {"any": max(moments(one, other).values())}
    words: list[dict[str, None]] = [dict.fromkeys(when), *({} for _ in names)]
    found: dict[tuple[Code, Code], set[tuple[str, ...]]] = {}
    for moment, at in when.items():
        forms = {name: _forms(name, Both(one, other, at)) for name in Situation._fields if name not in _OF_RULES_ALONE}
        for place, name in enumerate(names, 1):
            words[place] |= dict.fromkeys(forms[name])
        for point, x in _exchanges(names, forms, at):
            before, after = (judged(under(x, rules))[0] for rules in (one, other))
            if (before in _REFUSALS) != (after in _REFUSALS):
                found.setdefault((before, after), set()).add((moment, *point))
    told = [Told(name, list(each)) for name, each in zip(("moment", *names), words, strict=True)]
    return [Flip(*said, _where(cube, told)) for said, points in found.items() for cube in cubes(points, told)]


def _exchanges(
    names: list[str], forms: Mapping[str, Mapping[str, Form]], at: datetime
) -> Iterator[tuple[tuple[str, ...], Exchange]]:
    """Yield every combination of the words of some facts with its exchange; nothing else stands against it."""
    calm = {slot: value for each in forms.values() for slot, value in list(each.values())[-1].items()}
    for point in product(*(forms[name] for name in names)):
        slots = {"at": at, **calm}
        for name, word in zip(names, point, strict=True):
            slots |= forms[name][word]
        yield point, built(slots)


def _where(cube: Cube, told: list[Told]) -> dict[str, list[str]]:
    return {
        name: [word for word in words if word in kept]
        for (name, words), kept in zip(told, cube, strict=True)
        if len(kept) < len(words)
    }


def _differing(one: RuleSet, other: RuleSet) -> Iterator[str]:
    for field in structs.fields(RuleSet):
        if field.name not in _NAMES and getattr(one, field.name) != getattr(other, field.name):
            yield field.name
    for field in structs.fields(Options):
        if getattr(one.options, field.name) != getattr(other.options, field.name):
            yield f"options.{field.name}"


def _forms(name: str, both: Both) -> Mapping[str, Form]:
    if name in CONCRETE:
        return CONCRETE[name](both)
    return {word: forms[0] for word, forms in FACTS[name].words.items()}


def _said(code: Code) -> str:
    return f"{'refused' if code in _REFUSALS else 'accepted'} {code}"


def named(label: str, known: Iterable[RuleSet] = SHIPPED) -> RuleSet:
    """Return the rule set that a label names, under the options it names. Raises `KeyError`, `VocabularyError`."""
    name, options = read_label(label)
    return {rules.name: rules for rules in known}[name].under(options)


def main(argv: list[str] | None = None) -> None:
    """Print what flips between two rule sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one")
    parser.add_argument("other")
    parser.add_argument("--file", type=Path, help="a file of rule sets")
    asked = parser.parse_args(argv)
    known = [*SHIPPED, *(read_rules(asked.file).rule_sets if asked.file else ())]
    found = flips(named(asked.one, known), named(asked.other, known))
    print("\n\n".join(map(str, found)) or "nothing is judged differently")  # noqa: T201 a report


if __name__ == "__main__":
    main()
