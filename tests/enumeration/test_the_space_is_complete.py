"""That the space of situations leaves nothing out: the rules are watched while they judge every form there is.

A rule's answer follows from the slots that it reads. So each is followed down every path (`paths`): what it never reads
cannot change its answer, and what it reads is either varied or named in `TOLD`. At the end of each path stand the words
of the forms it saw, and the answer must be that of every situation with these words.
"""

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from huissier.domain.reasons import Code
from huissier.domain.rules import RULES, Exchange
from tests.enumeration.facts import FACTS
from tests.enumeration.paths import JUDGES, SLOTS, Path, looked_at, paths, says, with_company
from tests.enumeration.situations import OTHERWISE, Situation, exchange


def _continued(path: Path, names: set[str]) -> Iterator[dict[str, str]]:
    """Yield every combination of the words of some facts that a path allows."""
    ordered = sorted(names)
    choices = (path.words.get(name) or FACTS[name].words for name in ordered)
    return (dict(zip(ordered, words, strict=True)) for words in product(*choices))


def _is_possible(words: dict[str, str]) -> bool:
    """Say whether who cannot be read is nobody: of them nothing else is known."""
    return all(
        word == FACTS[name].otherwise or name.endswith("_address")
        for name, word in words.items()
        if words.get(f"{name.partition('_')[0]}_address") == "unreadable"
    )


def test_each_slot_belongs_to_one_fact_and_all_its_forms_fill_the_same() -> None:
    assert list(FACTS) == list(Situation._fields)
    for one, other in combinations(SLOTS, 2):
        assert not SLOTS[one] & SLOTS[other], (one, other)
    for name, fact in FACTS.items():
        assert all(form.keys() == SLOTS[name] for forms in fact.words.values() for form in forms), name
        assert all(fact.words.values()), name


@pytest.mark.parametrize("judge", JUDGES)
def test_a_rule_says_of_every_form_what_it_says_of_the_situation_that_tells_it(judge: str) -> None:
    names, answers = with_company(looked_at(judge)), dict[Situation, object]()
    for path in paths(judge):
        for words in _continued(path, names):
            if not _is_possible(words) or (judge == "acceptances" and not _may_be_accepted(words)):
                continue
            situation = OTHERWISE.but(**words)
            if situation not in answers:
                answers[situation] = says(judge, exchange(situation))[0]
            assert path.answer == answers[situation], f"{judge} of {words}"


def _may_be_accepted(words: dict[str, str]) -> bool:
    """Say whether reasons to accept are asked for at all: usager to usager and nobody's letters are refused."""
    readable = words["sender_address"] == words["recipient_address"] == "readable"
    return readable and not words["sender_is"] == words["recipient_is"] == "usager"


def test_a_fact_that_stands_alone_is_looked_at_by_one_rule_only() -> None:
    for name in (name for name, fact in FACTS.items() if fact.alone):
        assert len([judge for judge in JUDGES if name in looked_at(judge)]) == 1, name


def test_every_fact_is_looked_at() -> None:
    assert set().union(*map(looked_at, JUDGES)) == FACTS.keys()


def test_the_rules_of_a_verdict_are_those_that_were_watched() -> None:
    assert {code for code, _ in RULES} == {Code(judge) for judge in JUDGES if judge != "acceptances"}


def test_a_rule_that_looks_at_what_no_situation_tells_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden_are_refused(x: Exchange) -> bool | None:
        return True if x.sender.home.usager and x.sender.mailbox.liste_rouge else None

    monkeypatch.setitem(JUDGES, "A_NEW_RULE", hidden_are_refused)
    with pytest.raises(AssertionError, match=r"A_NEW_RULE reads what no situation tells: .*sender.mailbox.liste_rouge"):
        paths("A_NEW_RULE")
