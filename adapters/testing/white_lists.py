"""White lists made and signed for a test, with keys made in the test.

    signer = make_signer()
    content = signed_list([("ch-a.mssante.fr", "CN=a,O=A")], generated_at=moment, signer=signer)
    trust = pem(signer)

A signer made with the same arguments is the same signer, so that no test waits for a key twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from html import escape
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

NAMESPACE: Final = "https://listeblanche.mssante.fr/schema"
LIST: Final = f"{{{NAMESPACE}}}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
GENERATED_AT: Final = datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)
SINCE: Final = datetime(2025, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2027, 1, 1, tzinfo=UTC)
EXCLUSIVE: Final = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0

Row = tuple[str, str]
ROWS: Final[tuple[Row, ...]] = (
    ("ch-a.mssante.fr", "CN=a,O=A"),
    ("ch-a.mssante.fr", "CN=a2,O=A"),
    ("ch-b.mssante.fr", "CN=b,O=B"),
)


@dataclass(frozen=True, eq=False)
class Signer:
    """A key, its certificate, and the certificates of its authorities that it sends along in a signature."""

    key: RSAPrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def sending(self, *chain: "Signer") -> "Signer":
        """Return the same signer that sends other certificates along, or none."""
        return replace(self, chain=tuple(one.certificate for one in chain))


@cache
def key_of(name: str, size: int = 2048) -> RSAPrivateKey:
    """Return the RSA key of that name, made once."""
    return generate_private_key(65537, size)


@cache
def make_signer(
    name: str = "signer",
    *,
    issuer: Signer | None = None,
    authority: bool = False,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    path_length: int | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    key_size: int = 2048,
) -> Signer:
    """Return a signer, self-signed unless an issuer is given; `extensions` are (extension, critical)."""
    key = key_of(name, key_size)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Signer(key, certificate, (issuer.certificate, *issuer.chain) if issuer else ())


def key_usage(*uses: str) -> tuple[x509.ExtensionType, bool]:
    """Return a critical key usage extension for `make_signer` that allows only these uses."""
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: use in uses for use in every}), True


def pem(*signers: Signer) -> bytes:
    """Return the signers' own certificates as the file that `--trust` names."""
    return b"".join(signer.certificate.public_bytes(Encoding.PEM) for signer in signers)


def row(domain: str, dn: str) -> str:
    """Return one `Domaine` as text, with every field that the national list has."""
    return (
        f"<Domaine>\n<Nom>{escape(domain)}</Nom>\n<Description>d</Description>\n"
        f"<DNCertificatOperateur>{escape(dn)}</DNCertificatOperateur>\n"
        "<ResponsableContact>Anne Onyme, 01 02 03 04 05</ResponsableContact>\n"
        "<SupportContact>support@exemple.fr</SupportContact>\n<DateMAJ>2026-01-01T00:00:00Z</DateMAJ>\n"
        "</Domaine>\n"
    )


def document(domains: str, generated_at: str = "2026-03-02T04:05:06Z", namespace: str = NAMESPACE) -> etree._Element:
    """Return an unsigned list around the text of its rows, which a test may make wrong."""
    return etree.fromstring(
        f'<ListeBlancheMSSante xmlns="{namespace}">\n<DateDeGeneration>{generated_at}</DateDeGeneration>\n'
        f"<ListeDomaines>\n{domains}</ListeDomaines>\n</ListeBlancheMSSante>"
    )


def unsigned(rows: Iterable[Row] = ROWS, generated_at: datetime = GENERATED_AT) -> etree._Element:
    """Return a list without a signature."""
    return document("".join(row(domain, dn) for domain, dn in rows), f"{generated_at:%Y-%m-%dT%H:%M:%SZ}")


class _AnySigner(XMLSigner):
    """A signer that also signs with outdated methods."""

    def check_deprecated_methods(self) -> None:
        """Allow SHA-1."""


def sign(
    root: etree._Element,
    signer: Signer | None = None,
    *,
    method: SignatureMethod = SignatureMethod.RSA_SHA256,
    digest: DigestAlgorithm = DigestAlgorithm.SHA256,
    c14n: CanonicalizationMethod = EXCLUSIVE,
    reference: str | None = None,
) -> bytes:
    """Return a document signed as the national list is, or in another way."""
    signer = signer or make_signer()
    xml_signer = _AnySigner(signature_algorithm=method, digest_algorithm=digest, c14n_algorithm=c14n)
    certificates = [signer.certificate, *signer.chain]
    signed = xml_signer.sign(root, key=signer.key, cert=certificates, reference_uri=reference)
    return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


def signed_list(
    rows: Iterable[Row] = ROWS, generated_at: datetime = GENERATED_AT, signer: Signer | None = None
) -> bytes:
    """Return a list of (domain, distinguished name) signed as the national list is."""
    return sign(unsigned(rows, generated_at), signer)
