"""Only what a trusted signer signed, valid at the list's own date, is ever read from a white list."""

import lzma
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

from huissier.adapters.errors import WhiteListError
from huissier.adapters.testing.hospital import ins
from huissier.adapters.testing.white_lists import (
    DS,
    EXCLUSIVE,
    GENERATED_AT,
    LIST,
    ROWS,
    Signer,
    document,
    key_usage,
    make_signer,
    pem,
    row,
    sign,
    signed_list,
    unsigned,
)
from huissier.adapters.white_list.file import LARGEST, read_white_list
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.white_list import WhiteList

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "listeblanchemssante-2025-02-28.xml.xz"
with_the_real_list = pytest.mark.skipif(not REAL.exists(), reason=f"needs {REAL}, which is kept beside the project")
SECOND = timedelta(seconds=1)


def read(folder: Path, content: bytes, *trusted: Signer) -> WhiteList:
    """Read a list, trusting the default signer where none is given."""
    path, trust = folder / "list.xml", folder / "trust.pem"
    path.write_bytes(content)
    trust.write_bytes(pem(*(trusted or (make_signer(),))))
    return read_white_list(path, trust)


def refusal(folder: Path, content: bytes, *trusted: Signer) -> str:
    """Expect a refusal in one line; return it."""
    with pytest.raises(WhiteListError) as caught:
        read(folder, content, *trusted)
    assert str(caught.value).isprintable()
    assert "01 02 03" not in str(caught.value)
    return str(caught.value)


# The national list


def real_trust(folder: Path) -> Path:
    """Write down the certificate that the real list carries."""
    (carried,) = etree.fromstring(lzma.decompress(REAL.read_bytes())).iter(f"{DS}X509Certificate")
    certificate = x509.load_der_x509_certificate(b64decode(carried.text or ""))
    trust = folder / "signer.pem"
    trust.write_bytes(certificate.public_bytes(Encoding.PEM))
    return trust


@with_the_real_list
def test_the_real_list_verifies_at_its_own_date_though_its_signer_has_expired(tmp_path: Path) -> None:
    white_list = read_white_list(REAL, real_trust(tmp_path))
    assert (white_list.rows, len(white_list.pairs), white_list.pair_count) == (6494, 4944, 6466)
    assert white_list.generated_at == datetime(2025, 2, 28, 15, 42, 7, tzinfo=UTC)
    assert white_list.sha256 == b64decode("JZO4I3vo9nf8Pl6G2h0ecqHNng8EKEfNjoMa6kQ3NyQ=").hex()  # its DigestValue
    assert white_list.signer.startswith("CN=alb.mssante.fr,")
    assert len(white_list.pairs["patient.mssante.fr"]) == 2


@with_the_real_list
def test_one_changed_byte_of_the_real_list_is_noticed(tmp_path: Path) -> None:
    content = lzma.decompress(REAL.read_bytes())
    path = tmp_path / "list.xml"
    path.write_bytes(content.replace(b"<Nom>1001-services", b"<Nom>1002-services", 1))
    with pytest.raises(WhiteListError, match="changed since it was signed"):
        read_white_list(path, real_trust(tmp_path))


# What is read


def test_a_list_signed_by_the_pinned_signer_is_read(tmp_path: Path) -> None:
    content = signed_list()
    assert read(tmp_path, content) == WhiteList(
        generated_at=GENERATED_AT,
        sha256=b64decode(content.partition(b"DigestValue>")[2].partition(b"<")[0]).hex(),
        signer="CN=signer",
        rows=3,
        pairs={
            "ch-a.mssante.fr": frozenset({CertificateDn.parse("CN=a,O=A"), CertificateDn.parse("CN=a2,O=A")}),
            "ch-b.mssante.fr": frozenset({CertificateDn.parse("CN=b,O=B")}),
        },
    )


def test_a_list_compressed_with_xz_is_the_same_list(tmp_path: Path) -> None:
    content = signed_list()
    assert read(tmp_path, lzma.compress(content)) == read(tmp_path, content)


def test_spellings_of_one_certificate_and_one_domain_are_one_pair(tmp_path: Path) -> None:
    white_list = read(tmp_path, signed_list([("ch-a.mssante.fr", "CN=a, O=A"), ("CH-A.mssante.fr", 'O="a",CN=a')]))
    assert (white_list.rows, white_list.pair_count) == (2, 1)


def test_the_date_is_told_in_utc(tmp_path: Path) -> None:
    content = sign(document(row(*ROWS[0]), "2026-03-02T06:05:06+02:00"))
    assert read(tmp_path, content).generated_at == GENERATED_AT


def test_a_field_of_a_later_schema_is_no_obstacle(tmp_path: Path) -> None:
    later = row(*ROWS[0]).replace("<Description>", "<Secteur>SA33</Secteur><Description>")
    assert read(tmp_path, sign(document(later))).rows == 1


# Who may sign


def test_the_authority_that_issued_the_signer_may_be_trusted_instead(tmp_path: Path) -> None:
    authority = make_signer("authority", authority=True)
    signer = make_signer("leaf", issuer=authority)
    for chain in ((), (authority,)):
        assert read(tmp_path, signed_list(signer=signer.sending(*chain)), authority).signer == "CN=leaf"


def test_an_intermediate_comes_with_the_list_or_from_the_trust_file(tmp_path: Path) -> None:
    authority = make_signer("authority", authority=True)
    between = make_signer("between", issuer=authority, authority=True)
    signer = make_signer("far leaf", issuer=between)
    assert read(tmp_path, signed_list(signer=signer.sending(between)), authority).rows == 3
    assert read(tmp_path, signed_list(signer=signer.sending()), authority, between).rows == 3
    assert read(tmp_path, signed_list(signer=signer.sending()), between).rows == 3
    assert "neither trusted nor issued" in refusal(tmp_path, signed_list(signer=signer.sending()), authority)


def test_the_certificates_in_a_signature_stand_in_any_order(tmp_path: Path) -> None:
    authority = make_signer("authority", authority=True)
    signer = make_signer("leaf", issuer=authority)
    root = etree.fromstring(signed_list(signer=signer))
    (carried,) = root.iter(f"{DS}X509Data")
    carried.append(carried[0])
    assert read(tmp_path, etree.tostring(root), authority).signer == "CN=leaf"


def test_a_signer_for_email_protection_like_the_national_one_is_taken(tmp_path: Path) -> None:
    authority = make_signer("authority", authority=True)
    email = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    usage = key_usage("digital_signature", "content_commitment")
    signer = make_signer("email", issuer=authority, extensions=(email, usage))
    assert read(tmp_path, signed_list(signer=signer), authority).rows == 3


def test_a_signer_nobody_trusts_is_refused(tmp_path: Path) -> None:
    stranger = make_signer("stranger")
    assert "CN=stranger, is neither trusted" in refusal(tmp_path, signed_list(signer=stranger))
    issued = make_signer("issued", issuer=make_signer("strange authority", authority=True))
    assert "neither trusted" in refusal(tmp_path, signed_list(signer=issued), make_signer("authority", authority=True))


def test_a_certificate_that_only_bears_the_authoritys_name_is_refused(tmp_path: Path) -> None:
    authority = make_signer("authority", authority=True)
    impostor = Signer(make_signer("impostor").key, authority.certificate)
    assert "neither trusted" in refusal(tmp_path, signed_list(signer=make_signer("x", issuer=impostor)), authority)


def below_a_pinned_leaf() -> tuple[Signer, Signer]:
    leaf = make_signer("plain")
    return leaf, make_signer("child", issuer=leaf)


def below_a_leaf_of_the_authority() -> tuple[Signer, Signer]:
    authority = make_signer("authority", authority=True)
    return authority, make_signer("grandchild", issuer=make_signer("leaf", issuer=authority))


def below_an_authority_for_other_uses() -> tuple[Signer, Signer]:
    authority = make_signer("other uses", authority=True, extensions=(key_usage("crl_sign"),))
    return authority, make_signer("child of other uses", issuer=authority)


def below_an_authority_without_authorities_below() -> tuple[Signer, Signer]:
    authority = make_signer("last authority", authority=True, path_length=0)
    return authority, make_signer("too far", issuer=make_signer("one more", issuer=authority, authority=True))


def below_too_many_authorities() -> tuple[Signer, Signer]:
    authority = signer = make_signer("authority", authority=True)
    for number in range(4):
        signer = make_signer(f"level {number}", issuer=signer, authority=True)
    return authority, make_signer("deep", issuer=signer)


def below_a_constraint_not_understood() -> tuple[Signer, Signer]:
    authority = make_signer("authority", authority=True)
    unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
    between = make_signer("constrained", issuer=authority, authority=True, extensions=(unknown,))
    return authority, make_signer("below constrained", issuer=between)


def not_for_signatures() -> tuple[Signer, Signer]:
    authority = make_signer("authority", authority=True)
    return authority, make_signer("cipher", issuer=authority, extensions=(key_usage("key_encipherment"),))


def with_a_short_key() -> tuple[Signer, Signer]:
    signer = make_signer("short", key_size=1024)
    return signer, signer


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (below_a_pinned_leaf, "CA certificate"),
        (below_a_leaf_of_the_authority, "CA certificate"),
        (below_an_authority_for_other_uses, "not for signing certificates"),
        (below_an_authority_without_authorities_below, "path length"),
        (below_too_many_authorities, "depth"),
        (below_a_constraint_not_understood, "critical extensions"),
        (not_for_signatures, "not for signatures"),
        (with_a_short_key, "2048 bits"),
    ],
)
def test_trust_is_not_stretched(tmp_path: Path, case: Callable[[], tuple[Signer, Signer]], reason: str) -> None:
    trusted, signer = case()
    assert reason in refusal(tmp_path, signed_list(signer=signer), trusted)


# When


def test_a_signer_is_valid_from_its_first_to_its_last_second(tmp_path: Path) -> None:
    signer = make_signer("brief", since=GENERATED_AT, until=GENERATED_AT)
    assert read(tmp_path, signed_list(signer=signer), signer).rows == 3
    for moment in (GENERATED_AT - SECOND, GENERATED_AT + SECOND):
        assert "was not valid when" in refusal(tmp_path, signed_list(generated_at=moment, signer=signer), signer)


def test_an_authority_is_valid_from_its_first_to_its_last_second(tmp_path: Path) -> None:
    authority = make_signer("brief authority", authority=True, since=GENERATED_AT, until=GENERATED_AT)
    signer = make_signer("of a brief authority", issuer=authority)
    assert read(tmp_path, signed_list(signer=signer), authority).rows == 3
    for moment in (GENERATED_AT - SECOND, GENERATED_AT + SECOND):
        content = signed_list(generated_at=moment, signer=signer)
        assert "not valid at" in refusal(tmp_path, content, authority)


def test_the_date_of_today_does_not_matter(tmp_path: Path) -> None:
    for year in (1999, 2199):
        moment = datetime(year, 6, 1, tzinfo=UTC)
        times = {"since": moment - timedelta(days=9), "until": moment + timedelta(days=9)}
        authority = make_signer(f"authority of {year}", authority=True, **times)
        signer = make_signer(f"signer of {year}", issuer=authority, **times)
        for trusted in (authority, signer):
            assert read(tmp_path, signed_list(generated_at=moment, signer=signer), trusted).generated_at == moment


# How


@pytest.mark.parametrize(
    ("method", "digest", "c14n"),
    [
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256, EXCLUSIVE),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1, EXCLUSIVE),
        (SignatureMethod.RSA_SHA512, DigestAlgorithm.SHA256, EXCLUSIVE),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA512, EXCLUSIVE),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256, CanonicalizationMethod.CANONICAL_XML_1_0),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256, CanonicalizationMethod.CANONICAL_XML_1_1),
        (
            SignatureMethod.RSA_SHA256,
            DigestAlgorithm.SHA256,
            CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0_WITH_COMMENTS,
        ),
    ],
    ids=str,
)
def test_other_algorithms_are_refused(
    tmp_path: Path, method: SignatureMethod, digest: DigestAlgorithm, c14n: CanonicalizationMethod
) -> None:
    content = sign(unsigned(), method=method, digest=digest, c14n=c14n)
    assert "is not signed once over the whole" in refusal(tmp_path, content)


def test_a_shared_secret_in_place_of_a_key_is_refused(tmp_path: Path) -> None:
    content = signed_list().replace(b"#rsa-sha256", b"#hmac-sha256")
    assert "is not signed once over the whole" in refusal(tmp_path, content)


def test_an_unsigned_list_is_refused(tmp_path: Path) -> None:
    assert "not signed" in refusal(tmp_path, etree.tostring(unsigned()))


def test_a_signature_without_a_certificate_is_refused(tmp_path: Path) -> None:
    root, signature = signed()
    signature.remove(part(signature, f"{DS}KeyInfo"))
    assert "no certificate" in refusal(tmp_path, etree.tostring(root))


def test_a_signature_with_a_strangers_certificate_beside_the_signers_is_refused(tmp_path: Path) -> None:
    for names in (("signer", "stranger"), ("stranger", "signer")):
        first, second = (make_signer(name) for name in names)
        content = signed_list(signer=first.sending(second))
        assert "not those of one signer" in refusal(tmp_path, content)


def test_a_stranger_who_names_the_trusted_certificate_is_refused(tmp_path: Path) -> None:
    forger = Signer(make_signer("forger").key, make_signer().certificate)
    assert "another key" in refusal(tmp_path, signed_list(signer=forger))


def test_a_flood_of_certificates_is_refused(tmp_path: Path) -> None:
    signer = make_signer().sending(*[make_signer("flood", authority=True)] * 8)
    assert "more than 8" in refusal(tmp_path, signed_list(signer=signer))


@pytest.mark.parametrize("garbage", ["", "AAAA", "not base64", "é"])
def test_a_certificate_that_is_none_is_refused(tmp_path: Path, garbage: str) -> None:
    root, signature = signed()
    part(signature, f".//{DS}X509Certificate").text = garbage
    assert "cannot be read" in refusal(tmp_path, etree.tostring(root))


def test_a_certificate_that_was_never_valid_is_refused(tmp_path: Path) -> None:
    root, signature = signed()
    carried = part(signature, f".//{DS}X509Certificate")
    carried.text = b64encode(b64decode(carried.text or "").replace(b"250101000000Z", b"280101000000Z")).decode()
    assert "cannot be read" in refusal(tmp_path, etree.tostring(root))


@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue"])
@pytest.mark.parametrize("value", [None, "", "=", "AAAA", "é"])
def test_a_signature_that_is_none_is_refused(tmp_path: Path, name: str, value: str | None) -> None:
    root, signature = signed()
    found = part(signature, f".//{DS}{name}")
    if value is None:
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)
    found.text = value
    reason = refusal(tmp_path, etree.tostring(root))
    assert "cannot be verified" in reason or "changed since" in reason or "not signed once" in reason


# Signature wrapping: the signature is genuine, what a careless reader would read is not what was signed


def signed(content: bytes | None = None) -> tuple[etree._Element, etree._Element]:
    """Return a genuine list and its signature."""
    root = etree.fromstring(content or signed_list())
    return root, part(root, f"{DS}Signature")


def part(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path)
    assert found is not None
    return found


def evil() -> etree._Element:
    return unsigned([("evil.mssante.fr", "CN=evil")])


def the_original_inside_the_signature() -> bytes:
    original, signature = signed()
    root = evil()
    root.append(signature)
    etree.SubElement(signature, f"{DS}Object").append(original)
    return etree.tostring(root)


def the_original_below_an_evil_root() -> bytes:
    original, _ = signed()
    root = evil()
    etree.SubElement(root, f"{LIST}Ancien").append(original)
    return etree.tostring(root)


def the_original_found_by_its_id() -> bytes:
    genuine = unsigned()
    genuine.set("Id", "original")
    original, signature = signed(sign(genuine, reference="#original"))
    root = evil()
    root.append(signature)
    etree.SubElement(root, "wrapper").append(original)
    return etree.tostring(root)


def a_signature_over_the_date_alone() -> bytes:
    genuine = unsigned()
    genuine[0].set("Id", "date")
    root, _ = signed(sign(genuine, reference="#date"))
    root.replace(part(root, f"{LIST}ListeDomaines"), part(evil(), f"{LIST}ListeDomaines"))
    return etree.tostring(root)


def a_signature_over_the_old_rows_kept_elsewhere() -> bytes:
    genuine = unsigned()
    genuine[1].set("Id", "rows")
    root, _ = signed(sign(genuine, reference="#rows"))
    rows = part(root, f"{LIST}ListeDomaines")
    root.replace(rows, part(evil(), f"{LIST}ListeDomaines"))
    etree.SubElement(root, "wrapper").append(rows)
    return etree.tostring(root)


def a_second_list_of_rows() -> bytes:
    root, _ = signed()
    root.insert(0, part(evil(), f"{LIST}ListeDomaines"))
    return etree.tostring(root)


def one_row_more() -> bytes:
    root, _ = signed()
    part(root, f"{LIST}ListeDomaines").append(part(evil(), f".//{LIST}Domaine"))
    return etree.tostring(root)


def a_later_date() -> bytes:
    root, _ = signed()
    root[0].text = "2026-12-02T04:05:06Z"
    return etree.tostring(root)


def the_signature_among_the_rows() -> bytes:
    root, signature = signed()
    part(root, f"{LIST}ListeDomaines").append(signature)
    return etree.tostring(root)


def two_signatures() -> bytes:
    root, _ = signed()
    root.append(signed()[1])
    return etree.tostring(root)


def two_references() -> bytes:
    root, signature = signed()
    info = part(signature, f"{DS}SignedInfo")
    info.append(etree.fromstring(etree.tostring(part(info, f"{DS}Reference"))))
    return etree.tostring(root)


def a_reference_to_another_file() -> bytes:
    return signed_list().replace(b'URI=""', b'URI="file:///etc/hostname"')


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (the_original_inside_the_signature, "changed since"),
        (the_original_below_an_evil_root, "directly under its root"),
        (the_original_found_by_its_id, "does not cover"),
        (a_signature_over_the_date_alone, "does not cover"),
        (a_signature_over_the_old_rows_kept_elsewhere, "does not cover"),
        (a_second_list_of_rows, "changed since"),
        (one_row_more, "changed since"),
        (a_later_date, "changed since"),
        (the_signature_among_the_rows, "directly under its root"),
        (two_signatures, "one signature"),
        (two_references, "signed once"),
        (a_reference_to_another_file, "does not cover"),
    ],
)
def test_a_genuine_signature_on_another_content_is_refused(
    tmp_path: Path, attack: Callable[[], bytes], reason: str
) -> None:
    assert reason in refusal(tmp_path, attack())


def test_what_the_signature_does_not_cover_is_not_read(tmp_path: Path) -> None:
    root, signature = signed()
    etree.SubElement(signature, f"{DS}Object").append(part(evil(), f"{LIST}ListeDomaines"))
    assert read(tmp_path, etree.tostring(root)).pairs == read(tmp_path, signed_list()).pairs


def test_a_comment_added_inside_a_name_does_not_cut_it_short(tmp_path: Path) -> None:
    content = signed_list([("evil.fr.mssante.fr", "CN=a,O=A")])
    cut = content.replace(b"evil.fr.mssante.fr", b"evil.fr<!-- -->.mssante.fr")
    assert cut != content
    assert set(read(tmp_path, cut).pairs) == {"evil.fr.mssante.fr"}


def test_an_instruction_inside_a_name_is_refused(tmp_path: Path) -> None:
    content = sign(document(row(*ROWS[0]).replace("<Nom>", "<Nom>evil.fr<?x y?>.")))
    assert "Nom: holds more than text" in refusal(tmp_path, content)


# Hostile XML


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-7", "cp037"])
@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE l [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE l SYSTEM "http://127.0.0.1:9/list.dtd">',
        '<!DOCTYPE l [<!ENTITY % e SYSTEM "http://127.0.0.1:9/list.dtd"> %e;]>',
        '<!DOCTYPE l [<!ENTITY e "1">' + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)) + "]>",
        "<!DOCTYPE ListeBlancheMSSante>",
    ],
    ids=["external entity", "external document type", "parameter entity", "billion laughs", "empty"],
)
def test_a_document_type_is_refused_unread_in_every_encoding(tmp_path: Path, declaration: str, encoding: str) -> None:
    body = etree.tostring(etree.fromstring(signed_list())).decode().replace("ch-a.mssante.fr", "&e;", 1)
    content = f'<?xml version="1.0" encoding="{encoding}"?>{declaration}{body}'.encode(encoding)
    reason = refusal(tmp_path, content)
    assert "document type" in reason or "not well-formed XML in UTF-8" in reason
    if encoding == "utf-7":  # where no byte of it looks like markup
        hidden = content.replace(b"<!", b"+ADwAIQ-").replace(b"[<", b"[+ADw-")
        assert "not well-formed" in refusal(tmp_path, hidden)


def test_an_entity_nobody_declared_is_refused(tmp_path: Path) -> None:
    assert "not well-formed" in refusal(tmp_path, signed_list().replace(b"ch-a.mssante.fr", b"&e;", 1))


def test_an_inclusion_is_not_followed(tmp_path: Path) -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/hostname" parse="text"/>'
    content = sign(document(row(*ROWS[0]).replace("ch-a.mssante.fr", include)))
    assert "Nom: holds more than text" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    "flood",
    [
        b"<a/>" * 1_000_001,
        b"<a " + b" ".join(b'a%d=""' % number for number in range(1_000_001)) + b"/>",
        b"<a " + b" ".join(b'xmlns:a%d="a"' % number for number in range(101)) + b"/>",
    ],
    ids=["elements", "attributes", "namespaces"],
)
def test_a_flood_of_markup_is_refused_unparsed(tmp_path: Path, flood: bytes) -> None:
    content = signed_list().replace(b"<ListeDomaines>", b"<ListeDomaines>" + flood, 1)
    assert "more elements, attributes or namespaces" in refusal(tmp_path, content)


def test_a_deep_tree_is_refused(tmp_path: Path) -> None:
    content = signed_list().replace(b"<ListeDomaines>", b"<ListeDomaines>" + b"<a>" * 5000 + b"</a>" * 5000, 1)
    assert "not well-formed" in refusal(tmp_path, content)


def test_a_compressed_bomb_is_refused(tmp_path: Path) -> None:
    bomb = lzma.compress(b"<a>" + b" " * LARGEST, preset=0)
    assert len(bomb) < 100_000
    assert "larger than" in refusal(tmp_path, bomb)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    assert "larger than" in refusal(tmp_path, b" " * (LARGEST + 1))


def test_a_compressed_file_that_asks_for_gigabytes_to_unpack_is_refused(tmp_path: Path) -> None:
    greedy = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    try:
        content = lzma.compress(signed_list(), filters=greedy)
    except MemoryError:
        pytest.skip("this machine has not the memory to make such a file")
    assert "cannot be read" in refusal(tmp_path, content)


def test_a_compressed_file_is_one_whole_stream(tmp_path: Path) -> None:
    content = lzma.compress(signed_list())
    for damaged in (content[:-1], content[: len(content) // 2], content[:6], content + b"\0", content * 2):
        assert "cannot be read" in refusal(tmp_path, damaged)


# Documents and rows that are wrong though rightly signed


@pytest.mark.parametrize(
    "root",
    [
        document(row(*ROWS[0]), namespace="https://listeblanche.mssante.fr/schema/"),
        document(row(*ROWS[0]), namespace="HTTPS://listeblanche.mssante.fr/schema"),
        etree.fromstring("<ListeBlancheMSSante/>"),
        etree.fromstring('<Autre xmlns="https://listeblanche.mssante.fr/schema"/>'),
    ],
)
def test_another_root_is_refused(tmp_path: Path, root: etree._Element) -> None:
    assert "not a ListeBlancheMSSante" in refusal(tmp_path, sign(root))


def test_an_empty_list_would_withdraw_every_domain_and_is_refused(tmp_path: Path) -> None:
    assert "no domain" in refusal(tmp_path, signed_list([]))


def test_a_list_has_its_rows_in_one_place(tmp_path: Path) -> None:
    twice, never = unsigned(), unsigned()
    twice.append(part(unsigned(), f"{LIST}ListeDomaines"))
    never.remove(part(never, f"{LIST}ListeDomaines"))
    assert "ListeDomaines of the white list: given more than once" in refusal(tmp_path, sign(twice))
    assert "ListeDomaines of the white list: missing" in refusal(tmp_path, sign(never))


@pytest.mark.parametrize("intruder", ["<Domain/>", '<Domaine xmlns="urn:x"/>', "<?Domaine ?>"])
def test_what_is_no_row_is_not_passed_over(tmp_path: Path, intruder: str) -> None:
    content = sign(document(row(*ROWS[0]) + intruder))
    assert "something other than Domaine" in refusal(tmp_path, content)


NOM, DN = "<Nom>ch-a.mssante.fr</Nom>\n", "<DNCertificatOperateur>CN=a,O=A</DNCertificatOperateur>\n"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (NOM, "", "Nom: missing"),
        (NOM, "<Nom xmlns=''>ch-a.mssante.fr</Nom>", "Nom: missing"),
        (NOM, NOM + NOM, "Nom: given more than once"),
        (NOM, "<Nom/>", "Nom: empty"),
        (NOM, "<Nom> </Nom>", "Nom: empty"),
        (NOM, "<Nom>ch-a.<b>mssante</b>.fr</Nom>", "Nom: holds more than text"),
        (NOM, "<Nom>localhost</Nom>", "Nom: not a domain name"),
        (NOM, "<Nom>ch-a.mssante.fr, ch-b.mssante.fr</Nom>", "Nom: not a domain name"),
        (NOM, "<Nom>ch-à.mssante.fr</Nom>", "Nom: a domain is written in ASCII"),
        (NOM, "<Nom>\u00a0ch-a.mssante.fr</Nom>", "Nom: a domain is written in ASCII"),
        (DN, "", "DNCertificatOperateur: missing"),
        (DN, DN + DN, "DNCertificatOperateur: given more than once"),
        (DN, "<DNCertificatOperateur/>", "DNCertificatOperateur: empty"),
        (DN, f"<DNCertificatOperateur>CN=Dr {ins(1)}</DNCertificatOperateur>", "DNCertificatOperateur: an INS has no"),
        (DN, "<DNCertificatOperateur>who knows</DNCertificatOperateur>", "DNCertificatOperateur: a distinguished"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line_and_field(
    tmp_path: Path, before: str, after: str, reason: str
) -> None:
    wrong = row(*ROWS[0]).replace(before, after)
    assert wrong != row(*ROWS[0])
    content = sign(document(row(*ROWS[2]) + wrong))
    line = content[: content.rindex(b"<Domaine>")].count(b"\n") + 1
    assert f"row 2 of the white list (line {line}), {reason}" in refusal(tmp_path, content)


def test_a_line_beyond_65535_is_still_told(tmp_path: Path) -> None:
    content = sign(document("\n" * 70_000 + row("nowhere", "CN=a")))
    assert "row 1 of the white list (line 70006)" in refusal(tmp_path, content)


@pytest.mark.parametrize("date", ["", "yesterday", "2026-03-02T04:05:06", "2026-13-02T04:05:06Z", "2026-03-02"])
def test_a_generation_date_that_cannot_be_read_is_refused(tmp_path: Path, date: str) -> None:
    assert "DateDeGeneration of the white list" in refusal(tmp_path, sign(document(row(*ROWS[0]), date)))


def test_a_list_has_one_generation_date(tmp_path: Path) -> None:
    twice, never = unsigned(), unsigned()
    twice.append(part(unsigned(), f"{LIST}DateDeGeneration"))
    never.remove(part(never, f"{LIST}DateDeGeneration"))
    assert "DateDeGeneration of the white list: given more than once" in refusal(tmp_path, sign(twice))
    assert "DateDeGeneration of the white list: missing" in refusal(tmp_path, sign(never))


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_date_at_the_end_of_the_calendar_is_refused(tmp_path: Path, date: str) -> None:
    assert "was not valid when" in refusal(tmp_path, sign(document(row(*ROWS[0]), date)))


# Files


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    content, trust = tmp_path / "list.xml", tmp_path / "trust.pem"
    content.write_bytes(signed_list())
    trust.write_bytes(pem(make_signer()))
    for path in (tmp_path / "none.xml", tmp_path, Path("a\0b")):
        with pytest.raises(WhiteListError, match=r"the white list .*cannot be read"):
            read_white_list(path, trust)
        with pytest.raises(WhiteListError, match=r"the file of trusted certificates .*cannot be read"):
            read_white_list(content, path)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"no certificate",
        pem(make_signer())[:-40],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_trust_file_without_a_certificate_is_refused(tmp_path: Path, garbage: bytes) -> None:
    content, trust = tmp_path / "list.xml", tmp_path / "trust.pem"
    content.write_bytes(signed_list())
    trust.write_bytes(garbage)
    with pytest.raises(WhiteListError, match="holds no PEM certificate"):
        read_white_list(content, trust)


# Any bytes


def damaged(content: bytes, harms: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, insert in harms:
        where = place % (len(content) + 1)
        match kind:
            case "cut":
                content = content[:where]
            case "drop":
                content = content[:where] + content[where + len(insert) :]
            case "overwrite":
                content = content[:where] + insert + content[where + len(insert) :]
            case _:
                content = content[:where] + insert + content[where:]
    return content


fragments = st.binary(min_size=1, max_size=6) | st.sampled_from(
    [b"<!-- -->", b"<?x?>", b"<![CDATA[x]]>", b"&#10;", b"<a/>", b"</Nom>", b"&amp;", b'xmlns="x"', b"\r\n", b"\xe9"]
)
harms = st.lists(
    st.tuples(st.sampled_from(["cut", "drop", "overwrite", "insert"]), st.integers(0, 1 << 16), fragments), max_size=3
)


@settings(max_examples=60, deadline=None)
@given(harms=harms, packed=st.booleans())
def test_damage_ends_in_a_refusal_or_changes_nothing_that_is_read(
    tmp_path_factory: pytest.TempPathFactory, harms: list[tuple[str, int, bytes]], packed: bool
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    genuine = lzma.compress(signed_list()) if packed else signed_list()
    try:
        white_list = read(folder, damaged(genuine, harms))
    except WhiteListError:
        return
    expected = read(folder, genuine)
    assert (white_list.pairs, white_list.rows) == (expected.pairs, expected.rows)
    assert (white_list.generated_at, white_list.signer) == (expected.generated_at, expected.signer)


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | st.just(lzma.compress(b"x")))
def test_any_other_bytes_end_in_a_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    refusal(folder, content)
    (folder / "trust.pem").write_bytes(content)
    with pytest.raises(WhiteListError):
        read_white_list(folder / "list.xml", folder / "trust.pem")


@pytest.mark.parametrize("name", [b"X509Certificate>", b"SignatureValue>", b"DigestValue>"])
def test_junk_in_the_signatures_base64_is_refused(tmp_path: Path, name: bytes) -> None:
    refusal(tmp_path, signed_list().replace(name, name + b"*", 1))
