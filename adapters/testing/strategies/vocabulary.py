"""The words of the trust space, each alone and valid; `odd_text` for whatever anybody may write instead."""

from datetime import UTC, datetime
from typing import Final

from hypothesis import strategies as st

from huissier.adapters.testing.hospital import with_key
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.address import Domain, MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName
from huissier.domain.vocabulary.ins import Ins, mentions_ins
from huissier.domain.vocabulary.times import written

_LABELS: Final = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
_TWO_DIGITS: Final = st.integers(1, 99).map("{:02}".format)
_DEPARTMENTS: Final = _TWO_DIGITS | st.sampled_from(["2A", "2B"])
_SEXES: Final = st.sampled_from("123478")
_YEARS: Final = st.integers(0, 99)
_MONTHS: Final = st.sampled_from([*range(1, 13), 20, *range(30, 43), *range(50, 100)])
_ATTRIBUTES: Final = ("CN", "OU", "O", "L", "ST", "C", "SERIALNUMBER", "DC", "UID", "1.2.3.4")
_VALUES: Final = st.text(st.sampled_from("aBcé9É./:@'-_#()"), min_size=1, max_size=6)


def odd_text() -> st.SearchStrategy[str]:
    """Any text, lone surrogates and control characters too."""
    return st.text(st.characters())


def domain_names() -> st.SearchStrategy[str]:
    """Domains in lower case, of two to four labels."""
    return st.lists(_LABELS, min_size=2, max_size=4).map(".".join).filter(lambda name: not mentions_ins(name))


def domains() -> st.SearchStrategy[Domain]:
    """The same, parsed."""
    return domain_names().map(Domain.parse)


def local_parts() -> st.SearchStrategy[str]:
    """What may stand before the `@` of a mailbox's address, `+` and all."""
    part = st.from_regex(r"[a-z0-9+_=~'&#$*-]{1,6}", fullmatch=True)
    return st.lists(part, min_size=1, max_size=3).map(".".join)


def addresses() -> st.SearchStrategy[str]:
    """Plain addresses in their one spelling; no usager's."""
    return st.builds("{}@{}".format, local_parts(), domain_names()).filter(lambda text: not mentions_ins(text))


def mailbox_addresses() -> st.SearchStrategy[MailboxAddress]:
    """The same, parsed."""
    return addresses().map(MailboxAddress.parse)


def ins_numbers() -> st.SearchStrategy[str]:
    """The 15 characters of an INS, its key right: of the département 99 and country 000, where nobody was ever born."""
    return st.builds("{}{:02}{:02}99000{:03}".format, *(_SEXES, _YEARS, _MONTHS, st.integers(1, 999))).map(with_key)


def ins() -> st.SearchStrategy[Ins]:
    """The same, parsed; it shows itself as `Ins(…)`."""
    return ins_numbers().map(Ins.parse)


def distinguished_names() -> st.SearchStrategy[str]:
    """Names of certificates, such as `CN=…,O=…`."""
    pairs = st.lists(st.builds("{}={}".format, st.sampled_from(_ATTRIBUTES), _quoted()), min_size=1, max_size=5)
    return pairs.map(",".join).filter(lambda name: not CertificateDn.parse(name).mentions_ins)


def certificate_dns() -> st.SearchStrategy[CertificateDn]:
    """The same, parsed."""
    return distinguished_names().map(CertificateDn.parse)


def common_names() -> st.SearchStrategy[CommonName]:
    """Common names, of a certificate's subject often all that a gateway knows; parsed."""
    return _VALUES.map(CommonName.parse)


def _quoted() -> st.SearchStrategy[str]:
    return _VALUES.map(lambda value: "".join(f"\\{letter}" if letter == "#" else letter for letter in value))


def rpps() -> st.SearchStrategy[str]:
    """A professionnel's number, 11 digits."""
    return st.integers(0, 10**11 - 1).map("{:011}".format)


def adeli() -> st.SearchStrategy[str]:
    """A professionnel's older number, which is being retired, 9 characters."""
    return st.builds("{}{:07}".format, _DEPARTMENTS, st.integers(0, 10**7 - 1))


def finess() -> st.SearchStrategy[str]:
    """A structure's number, 9 characters."""
    return adeli()


def secteurs() -> st.SearchStrategy[str]:
    """A secteur d'activité, such as SA33."""
    return _TWO_DIGITS.map("SA{}".format)


def oids() -> st.SearchStrategy[str]:
    """The OID of an INS."""
    return st.sampled_from([f"1.2.250.1.213.1.4.{last}" for last in (8, 9, 10, 11)])


def referentiels() -> st.SearchStrategy[str]:
    """A version of the référentiel, such as 1.4."""
    return st.lists(st.integers(0, 20).map(str), min_size=1, max_size=4).map(".".join)


def times() -> st.SearchStrategy[datetime]:
    """Moments in UTC, to the microsecond, from 2015 on."""
    return st.datetimes(datetime(2015, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def deadlines() -> st.SearchStrategy[str]:
    """The last moment of a deadline, as commands keep it."""
    return times().map(written)


def codes() -> st.SearchStrategy[Code]:
    """Reasons."""
    return st.sampled_from(Code)
