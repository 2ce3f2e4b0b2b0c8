"""The commands of the contract, one Struct per command; `type` is the tag on the wire.

A command that exists is readable: its words (domains, distinguished names, identifiers, versions, dates) are
parsed and brought to one spelling when it is made, and a `VocabularyError` names the field that is not.
Addresses and INS stay as they came: whom they mean is for the vault to say, and a bad one is answered with a
reason. Free text loses any INS in it.

`at` is when the thing happened (UTC); without it the engine takes its clock's time.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from huissier.domain.vocabulary.address import Domain
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.identifiers import (
    parse_adeli,
    parse_finess,
    parse_oid,
    parse_referentiel,
    parse_rpps,
    parse_secteur,
)
from huissier.domain.vocabulary.ins import mentions_ins, without_ins
from huissier.domain.vocabulary.times import Time, in_utc, parse_deadline

_PRINTABLE = r"\A[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*\Z"

Identifier = Annotated[str, Meta(min_length=1, max_length=512, pattern=_PRINTABLE)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PRINTABLE)]
Words = Annotated[str, Meta(max_length=2000, pattern=r"\A[^\x00\ud800-\udfff]*\Z")]
Raw = Annotated[str, Meta(max_length=4000)]
Bytes = Annotated[int, Meta(ge=0, le=10**12)]

OperatorKind = Literal["professionnel", "usager"]
Instrument = Literal["contrat", "avenant-1-02-2020", "annexe-2"]
MailboxKind = Literal["PER", "ORG", "APP", "CAB"]
Stage = Literal["rcpt", "end-of-message"]
DeliveryStatus = Literal["delivered", "undelivered"]


def _name(text: str) -> str:
    if mentions_ins(text):
        raise VocabularyError("an INS has no place here")
    return text


def _domain(text: str) -> str:
    return Domain.parse(text).name


def _dns(texts: list[str]) -> list[str]:
    if not isinstance(texts, list):
        raise TypeError
    return list(dict.fromkeys(str(CertificateDn.parse_recordable(text)) for text in texts))


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What every command has: when the thing happened, and how its words are read, by field."""

    _words: ClassVar[Mapping[str, Callable[[Any], object]]] = {}

    at: Time | None = None

    def __post_init__(self) -> None:
        """Bring the words to their one spelling. Raises `VocabularyError`."""
        if self.at is not None and getattr(self.at, "tzinfo", None) is not UTC:
            self._read("at", in_utc)
        for place, parse in self._words.items():
            self._read(place, parse)

    def __repr__(self) -> str:
        """Return the command's fields without any INS."""
        return without_ins(super().__repr__())

    def _read(self, place: str, parse: Callable[[Any], object]) -> None:
        """Parse a field in place; one of the wrong type is left for the engine to report."""
        if (raw := getattr(self, place)) is None:
            return
        try:
            if (read := parse(raw)) is not raw:
                force_setattr(self, place, read)
        except VocabularyError as problem:
            raise VocabularyError(f"{place}: {problem}") from None
        except (AttributeError, TypeError):
            return


class RegisterOperator(Command, frozen=True, tag="register-operator"):
    """An operator enters the trust space (rule 11)."""

    _words = {"operator": _name, "name": without_ins}

    operator: Name
    kind: OperatorKind
    name: Words | None = None


class SignInstrument(Command, frozen=True, tag="sign-instrument"):
    """An operator signs the contrat, Avenant N°1 or Annexe 2 for one version of the référentiel (rule 11)."""

    _words = {"operator": _name, "referentiel": parse_referentiel}

    operator: Name
    instrument: Instrument
    referentiel: str | None = None

    def __post_init__(self) -> None:
        """Bring the words to their one spelling. Raises `VocabularyError`."""
        Command.__post_init__(self)
        if self.instrument == "annexe-2" and self.referentiel is None:
            raise VocabularyError("referentiel: annexe-2 commits to one version of the référentiel, name it")


class _OfDomain(Command, frozen=True):
    """What is said of a domain: who runs it, its certificates, and whether it is held here."""

    _words = {"domain": _domain, "operator": _name, "certificate_dns": _dns}

    domain: str
    operator: Name | None = None
    certificate_dns: list[str] = field(default_factory=list)
    hosted: bool | None = None


class AdmitDomain(_OfDomain, frozen=True, tag="admit-domain"):
    """A domain enters the trust space or gains certificates, an operator, or a host (rule 8).

    Certificates are added to those it has; an operator replaces the one before. `hosted` left out means no on
    the first admission and no change on later ones.
    """


class WithdrawDomain(_OfDomain, frozen=True, tag="withdraw-domain"):
    """A domain leaves the trust space or, where certificates are named, only loses those (rule 8).

    With its last certificate it leaves. The command is rejected if `operator` is not the domain's; `hosted` has no
    effect.
    """


class PublishCgu(Command, frozen=True, tag="publish-cgu"):
    """An operator publishes a version of its CGU, to be signed until its deadline (EX_DCU_5010).

    `deadline`: an RFC 3339 time, or a date that counts to the end of its day (UTC); without one the version is
    in force at once.
    """

    _words = {"operator": _name, "version": _name, "deadline": parse_deadline}

    operator: Name
    version: Name
    deadline: str | None = None


class SignCgu(Command, frozen=True, tag="sign-cgu"):
    """A mailbox's holder signs a version of the CGU (EX_DCU_5010)."""

    _words = {"version": _name}

    mailbox: Raw
    version: Name


class CreateMailbox(Command, frozen=True, tag="create-mailbox"):
    """A mailbox of a professionnel, an organisation, an application or a cabinet is created."""

    _words = {
        "rpps": parse_rpps,
        "adeli": parse_adeli,
        "finess": parse_finess,
        "secteur": parse_secteur,
        "name": without_ins,
        "service": without_ins,
    }

    address: Raw
    kind: MailboxKind
    rpps: str | None = None
    adeli: str | None = None
    finess: str | None = None
    name: Words | None = None
    service: Words | None = None
    secteur: str | None = None
    liste_rouge: bool = False


class _OfMailbox(Command, frozen=True):
    """What becomes of a mailbox, and why."""

    _words = {"motive": without_ins}

    address: Raw
    motive: Words | None = None


class SuspendMailbox(_OfMailbox, frozen=True, tag="suspend-mailbox"):
    """A mailbox stops sending and receiving for a while (rule 12)."""


class ResumeMailbox(_OfMailbox, frozen=True, tag="resume-mailbox"):
    """A suspended mailbox works again (rule 12)."""


class DeleteMailbox(_OfMailbox, frozen=True, tag="delete-mailbox"):
    """A mailbox is gone for good; its address is never given again (rule 12)."""


class SetListeRouge(Command, frozen=True, tag="set-liste-rouge"):
    """A mailbox is hidden from the directory, or shown again (rule 12)."""

    address: Raw
    liste_rouge: bool


class OpenEns(Command, frozen=True, tag="open-ens"):
    """An espace numérique de santé opens, and with it the usager's mailbox `<INS>@patient.mssante.fr`."""

    _words = {"oid": parse_oid}

    ins: Raw
    oid: str | None = None


class CloseEns(Command, frozen=True, tag="close-ens"):
    """An espace numérique de santé closes, and with it the usager's mailbox (rule 12)."""

    _words = {"oid": parse_oid}

    ins: Raw
    oid: str | None = None


class SubmitMessage(Command, frozen=True, tag="submit-message"):
    """A gateway asks whether the sender may write to each recipient, and has the answer recorded.

    `size` in bytes. `final_hop`: acceptance is delivery. Of `subject` only whether it is `[FIN]` is kept, of
    `message_id` and `in_reply_to` only a keyed digest. `certificate_cn`: the common name of the peer's certificate,
    where the gateway knows no more of it; `certificate_dn` comes before it.

    `stage`: where in an SMTP session the gateway asks. At `rcpt` the message has not come yet: recorded only where
    nobody is let through. At `end-of-message` it is taken for every recipient or for none. Without one each
    recipient is let through or not, and every verdict is recorded.
    """

    id: Identifier
    sender: Raw
    recipients: Annotated[list[Raw], Meta(min_length=1, max_length=10_000)]
    reply_to: Raw | None = None
    subject: str | None = None
    mss_mes: str | None = None
    in_reply_to: Raw | None = None
    message_id: Raw | None = None
    size: Bytes | None = None
    certificate_dn: Raw | None = None
    certificate_cn: Raw | None = None
    final_hop: bool = False
    stage: Stage | None = None


class ReportDelivery(Command, frozen=True, tag="report-delivery"):
    """A message was received by a recipient, or could not be (rule 1: the right begins with delivery)."""

    _words = {"cause": without_ins}

    id: Identifier
    recipient: Raw
    status: DeliveryStatus
    cause: Words | None = None


class EraseUsager(Command, frozen=True, tag="erase-usager"):
    """Nobody shall be able to tell any more which facts were this usager's."""

    ins: Raw


OtherCommand = (
    RegisterOperator
    | SignInstrument
    | AdmitDomain
    | WithdrawDomain
    | PublishCgu
    | SignCgu
    | CreateMailbox
    | SuspendMailbox
    | ResumeMailbox
    | DeleteMailbox
    | SetListeRouge
    | OpenEns
    | CloseEns
    | ReportDelivery
    | EraseUsager
)
AnyCommand = OtherCommand | SubmitMessage
