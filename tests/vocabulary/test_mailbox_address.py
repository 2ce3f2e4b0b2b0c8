"""`Domain` and `MailboxAddress`: one spelling is compared; nothing but case and one trailing dot is understood."""

from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, PATIENTS, USAGER, corsican_ins, ins
from huissier.adapters.testing.strategies import vocabulary
from huissier.domain.vocabulary.address import Domain, MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins
from tests.vocabulary import read_or_refused

ANY_TEXT = vocabulary.odd_text()
DOMAINS = vocabulary.domain_names()
LOCALS = vocabulary.local_parts()
ADDRESSES = vocabulary.addresses()
DECORATIONS = [
    *'<>()[]"\\,:;!%@ \t\r\n\x00\x1b\x7f',
    "\u00a0",
    "\u200b",
    "\u202e",
    "\ud800",
    "é",
    "\u0430",
    "\uff0e",
    "\uff20",
    "\u212a",
]


def is_only_spelling(text: str, canonical: str) -> bool:
    """Say what the rule allows: case, and one dot behind the domain."""
    return text.isascii() and text.lower().removesuffix(".") == canonical


@given(ADDRESSES)
def test_a_plain_address_is_read_and_reading_is_idempotent(text: str) -> None:
    address = MailboxAddress.parse(text)
    assert str(address) == text
    assert f"{address.local}@{address.domain}" == text
    assert MailboxAddress.parse(str(address)) == address


@given(ADDRESSES, st.data())
def test_case_and_one_trailing_dot_are_only_spelling(text: str, data: st.DataObject) -> None:
    upper = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    spelled = "".join(letter.upper() if up else letter for letter, up in zip(text, upper, strict=True))
    assert MailboxAddress.parse(spelled) == MailboxAddress.parse(f"{spelled}.") == MailboxAddress.parse(text)


@given(ADDRESSES, st.sampled_from(DECORATIONS), st.data())
def test_nothing_written_into_around_or_before_an_address_is_that_address(
    text: str, decoration: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(text)))
    with pytest.raises(VocabularyError):
        MailboxAddress.parse(text[:place] + decoration + text[place:])


@given(ADDRESSES, st.data())
def test_only_spelling_makes_two_texts_one_address(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 2)))
    changed = text[:start] + data.draw(st.text(st.characters(max_codepoint=0x3000), max_size=3)) + text[end:]
    read = read_or_refused(MailboxAddress.parse, changed)
    assert (read is not None and str(read) == text) == is_only_spelling(changed, text)


@pytest.mark.parametrize(
    "resembling",
    [
        f"<{DOCTOR}>",
        f"Dr Martin <{DOCTOR}>",
        f'"dr.martin"@{HOSPITAL}',
        f'dr."martin"@{HOSPITAL}',
        f"dr\\.martin@{HOSPITAL}",
        f"@relais.fr:{DOCTOR}",
        f"@relais.fr,@autre.fr:{DOCTOR}",
        f"dr.martin%{HOSPITAL}@relais.fr",
        f"relais.fr!dr.martin@{HOSPITAL}",
        f"mailto:{DOCTOR}",
        f" {DOCTOR}",
        f"{DOCTOR} ",
        f"{DOCTOR}\r\n",
        f"{DOCTOR}\x00",
        f"dr.martin @{HOSPITAL}",
        f"dr.martin@ {HOSPITAL}",
        f"dr.martin(au bloc)@{HOSPITAL}",
        f"dr..martin@{HOSPITAL}",
        f".dr.martin@{HOSPITAL}",
        f"dr.martin.@{HOSPITAL}",
        f"{DOCTOR}..",
        f"dr.martin@.{HOSPITAL}",
        f"{DOCTOR},{DOCTOR}",
        f"{DOCTOR};",
        f"dr.martin@@{HOSPITAL}",
        f"dr.martin@dr.martin@{HOSPITAL}",
        f"dr.mаrtin@{HOSPITAL}",
        "dr.martin@ch-exemple.mssante．fr",
        "dr.martin@ch–exemple.mssante.fr",
        f"dr.martin＠{HOSPITAL}",
        f"ｄr.martin@{HOSPITAL}",
        f"dr.mart\u0131n@{HOSPITAL}",
        f"\u202e{DOCTOR}",
        f"dr.mar\u00adtin@{HOSPITAL}",
        "dr.martin@[192.0.2.1]",
        "dr.martin@ch-exemple",
        "dr.martin@ch-exemple.mssante.fr:25",
        "dr.martin",
        "@",
        "",
    ],
)
def test_a_spelling_that_resembles_an_address_is_refused(resembling: str) -> None:
    with pytest.raises(VocabularyError):
        MailboxAddress.parse(resembling)


@pytest.mark.parametrize(
    "other", [f"dr.martin+rdv@{HOSPITAL}", f"drmartin@{HOSPITAL}", f"dr_martin@{HOSPITAL}", f"dr.martin@x.{HOSPITAL}"]
)
def test_another_plain_address_is_another_one(other: str) -> None:
    assert MailboxAddress.parse(other) != MailboxAddress.parse(DOCTOR)


def test_letters_that_become_ascii_in_another_case_are_not_understood() -> None:
    for letter in ("\u212a", "\u0130", "\u017f"):  # Kelvin sign, dotted İ, long s
        assert (letter.lower() + letter.upper()).isascii() or not letter.isascii()
        with pytest.raises(VocabularyError):
            MailboxAddress.parse(f"{letter}@{HOSPITAL}")
        with pytest.raises(VocabularyError):
            Domain.parse(f"{letter}.mssante.fr")


def test_a_local_part_has_64_characters_at_most() -> None:
    assert MailboxAddress.parse(f"{'a' * 64}@{HOSPITAL}").local == "a" * 64
    with pytest.raises(VocabularyError):
        MailboxAddress.parse(f"{'a' * 65}@{HOSPITAL}")


@pytest.mark.parametrize(
    "name", ["mssante.fr", "a.b", "1.2", "xn--bcher-kva.example", "a-b.c-d.fr", f"{'a' * 63}.fr", f"{'a.' * 126}b"]
)
def test_a_domain_is_read_in_lower_case_with_or_without_its_last_dot(name: str) -> None:
    for spelling in (name, name.upper(), f"{name}.", f"{name.upper()}."):
        assert str(Domain.parse(spelling)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "fr",
        "fr.",
        ".fr",
        "a..fr",
        "a.fr..",
        "-a.fr",
        "a-.fr",
        "a.-fr",
        "a_b.fr",
        "a b.fr",
        " a.fr",
        "a.fr\n",
        "a.fr/",
        "a@b.fr",
        "*.fr",
        "[192.0.2.1]",
        "é.fr",
        "a。fr",
        f"{'a' * 64}.fr",
        f"{'a.' * 126}bc",
        "a.fr:25",
    ],
)
def test_what_is_not_a_domain_is_refused(name: str) -> None:
    with pytest.raises(VocabularyError):
        Domain.parse(name)


@given(DOMAINS)
def test_reading_a_domain_is_idempotent(name: str) -> None:
    assert Domain.parse(str(Domain.parse(name.upper()))) == Domain.parse(name) == Domain(name)


@pytest.mark.parametrize("value", [ins(1), corsican_ins(1), corsican_ins(1).lower()])
def test_an_ins_is_the_whole_local_part_or_none_of_it(value: str) -> None:
    address = MailboxAddress.parse(f"{value}@{PATIENTS}")
    assert address.holds_ins_shape
    assert address.local == value.lower()
    for local in (
        f"{value}+a",
        f"a.{value}",
        f"{value}.a",
        f"x{value}",
        f"{value}1",
        value[:13],
        f"{value[:5]}-{value[5:]}",
    ):
        with pytest.raises(VocabularyError, match="INS"):
            MailboxAddress.parse(f"{local}@{PATIENTS}")


@pytest.mark.parametrize("domain", [f"{ins(1)}.mssante.fr", f"x-{ins(1)}.fr", f"a.{ins(1)[:13]}.fr"])
def test_an_ins_has_no_place_in_a_domain(domain: str) -> None:
    """A domain stands in the log as it is, and the log never contains an INS."""
    with pytest.raises(VocabularyError):
        Domain.parse(domain)
    with pytest.raises(VocabularyError):
        MailboxAddress.parse(f"quelqu.un@{domain}")


@pytest.mark.parametrize("cut", [3, 6, 9, 12])
def test_an_ins_does_not_stand_across_the_at_either(cut: int) -> None:
    """Nobody may be able to write an address that no file of statistics could be written with."""
    with pytest.raises(VocabularyError, match="INS"):
        MailboxAddress.parse(f"x.{ins(1)[:cut]}@{ins(1)[cut:]}.example.org")


def test_a_service_mailbox_of_the_usagers_domain_holds_no_ins() -> None:
    address = MailboxAddress.parse(f"reponse.automatique-test@{PATIENTS}")
    assert not address.holds_ins_shape
    assert not address.is_pseudonym


def test_an_ins_in_an_address_is_never_shown_by_accident() -> None:
    address = MailboxAddress.parse(USAGER)
    assert repr(address) == f"MailboxAddress(…@{PATIENTS})"
    assert not mentions_ins(repr([address]))
    assert repr(MailboxAddress.parse(DOCTOR)) == f"MailboxAddress({DOCTOR})"


def test_a_pseudonym_stands_in_facts_and_cannot_be_written_by_anybody() -> None:
    pseudonym = MailboxAddress.parse(USAGER).under_pseudonym("abc")
    assert (pseudonym.is_pseudonym, pseudonym.usager_id, pseudonym.domain) == (True, "abc", PATIENTS)
    assert MailboxAddress.of_fact(str(pseudonym)) == pseudonym
    assert not pseudonym.holds_ins_shape
    with pytest.raises(VocabularyError):
        MailboxAddress.parse(str(pseudonym))


@given(ANY_TEXT | st.builds("{}@{}".format, ANY_TEXT, DOMAINS) | st.builds("{}@{}".format, LOCALS, ANY_TEXT))
@example(f"{ins(1)}x@{PATIENTS}")
def test_any_text_is_read_or_refused_and_never_repeated(text: str) -> None:
    parsers: list[Callable[[str], MailboxAddress | Domain]] = [MailboxAddress.parse, Domain.parse]
    for parse in parsers:
        read = read_or_refused(parse, text)
        if read is not None:
            assert is_only_spelling(text, str(read))
            assert parse(str(read)) == read


@given(ANY_TEXT, DOMAINS)
def test_no_text_is_ever_read_as_a_pseudonym(local: str, domain: str) -> None:
    assume("@" not in local)
    for text in (f"{local}@{domain}", f"usager:{local}@{domain}"):
        read = read_or_refused(MailboxAddress.parse, text)
        assert read is None or not read.is_pseudonym
