"""Who signed a document, what exactly was signed, and whether that signer is trusted.

Only one form of signature is accepted: enveloped over the whole document, exclusive canonicalisation, RSA-SHA256.
Certificates are judged at the time a document itself gives, so that it stays verifiable after its signer expired.
"""

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    KeyUsage,
    load_der_x509_certificate,
)
from cryptography.x509.verification import (
    ClientVerifier,
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
)
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from huissier.adapters.errors import WhiteListError
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.times import written

_MOST_CARRIED: Final = 8
_SHORTEST_KEY: Final = 2048
_MOST_INTERMEDIATES: Final = 3
_XML_SPACE: Final = " \t\r\n"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_SIGNED_INFO: Final = [  # every element in document order, with its Algorithm or URI
    ("SignedInfo", None),
    ("CanonicalizationMethod", _EXCLUSIVE_C14N),
    ("SignatureMethod", SignatureMethod.RSA_SHA256.value),
    ("Reference", ""),
    ("Transforms", None),
    ("Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature"),
    ("Transform", _EXCLUSIVE_C14N),
    ("DigestMethod", DigestAlgorithm.SHA256.value),
    ("DigestValue", None),
]


def the_signature(document: etree._Element) -> etree._Element:
    """Return the one signature, which must have the one form that is accepted."""
    signatures = list(document.iter(f"{_DS}Signature"))
    if not signatures:
        raise WhiteListError("the white list is not signed")
    if len(signatures) > 1 or signatures[0].getparent() is not document:
        raise WhiteListError("a white list has one signature, directly under its root")
    found = [
        (str(element.tag).removeprefix(_DS), element.get("Algorithm", element.get("URI")))
        for info in signatures[0].iterfind(f"{_DS}SignedInfo")
        for element in info.iter(etree.Element)
    ]
    for part in found:
        if part[0] == "Reference" and part[1] != "":
            raise WhiteListError("the signature does not cover the white list as a whole")
    if found != _SIGNED_INFO:
        raise WhiteListError(
            "the white list is not signed once over the whole, enveloped, with exclusive canonicalisation,"
            " RSA-SHA256 and SHA-256"
        )
    _refuse_loose_base64(signatures[0])
    return signatures[0]


def _refuse_loose_base64(signature: etree._Element) -> None:
    """Refuse characters that a lenient reading of base64 would pass over: they would be changes nobody notices."""
    for name in ("DigestValue", "SignatureValue", "X509Certificate"):
        for element in signature.iter(f"{_DS}{name}"):
            written_out = "".join((element.text or "").split())
            try:
                exact = b64encode(b64decode(written_out, validate=True)).decode() == written_out
            except ValueError:
                exact = False
            if len(element) or not exact:
                raise WhiteListError(
                    f"the signature of the white list cannot be verified: its {name} cannot be read as plain base64"
                )


def carried_certificates(signature: etree._Element) -> tuple[Certificate, list[Certificate]]:
    """Return the signer, the one certificate that issued none of the others, and the others, in no order."""
    carried = list(signature.iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"))
    if not 0 < len(carried) <= _MOST_CARRIED:
        raise WhiteListError(f"the signature carries no certificate, or more than {_MOST_CARRIED}")
    try:
        certificates = [_certificate(text_of(one)) for one in carried]
        issuers = [[one.issuer for one in certificates if one is not other] for other in certificates]
        signers = [one for one, names in zip(certificates, issuers, strict=True) if one.subject not in names]
    except Exception:
        raise WhiteListError("a certificate in the white list's signature cannot be read") from None
    if len(signers) != 1:
        raise WhiteListError("the certificates in the signature are not those of one signer and its authorities")
    return signers[0], [one for one in certificates if one is not signers[0]]


def _certificate(text: str) -> Certificate:
    certificate = load_der_x509_certificate(b64decode(text))
    if certificate.not_valid_before_utc > certificate.not_valid_after_utc:
        raise ValueError("valid at no time")
    return certificate


def signed_by(signer: Certificate, document: etree._Element) -> etree._Element:
    """Return the document as the signer's key signed it; nothing outside it may be believed.

    The signer itself is judged afterwards, at the date that is in what it signed: the time given here only
    keeps the library from judging it today.
    """
    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=signer.not_valid_before_utc,
    )
    try:
        result = XMLVerifier().verify(document, x509_cert=signer, expect_config=config)
    except InvalidSignature:
        raise WhiteListError("the white list was changed since it was signed, or signed with another key") from None
    except Exception as problem:  # the library lets a dozen types through; each of them means no
        kind = type(problem).__name__
        raise WhiteListError(f"the signature of the white list cannot be verified ({kind})") from None
    if isinstance(result, list) or result.signed_xml is None or result.signed_xml.tag != document.tag:
        raise WhiteListError("the signature does not cover the white list as a whole")
    return result.signed_xml


def check_trust(signer: Certificate, carried: list[Certificate], trusted: list[Certificate], moment: datetime) -> None:
    """Refuse a signer that is neither trusted itself nor issued by trusted authorities, all valid at a moment."""
    key = signer.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _SHORTEST_KEY:
        raise WhiteListError(f"the signer's key is not RSA of at least {_SHORTEST_KEY} bits")
    if not signer.not_valid_before_utc <= moment <= signer.not_valid_after_utc:
        raise WhiteListError(
            f"the signer of the white list was not valid when it was generated, {written(moment)}: only from"
            f" {written(signer.not_valid_before_utc)} to {written(signer.not_valid_after_utc)}"
        )
    if signer in trusted:
        return
    try:
        _authorities(trusted, moment).verify(signer, carried)
    except Exception as problem:  # not `VerificationError` alone: hostile certificates cause others
        raise WhiteListError(
            f"the signer of the white list, {subject_of(signer)}, is neither trusted nor issued by a trusted authority"
            f" (on {written(moment)}: {_reason(problem)})"
        ) from None


def _authorities(trusted: list[Certificate], moment: datetime) -> ClientVerifier:
    """Return a verifier that finds a chain to a trusted certificate, whatever the extended key usages.

    The web's rules would require a TLS client's certificate; the national signer's is for e-mail protection.
    """
    anything = ExtensionPolicy.permit_all()
    signers = anything.may_be_present(KeyUsage, Criticality.AGNOSTIC, _may_sign_documents)
    issuers = anything.require_present(BasicConstraints, Criticality.AGNOSTIC, _is_authority)
    issuers = issuers.may_be_present(KeyUsage, Criticality.AGNOSTIC, _may_sign_certificates)
    builder = PolicyBuilder().store(Store(trusted)).time(moment).max_chain_depth(_MOST_INTERMEDIATES)
    return builder.extension_policies(ee_policy=signers, ca_policy=issuers).build_client_verifier()


# `cryptography` calls these with what it found in a certificate and takes an exception for a refusal.
def _may_sign_documents(_policy: Policy, _signer: Certificate, usage: KeyUsage | None) -> None:
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("its certificate is not for signatures")


def _may_sign_certificates(_policy: Policy, _issuer: Certificate, usage: KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("its issuer's certificate is not for signing certificates")


def _is_authority(_policy: Policy, _issuer: Certificate, constraints: BasicConstraints) -> None:
    if not constraints.ca:  # the library says so itself today; its interface promises only presence
        raise ValueError("its issuer is not an authority")


def text_of(element: etree._Element) -> str:
    """Return the whole text of an element; a child, even a comment, would hide the text after it."""
    text = (element.text or "").strip(_XML_SPACE)
    if len(element) or not text:
        raise VocabularyError("holds more than text" if len(element) else "empty")
    return text


def _reason(problem: Exception) -> str:
    """Return the innermost of the reasons that the library strings together."""
    return _plain(str(problem).partition(" (encountered")[0].rpartition(": ")[2])


def subject_of(certificate: Certificate) -> str:
    """Return whom a certificate names, on one line (RFC 4514)."""
    return _plain(certificate.subject.rfc4514_string())


def _plain(text: str) -> str:
    """Return somebody else's text as one line without control characters, 500 characters at the most."""
    return "".join(character if character.isprintable() else "?" for character in text)[:500]
