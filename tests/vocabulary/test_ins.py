"""`Ins`: 15 characters with a key, never shown; and finding one wherever it does not belong."""

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huissier.adapters.testing.hospital import corsican_ins, ins, with_key
from huissier.adapters.testing.strategies.vocabulary import odd_text
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import Ins, has_valid_key, mentions_ins, without_ins
from tests.vocabulary import read_or_refused

SAMPLE = "279035121518989"  # a published number whose key is right
SAMPLES_OF_THE_ANS = ["288091234567823", "253097812634581"]  # and two whose key is not
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

ANY_TEXT = odd_text()  # lone surrogates too
LETTERS = st.text(st.sampled_from("abcxyzéÀ"), max_size=8)


DEPARTMENTS = st.integers(1, 99).map("{:02}".format) | st.sampled_from(["2A", "2B"])


@st.composite
def matricules(draw: st.DrawFn) -> str:
    """13 characters as the référentiel INS lets them be: of anywhere, where the kit's are of nowhere."""
    month = draw(st.sampled_from([*range(1, 13), 20, *range(30, 43), *range(50, 100)]))
    year, rest = draw(st.integers(0, 99)), draw(st.integers(0, 999_999))
    return f"{draw(st.sampled_from('123478'))}{year:02}{month:02}{draw(DEPARTMENTS)}{rest:06}"


VALID = matricules().map(with_key)


def grouped(value: str, separator: str = " ") -> str:
    """Write an INS as the back of a carte Vitale does: 1 79 12 99 000 001 33."""
    cuts = [0, 1, 3, 5, 7, 10, 13, 15]
    return separator.join(value[a:b] for a, b in pairwise(cuts) if value[a:b])


@pytest.mark.parametrize("text", [SAMPLE, ins(1), corsican_ins(1), with_key("279122B000001")])
def test_an_ins_with_its_key_is_read(text: str) -> None:
    assert Ins.parse(text).value == text


@pytest.mark.parametrize(("department", "read_as"), [("2A", "19"), ("2B", "18")])
def test_corsica_is_read_as_a_number_for_the_key(department: str, read_as: str) -> None:
    key = 97 - int(f"17912{read_as}000001") % 97
    assert has_valid_key(f"17912{department}000001{key:02}")
    assert not has_valid_key(f"17912{'2B' if department == '2A' else '2A'}000001{key:02}")


@pytest.mark.parametrize("text", SAMPLES_OF_THE_ANS)
def test_a_published_sample_whose_key_is_wrong_is_read_leniently_only(text: str) -> None:
    assert Ins.parse(text, lenient=True).value == text
    with pytest.raises(VocabularyError, match="key"):
        Ins.parse(text)


@given(VALID)
def test_the_key_makes_it_valid(value: str) -> None:
    assert Ins.parse(value).value == value
    assert Ins.has_shape(value)


@given(VALID, st.integers(0, 14), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_found(value: str, place: int, digit: str) -> None:
    wrong = value[:place] + digit + value[place + 1 :]
    if wrong != value:
        with pytest.raises(VocabularyError):
            Ins.parse(wrong)


@given(VALID, st.integers(0, 11))
def test_two_neighbours_in_the_wrong_order_are_found(value: str, place: int) -> None:
    wrong = value[:place] + value[place + 1] + value[place] + value[place + 2 :]
    if wrong != value:
        with pytest.raises(VocabularyError):
            Ins.parse(wrong)


@given(VALID)
def test_reading_is_idempotent_and_knows_spaces_and_lower_case(value: str) -> None:
    for spelling in (value, value.lower(), grouped(value), f"  {grouped(value.lower())} "):
        assert Ins.parse(spelling) == Ins(value)
        assert Ins.parse(Ins.parse(spelling).value) == Ins(value)
        assert hash(Ins.parse(spelling)) == hash(Ins(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ins(1)[:13],
        ins(1)[:14],
        f"{ins(1)}0",
        f"0{ins(1)}",
        grouped(ins(1), "."),
        grouped(ins(1), "-"),
        grouped(ins(1), "\u00a0"),
        grouped(ins(1), "\t"),
        f"{ins(1)}\n",
        f"{ins(1)}@patient.mssante.fr",
        ins(1).translate(FULL_WIDTH),
        "".join(chr(0x660 + int(digit)) for digit in ins(1)),  # Arabic-Indic digits
        "1791298000001aa",
        f"17912{'2C'}00000133",
        f"A79122A{ins(1)[7:]}",
        "-17912990000001",
        "1_7912990000001",
    ],
)
def test_what_is_not_written_as_an_ins_is_refused_in_either_mode(text: str) -> None:
    for lenient in (False, True):
        with pytest.raises(VocabularyError):
            Ins.parse(text, lenient=lenient)


@given(VALID)
def test_nothing_shows_it_by_accident(value: str) -> None:
    parsed = Ins.parse(value)
    for shown in (repr(parsed), str(parsed), f"{parsed}", f"{parsed!r:>40}", "%s" % (parsed,), repr([{"k": parsed}])):  # noqa: UP031
        assert value not in shown
        assert not mentions_ins(shown)


@given(ANY_TEXT | st.from_regex(r"[0-9 ]{10,20}(2[AB])?[0-9]*", fullmatch=True), st.booleans())
@example("1791298000001\ud800", False)
def test_any_text_is_read_or_refused_and_never_repeated(text: str, lenient: bool) -> None:
    parsed = read_or_refused(partial(Ins.parse, lenient=lenient), text)
    if parsed is not None:
        assert parsed.value.lower() == text.replace(" ", "").lower()


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda value: value,
    "lower case": str.lower,
    "in groups": grouped,
    "with dots": lambda value: grouped(value, "."),
    "with hyphens": lambda value: grouped(value, "-"),
    "with slashes": lambda value: grouped(value, "/"),
    "with underscores": lambda value: grouped(value, "_"),
    "with no-break spaces": lambda value: grouped(value, "\u00a0"),
    "with thin spaces": lambda value: grouped(value, "\u202f"),
    "with zero-width spaces": lambda value: grouped(value, "\u200b"),
    "over several lines": lambda value: grouped(value, "\r\n"),
    "digit by digit": " ".join,
    "with rows of separators however long": lambda value: grouped(value, " -" * 100),
    "with a row of no-break spaces before its key": lambda value: value[:13] + "\u00a0" * 41 + value[13:],
    "full width": lambda value: value.translate(FULL_WIDTH),
    "full width in groups": lambda value: grouped(value.translate(FULL_WIDTH), "\u3000"),
    "in circles": lambda value: value.translate({48: 0x24FF, **{48 + n: 0x2775 + n for n in range(1, 10)}}),
    "with Cyrillic letters": lambda value: value.replace("A", "\u0410").replace("B", "\u0412"),
    "with Greek letters": lambda value: value.replace("A", "\u0391").replace("B", "\u0392"),
    "without its key": lambda value: value[:13],
    "in groups without its key": lambda value: grouped(value[:13]),
    "as an address": lambda value: f"{value}@patient.mssante.fr",
    "as an address with a tag": lambda value: f"{value}+rdv@patient.mssante.fr",
    "in quotes": lambda value: f'"{value}"@patient.mssante.fr',
    "in a percent hack": lambda value: f"{value}%patient.mssante.fr@ch.mssante.fr",
    "with a display name": lambda value: f"Jean Exemple <{value}@patient.mssante.fr>",
}


@pytest.mark.parametrize("form", FORMS)
@given(value=VALID, before=LETTERS, after=LETTERS)
@settings(max_examples=15)
@example(value=corsican_ins(1), before="ins", after="fin")
def test_an_ins_is_found_and_replaced_in_every_form(form: str, value: str, before: str, after: str) -> None:
    text = f"{before}{FORMS[form](value)}{after}"
    assert mentions_ins(text)
    cleaned = without_ins(text)
    assert "usager" in cleaned
    assert not mentions_ins(cleaned)
    assert not any(digits in cleaned for digits in (value, value[:13], value[7:13]))


@pytest.mark.parametrize("sample", [SAMPLE, *SAMPLES_OF_THE_ANS])
@pytest.mark.parametrize("text", ["{}", "patient {}", "<{}@patient.mssante.fr>: boîte pleine"])
def test_published_samples_are_found_whatever_their_key(sample: str, text: str) -> None:
    assert mentions_ins(text.format(sample))
    assert without_ins(text.format(sample)) == text.format("usager")


@given(VALID, st.from_regex(r"[0-9]{1,4}", fullmatch=True), st.from_regex(r"[0-9]{1,4}", fullmatch=True))
def test_an_ins_glued_into_a_longer_number_is_found_by_its_key(value: str, before: str, after: str) -> None:
    assert mentions_ins(f"{before}{value}{after}")
    assert not mentions_ins(without_ins(f"{before}{value}{after}"))


@pytest.mark.parametrize("length", [40, 41, 42, 1_000])
def test_an_ins_is_found_across_a_row_of_separators_of_any_length(length: int) -> None:
    text = f"chambre 3 {ins(1)[:5]}{' ' * length}{ins(1)[5:]}, au fond"
    assert mentions_ins(text)
    assert without_ins(text) == "chambre 3 usager, au fond"


SEPARATED = st.text(st.sampled_from("0123456789 .-_/"), max_size=6)


@given(VALID, SEPARATED, SEPARATED, st.lists(st.sampled_from(["", "", ".", "-", " ", "_-"]), min_size=14, max_size=14))
@example(value="179129900000196", before="9", after="", between=[*"..", "", ".", "", ".", "", ".", *[""] * 6])
def test_an_ins_glued_to_other_digits_and_separated_is_found_by_its_key(
    value: str, before: str, after: str, between: list[str]
) -> None:
    text = before + "".join(map("".join, zip(value, [*between, ""], strict=True))) + after
    assert mentions_ins(text)
    assert not mentions_ins(without_ins(text))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"INS : {ins(1)}.", "INS : usager."),
        (f"{ins(1)}", "usager"),
        (f"{ins(1)}@patient.mssante.fr", "usager@patient.mssante.fr"),
        (f"{ins(1)},{ins(2)}", "usager,usager"),
        (f"{ins(1)} {ins(2)}", "usager usager"),
        (f"{ins(1)}\n{grouped(ins(2))}\n", "usager\nusager\n"),
        (f"{ins(1)[:13]} clé {ins(1)[13:]}", f"usager clé {ins(1)[13:]}"),
        (f"appeler {ins(1)} au 01 23 45 67 89", "appeler usager au 01 23 45 67 89"),
        (f"{ins(1)}, 01 23 45 67 89", "usager, 01 23 45 67 89"),
        (f"chambre 3, INS {ins(1)}", "chambre 3, INS usager"),
        (f"chambre 3 {ins(1)}", "chambre 3 usager"),
        (f"2026-10-31 {ins(1)}", "2026-10-31 usager"),
        (f"{ins(1)[:13]} {ins(2)[:13]}", "usager"),
        (f"dossier 840775 {grouped(ins(1))}", "dossier 840775 usager"),
        ("rien ici", "rien ici"),
        ("", ""),
    ],
)
def test_only_the_ins_is_replaced_and_all_of_it(text: str, cleaned: str) -> None:
    assert without_ins(text) == cleaned


@given(ANY_TEXT)
def test_text_without_an_ins_stays_as_it_is(text: str) -> None:
    cleaned = without_ins(text)
    assert mentions_ins(text) or cleaned == text
    assert not mentions_ins(cleaned)
    assert without_ins(cleaned) == cleaned


@given(st.lists(ANY_TEXT | VALID.map(grouped) | VALID | matricules(), max_size=6).map("".join))
def test_cleaning_leaves_nothing_and_cleans_once(text: str) -> None:
    cleaned = without_ins(text)
    assert not mentions_ins(cleaned)
    assert without_ins(cleaned) == cleaned


@pytest.mark.parametrize("separator", ["", " ", "."])
@given(
    number=st.one_of(
        st.from_regex(r"10[0-9]{9}", fullmatch=True),  # RPPS
        st.from_regex(r"810[0-9]{9}", fullmatch=True),  # its national identifier
        st.from_regex(r"[0-9]{9}|2[AB][0-9]{7}", fullmatch=True),  # FINESS, ADELI, SIREN
        st.from_regex(r"[0-9]{14}", fullmatch=True),  # SIRET
        st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True),  # telephone
        st.from_regex(r"\+33[1-9][0-9]{8}", fullmatch=True),
        st.from_regex(r"0033[1-9][0-9]{8}", fullmatch=True),
    )
)
def test_other_numbers_are_left_alone(separator: str, number: str) -> None:
    spaced = separator.join(number[start : start + 3] for start in range(0, len(number), 3))
    for text in (spaced, f"n° {spaced}.", f"<{spaced}@ch.mssante.fr>"):
        assert not mentions_ins(text)
        assert without_ins(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-31T09:00:00.123456Z",
        "2026-10-31 09:00:00",
        "1.2.250.1.213.1.4.8",
        "4XZ2Bq1Wz6z9rs@mx.ch.fr",
        "550e8400-e29b-41d4-a716-446655440000",
        "RPPS 10000000001, FINESS 750000001, tél. 01 23 45 67 89",
    ],
)
def test_dates_identifiers_and_lists_of_numbers_are_left_alone(text: str) -> None:
    assert without_ins(text) == text


def test_where_two_numbers_share_digits_the_first_is_taken_out_and_nothing_that_is_left_is_one() -> None:
    first = ins(13)
    second = with_key(f"{first[10:]}00000000")
    shared = " ".join(first[:10] + second)
    assert without_ins(f"n° {shared}.") == f"n° usager {' '.join(second[5:])}."


def test_no_letter_of_any_script_counts_as_a_digit() -> None:
    letters = (chr(code) for code in range(sys.maxunicode + 1) if chr(code).isalpha())
    changed = {letter: unicodedata.normalize("NFKC", letter) for letter in letters if not letter.isascii()}
    assert len(changed) > 100_000
    assert not [letter for letter, plain in changed.items() if plain != letter and re.search(r"\d", plain)]


@given(LETTERS, VALID)
def test_letters_of_any_script_around_an_ins_hide_nothing(letters: str, value: str) -> None:
    assert mentions_ins(f"{letters} É-{value}-é {letters}")
    assert mentions_ins(f"{letters}É {value.translate(FULL_WIDTH)}")
    assert value not in without_ins(f"É {letters} {value}")


@pytest.mark.parametrize(
    "gap",
    ["\u0307", "\u0323", "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u200b", "\u00ad", "\u034f", "\ufe0f"],
)
@pytest.mark.parametrize("value", [with_key("255082B680253"), SAMPLE])
def test_what_shows_nothing_or_is_a_mark_between_the_digits_hides_nothing(value: str, gap: str) -> None:
    for place in range(1, len(value)):
        text = f"Zoé {value[:place]}{gap}{value[place:]} É"
        assert mentions_ins(text)
        assert without_ins(text) == "Zoé usager É"


def test_whatever_unicode_takes_for_a_digit_is_one() -> None:
    digits = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.digit(chr(code), None) is not None]
    by_value = {value: [one for one in digits if unicodedata.digit(one) == value] for value in range(10)}
    for turn in range(max(map(len, by_value.values()))):
        written = "".join(by_value[int(digit)][turn % len(by_value[int(digit)])] for digit in SAMPLE)
        assert mentions_ins(written), ascii(written)


@pytest.mark.parametrize("letter", "\u0412\u0392\u2c82\u2c83\u13f4\ua4d0\uff22\u0299")
def test_letters_that_look_like_the_one_of_upper_corsica_are_taken_for_it(letter: str) -> None:
    value = with_key("255082B680253").replace("B", letter)
    assert mentions_ins(value)
    assert without_ins(f"a {value} b") == "a usager b"


@pytest.mark.parametrize(
    "ins", ["979135121518993", "279135121518955", "679035121518983", "٢٧٩٠٣٥١٢١٥١٨٩٨٩", "12 288091234567823"]
)
def test_an_ins_that_the_vault_would_take_is_known_in_any_text(ins: str) -> None:
    assert mentions_ins(f"patient {ins}")
    left = without_ins(f"le patient {ins} attend")
    assert not any(character.isdecimal() for character in left)


@pytest.mark.parametrize("text", ["le 12/10/2026: 2 88 09 12 345 678 23", "ref12 2 53 09 78 126 345 81"])
def test_no_digit_of_an_ins_is_left_beside_another_number(text: str) -> None:
    assert "345" not in without_ins(text)
