"""`CertificateDn`: one name however it is spelled, and never one where a value differs."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huissier.adapters.testing.hospital import ins
from huissier.adapters.testing.strategies.vocabulary import odd_text
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins
from tests.vocabulary import read_or_refused

ANY_TEXT = odd_text()
REAL = "CN=mss.ch-exemple.fr,OU=300000000000000,O=CH EXEMPLE,C=FR"

SYNONYMS = {
    "CN": ["CN", "cn", "commonName", "2.5.4.3", "OID.2.5.4.3"],
    "SN": ["SN", "surname", "2.5.4.4"],
    "SERIALNUMBER": ["serialNumber", "2.5.4.5"],
    "C": ["C", "c", "countryName", "2.5.4.6"],
    "L": ["L", "localityName", "2.5.4.7"],
    "ST": ["ST", "S", "SP", "stateOrProvinceName", "2.5.4.8"],
    "STREET": ["STREET", "streetAddress", "2.5.4.9"],
    "O": ["O", "organizationName", "2.5.4.10"],
    "OU": ["OU", "organizationalUnitName", "2.5.4.11"],
    "T": ["T", "title", "2.5.4.12"],
    "GN": ["GN", "G", "givenName", "2.5.4.42"],
    "ORGANIZATIONIDENTIFIER": ["organizationIdentifier", "2.5.4.97"],
    "EMAILADDRESS": ["emailAddress", "E", "1.2.840.113549.1.9.1"],
    "DC": ["DC", "domainComponent", "0.9.2342.19200300.100.1.25"],
    "UID": ["UID", "userId", "0.9.2342.19200300.100.1.1"],
    "1.2.3.4": ["1.2.3.4", "OID.1.2.3.4"],
}
CASES: list[Callable[[str], str]] = [str.upper, str.lower, str]
WORDS = st.text(st.sampled_from("aBcé9É./:@'-_#()"), min_size=1, max_size=6)
SPECIAL_WORDS = st.text(st.sampled_from('aé ,;+"\\<>=#/'), min_size=1, max_size=6).filter(str.strip)
PAIRS = st.lists(st.tuples(st.sampled_from(sorted(SYNONYMS)), WORDS | SPECIAL_WORDS), min_size=1, max_size=5)


def escaped(value: str) -> str:
    return "".join(f"\\{letter}" if letter in ',;+"\\<>=#' else letter for letter in value)


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def hexadecimal(value: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in value.encode())


def folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())


def dn_of(pairs: list[tuple[str, str]]) -> CertificateDn:
    return CertificateDn.parse(",".join(f"{name}={escaped(value.strip())}" for name, value in pairs))


@pytest.mark.parametrize(
    "spelling",
    [
        REAL,
        "C=FR,O=CH EXEMPLE,OU=300000000000000,CN=mss.ch-exemple.fr",
        "CN=mss.ch-exemple.fr, OU=300000000000000, O=CH EXEMPLE, C=FR",
        " CN = mss.ch-exemple.fr , OU = 300000000000000 , O = CH EXEMPLE , C = FR ",
        "cn=MSS.CH-EXEMPLE.FR,ou=300000000000000,o=Ch Exemple,c=fr",
        "CN=mss.ch-exemple.fr;OU=300000000000000;O=CH EXEMPLE;C=FR",
        "CN=mss.ch-exemple.fr,OU=300000000000000,O=CH   EXEMPLE,C=FR",
        'CN="mss.ch-exemple.fr",OU="300000000000000",O=" CH EXEMPLE ",C="FR"',
        "CN=mss\\2Ech-exemple.fr,OU=300000000000000,O=CH\\ EXEMPLE,C=\\46\\52",
        "commonName=mss.ch-exemple.fr,organizationalUnitName=300000000000000,O=CH EXEMPLE,countryName=FR",
        "2.5.4.3=mss.ch-exemple.fr,2.5.4.11=300000000000000,2.5.4.10=CH EXEMPLE,2.5.4.6=FR",
        "OID.2.5.4.3=mss.ch-exemple.fr,OID.2.5.4.11=300000000000000,O=CH EXEMPLE,C=FR",
        "/C=FR/O=CH EXEMPLE/OU=300000000000000/CN=mss.ch-exemple.fr",
        "  /CN=mss.ch-exemple.fr/OU=300000000000000/O=CH EXEMPLE/C=FR  ",
        "CN=mss.ch-exemple.fr+OU=300000000000000,O=CH EXEMPLE+C=FR",
        "C = FR, O = CH EXEMPLE, OU = 300000000000000 + CN = mss.ch-exemple.fr",
    ],
)
def test_one_name_in_many_spellings(spelling: str) -> None:
    assert CertificateDn.parse(spelling) == CertificateDn.parse(REAL)
    assert hash(CertificateDn.parse(spelling)) == hash(CertificateDn.parse(REAL))


def test_an_oid_may_be_prefixed_in_lower_case() -> None:
    """RFC 2253, section 4: `oid.` or `OID.`."""
    assert CertificateDn.parse("oid.2.5.4.3=a") == CertificateDn.parse("CN=a")


def test_a_space_at_the_end_of_a_value_may_be_escaped() -> None:
    """RFC 4514, section 2.4: a space at the end is written with a backslash."""
    assert CertificateDn.parse("CN=a\\ ,C=FR") == CertificateDn.parse("CN=a,C=FR")
    assert CertificateDn.parse("C=FR,CN=a\\ ") == CertificateDn.parse("CN=a,C=FR")


@pytest.mark.parametrize("spelling", ["O=CH Été", "O=CH E\u0301te\u0301", "O=CH \\C3\\89t\\C3\\A9", "O=ch été"])
def test_accents_are_one_letter_composed_decomposed_or_escaped(spelling: str) -> None:
    assert CertificateDn.parse(spelling) == CertificateDn.parse("O=CH ÉTÉ")


def test_openssls_one_line_form_writes_bytes_with_an_x() -> None:
    """What `X509_NAME_oneline` writes of `O=CH Été`."""
    assert CertificateDn.parse("/O=CH \\xC3\\x89t\\xC3\\xA9/C=FR") == CertificateDn.parse("O=CH Été,C=FR")


@pytest.mark.parametrize(
    ("spelling", "attributes"),
    [
        ("CN=a\\,b", {("CN", "a,b")}),
        ('CN="a,b"', {("CN", "a,b")}),
        ('CN="a,OU=b"', {("CN", "a,ou=b")}),
        ("CN=a\\,OU=b", {("CN", "a,ou=b")}),
        ("CN=a,OU=b", {("CN", "a"), ("OU", "b")}),
        ("CN=a+b", {("CN", "a+b")}),
        ("CN=a\\+OU=b", {("CN", "a+ou=b")}),
        ('CN="a+OU=b"', {("CN", "a+ou=b")}),
        ("CN=a=b", {("CN", "a=b")}),
        ("CN=a/b", {("CN", "a/b")}),
        ("/CN=a/b/C=FR", {("CN", "a/b"), ("C", "fr")}),
        ("/CN=a\\/OU=b", {("CN", "a/ou=b")}),
        ('CN=say \\"hi\\"', {("CN", 'say "hi"')}),
        ('CN="say \\"hi\\""', {("CN", 'say "hi"')}),
        ("CN=a\\\\", {("CN", "a\\")}),
        ("1.2.3=a", {("1.2.3", "a")}),
        ("X-Custom=a", {("X-CUSTOM", "a")}),
    ],
)
def test_separators_within_a_value_belong_to_it(spelling: str, attributes: set[tuple[str, str]]) -> None:
    assert set(CertificateDn.parse(spelling).attributes) == attributes


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "CN",
        "CN=",
        "=a",
        "CN=a,",
        ",CN=a",
        "CN=a,,C=FR",
        "CN=a,b",
        "CN=a;",
        "nonsense",
        "C N=a",
        "1=a",
        'CN="a',
        'CN=a"',
        "CN=a\\",
        'CN=""',
        'CN="  "',
        "CN=\\20",
        "CN=\\FF",
        "CN=\\C3",
        "é=a",
        "CN=a,=b",
        "/",
        "//",
        "/nonsense",
        "/CN",
        "/ ",
        f"CN={'a' * 2046}",
    ],
)
def test_what_is_not_a_distinguished_name_is_refused(text: str) -> None:
    with pytest.raises(VocabularyError):
        CertificateDn.parse(text)


def test_a_name_of_2048_characters_is_still_read() -> None:
    assert CertificateDn.parse(f"CN={'a' * 2045}").attributes == (("CN", "a" * 2045),)


@given(PAIRS, st.data())
def test_a_name_is_the_same_in_any_order_case_spelling_and_form(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    def spelled(name: str, value: str) -> str:
        value = data.draw(st.sampled_from(CASES))(value.strip())
        write = data.draw(st.sampled_from([escaped, quoted, hexadecimal]))
        pad = data.draw(st.sampled_from(["", " ", "  "]))
        return f"{pad}{data.draw(st.sampled_from(SYNONYMS[name]))}{pad}={pad}{write(value)}{pad}"

    pieces = [spelled(name, value) for name, value in data.draw(st.permutations(pairs))]
    text = pieces[0]
    for piece in pieces[1:]:
        text += data.draw(st.sampled_from([",", ";", "+"])) + piece
    assert CertificateDn.parse(text) == dn_of(pairs)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(SYNONYMS)), st.from_regex(r"[a-z0-9.]{1,6}", fullmatch=True)), min_size=1)
)
def test_openssls_slashes_are_the_same_name(pairs: list[tuple[str, str]]) -> None:
    assert CertificateDn.parse("".join(f"/{name}={value}" for name, value in pairs)) == dn_of(pairs)


@given(PAIRS, st.data())
def test_names_that_differ_in_a_value_are_never_equal(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[place]
    other = data.draw((WORDS | SPECIAL_WORDS).filter(lambda text: folded(text) != folded(value)))
    assert dn_of(pairs) != dn_of([*pairs[:place], (name, other), *pairs[place + 1 :]])


@given(PAIRS, PAIRS)
def test_names_are_equal_exactly_when_their_attributes_are(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    def meant(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return sorted((name, folded(value)) for name, value in pairs)

    assert (dn_of(one) == dn_of(other)) == (meant(one) == meant(other))


@pytest.mark.parametrize(
    "more", ["CN=a,CN=a", "CN=a,C=FR", "CN=a,OU=a", "OU=a", "CN=b", "CN=aa", "CN=a a", "CN=a.", "CN=á"]
)
def test_a_name_with_more_or_other_attributes_is_another(more: str) -> None:
    assert CertificateDn.parse(more) != CertificateDn.parse("CN=a")


@given(PAIRS)
@example([("CN", '"')])
@example([("CN", "#a")])
@example([("CN", "/a=b")])
@example([("CN", "\\")])
def test_writing_and_reading_again_gives_the_same_name(pairs: list[tuple[str, str]]) -> None:
    dn = dn_of(pairs)
    assert CertificateDn.parse(str(dn)) == dn
    assert str(CertificateDn.parse(str(dn))) == str(dn)


AWKWARD = {
    "no attribute": "/nonsense",
    "a lone surrogate": "CN=a\ud800",
    "a lone surrogate and an escape": "CN=a\\b\ud800",
    "much to escape": f"CN={'<' * 1500}",
    "much that grows in lower case": f"CN={'ß' * 1500}",
    "a mark that becomes a letter": "CN=\u0345\u0301",
    "a letter and such a mark": "CN=\u03a9\u0345",
    "a capital sharp s": "CN=\u1e9e",
    "hexadecimal BER": "CN=#0403666F6F",
    "a control character": "CN=\x00",
    "a line separator": "CN=a\x85b",
    "an escaped plus": "CN=\\+OU=b",
    "a type with a hyphen": "CN=a+b-c=d",
}


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_what_was_read_once_is_read_again_from_the_log(text: str) -> None:
    """A name that was read is written to the log, and every later decision on its domain reads it from there."""
    expect_refused_or_read_for_good(text)


@given(
    ANY_TEXT
    | st.builds("CN={}".format, ANY_TEXT)
    | st.lists(st.sampled_from(["CN", "=", ",", "+", ";", "/", "\\", '"', "a", " ", "é", "\ud800", "C3"])).map("".join)
)
def test_any_text_is_refused_without_repeating_it_or_read_for_good(text: str) -> None:
    expect_refused_or_read_for_good(text)


def expect_refused_or_read_for_good(text: str) -> None:
    dn = read_or_refused(CertificateDn.parse, text)
    if dn is not None:
        assert str(dn).encode()
        assert CertificateDn.parse(str(dn)) == dn


def test_an_unreadable_name_is_not_repeated() -> None:
    with pytest.raises(VocabularyError) as problem:
        CertificateDn.parse(f"patient {ins(1)}")
    assert not mentions_ins(str(problem.value))


@pytest.mark.parametrize("text", ["", "  ", "x" * 5_000, "mss.\ud800.fr"])
def test_what_is_no_common_name_is_refused(text: str) -> None:
    with pytest.raises(VocabularyError, match="a common name"):
        CommonName.parse(text)
