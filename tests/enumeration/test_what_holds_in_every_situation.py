"""What holds in every situation there is: each property one sentence, looked at in all of them.

Of the facts that stand alone no more than one is not at its best at a time: each adds its own reason and touches no
other, which `test_reasons_of_facts_that_stand_alone_do_not_touch_each_other` shows and `test_the_space_is_complete`
proves.
"""

from collections.abc import Iterator
from functools import cache

import pytest

from huissier.domain.reasons import ORDER, TABLE, Code
from huissier.domain.rules import RULES
from tests.enumeration.facts import FACTS
from tests.enumeration.paths import JUDGES
from tests.enumeration.situations import BEST, Codes, Situation, combined, exchange, judged, situations

REFUSALS = frozenset(code for code, _ in RULES)


@cache
def everything() -> dict[Situation, Codes]:
    """Return every situation with what the rules say of it."""
    return {situation: judged(exchange(situation)) for situation in situations()}


def refused(codes: Codes) -> bool:
    return codes[0] in REFUSALS


def with_another(name: str, word: str) -> Iterator[tuple[Situation, Codes, Situation, Codes]]:
    """Yield situations beside the same with another word for one fact, where both are looked at."""
    said = everything()
    for situation, codes in said.items():
        other = situation._replace(**{name: word})
        if other != situation and other in said:
            yield situation, codes, other, said[other]


def test_a_verdict_has_reasons_of_one_kind_each_once_and_the_most_decisive_first() -> None:
    for situation, codes in everything().items():
        assert codes, situation
        assert len({TABLE[code].kind for code in codes}) == 1, situation
        assert list(codes) == sorted(set(codes), key=ORDER.__getitem__), situation


def test_a_verdict_is_what_each_rule_says_by_itself_whatever_is_remembered() -> None:
    for situation, codes in everything().items():
        x = exchange(situation)
        against = {code for code in REFUSALS if JUDGES[code](x) is not None}
        assert against == {*codes} & REFUSALS, situation


def test_an_acceptance_has_one_reason_but_for_an_open_contact_with_a_pharmacy_that_has_both() -> None:
    for situation, codes in everything().items():
        if not refused(codes):
            assert len(codes) == 1 or codes == (Code.CONTACT_OPEN, Code.PHARMACY_OPEN_TO_USAGERS), situation


def test_a_usager_never_reaches_a_usager() -> None:
    for situation, codes in everything().items():
        if situation.sender_is == situation.recipient_is == "usager":
            assert Code.USAGER_TO_USAGER in codes, situation


def test_a_usager_reaches_a_professionnel_only_over_an_open_contact_or_a_pharmacy() -> None:
    for situation, codes in everything().items():
        if situation.sender_is == "usager" and not refused(codes):
            assert situation.contact == "open" or (
                situation.recipient_mailbox_is == "an open pharmacy's" and situation.contact == "none"
            ), situation


def test_a_professionnel_is_never_asked_for_a_contact() -> None:
    of_usagers = {Code.CONTACT_NOT_OPENED, Code.CONTACT_ENDED, Code.REPLY_NOT_ALLOWED, Code.USAGER_TO_USAGER}
    for situation, codes in everything().items():
        if situation.sender_is == "professionnel":
            assert not of_usagers & {*codes}, situation


def test_a_certificate_adds_or_takes_away_its_own_reason_and_no_other() -> None:
    looked_at = 0
    for situation, codes, other, without in with_another("certificate", "not paired"):
        looked_at += 1
        left = tuple(code for code in without if code != Code.CERTIFICATE_NOT_ADMITTED)
        assert Code.CERTIFICATE_NOT_ADMITTED in without, other
        assert left == (codes if refused(codes) else ()), situation
    assert looked_at


# Named from the worse word to the better: what is refused at the better one is refused at the worse as well.
BETTER = (
    *((f"{role}_domain", "not admitted", "admitted") for role in ("sender", "recipient")),
    *((f"{role}_operator", "no contrat", "not committed") for role in ("sender", "recipient")),
    *((f"{role}_operator", "not committed", "committed") for role in ("sender", "recipient")),
    *((f"{role}_mailbox", worse, "active") for role in ("sender", "recipient") for worse in ("suspended", "deleted")),
    ("certificate", "not paired", "in order"),
    ("cgu", "not signed", "in order"),
    ("recipient_mailbox_is", "no pharmacy's", "an open pharmacy's"),
    ("size", "over the domain's limit", "within its limits"),
    ("size", "over the usagers' limit", "within its limits"),
    ("contact", "none", "open"),
    ("contact", "ended", "open"),
    ("an_answer", "is forbidden", "may be sent"),
    ("kinds_of_recipients", "may not be mixed", "may be"),
    ("usagers", "take no part", "take part"),
    ("the_uncommitted", "do not write", "write"),
)


@pytest.mark.parametrize(("name", "worse", "better"), BETTER, ids=[f"{n}: {a} to {b}" for n, a, b in BETTER])
def test_what_is_for_the_better_takes_reasons_to_refuse_away_and_brings_none(
    name: str, worse: str, better: str
) -> None:
    looked_at = 0
    for situation, codes, other, then in with_another(name, better):
        if getattr(situation, name) == worse:
            looked_at += 1
            against = {code for code in then if code in REFUSALS}
            assert against <= {*codes}, f"{situation}\n{other}"
    assert looked_at


def test_whoever_signs_more_is_never_refused_what_was_accepted_before() -> None:
    """The sentence of the table above for all that is signed at once, by both ends."""
    for situation, codes in everything().items():
        for signed in ("not committed", "committed"):
            more = {
                f"{role}_operator": signed
                for role in ("sender", "recipient")
                if getattr(situation, f"{role}_operator") not in ("none", "committed")
            }
            after = everything().get(situation._replace(**more, cgu=BEST.cgu))
            assert refused(codes) or after is None or not refused(after), situation


def test_every_reason_is_reached_and_every_refusal_is_somewhere_the_only_one() -> None:
    said = set(everything().values())
    acceptances = {code for code, entry in TABLE.items() if entry.kind == "acceptance"}
    assert {code for codes in said for code in codes} == REFUSALS | acceptances
    assert {codes[0] for codes in said if len(codes) == 1} >= REFUSALS


def test_reasons_of_facts_that_stand_alone_do_not_touch_each_other() -> None:
    """Any two of them at their worst together say what both say."""
    said = everything()
    for situation in combined(sender_mailbox=("active",), recipient_mailbox=("active",), **alone_at_best()):
        plain = {code for code in said[situation] if code in REFUSALS}
        added = {}
        for name in alone_at_best():
            worse = situation._replace(**{name: next(iter(FACTS[name].words))})
            if worse in said:
                added[name] = {*said[worse]} - plain
        for one in added:
            for other in added:
                words = {name: next(iter(FACTS[name].words)) for name in (one, other)}
                together = judged(exchange(situation._replace(**words)))
                assert {*together} & REFUSALS == (plain | added[one] | added[other]) & REFUSALS, situation


def alone_at_best() -> dict[str, tuple[str, ...]]:
    return {name: (fact.best,) for name, fact in FACTS.items() if fact.alone}
