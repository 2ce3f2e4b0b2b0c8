"""A small hospital world, told in commands.

The hospital's domain is hosted here, a cabinet's is remote, and the usagers' is hosted unless a test wants it
remote. Everything has been there since one day (`SINCE`), long before any rule that a test is about; whatever else
a scenario needs, it tells itself. Every INS is computed here: département 99 and country 000, where nobody was ever
born.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    OpenEns,
    OperatorKind,
    RegisterOperator,
    ReportDelivery,
    SignInstrument,
    SubmitMessage,
)

SINCE = datetime(2020, 3, 11, tzinfo=UTC)  # référentiel 1.3.1, the first rule set there is
NOW = datetime(2026, 10, 31, 9, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)

GHT = "ght-exemple"
MES = "mon-espace-sante"

HOSPITAL = "ch-exemple.mssante.fr"
CABINET = "cabinet.mssante.fr"
PATIENTS = "patient.mssante.fr"

HOSPITAL_DN = "CN=mss.ch-exemple.fr,OU=300000000000000,O=CH EXEMPLE,C=FR"
CABINET_CN = "mss.cabinet.fr"
CABINET_DN = f"CN={CABINET_CN},O=CABINET EXEMPLE,C=FR"
FOREIGN_DN = "CN=mss.ailleurs.fr,O=AILLEURS,C=FR"

DOCTOR = f"dr.martin@{HOSPITAL}"
SURGEON = f"dr.durand@{HOSPITAL}"
SECRETARIAT = f"secretariat@{HOSPITAL}"
NOBODY = f"dr.inconnu@{HOSPITAL}"
REMOTE_DOCTOR = f"dr.petit@{CABINET}"
OUTSIDER = "someone@example.org"

_ids = count(1)


def moment(text: str) -> datetime:
    """Read `2026-10-31` or `2026-10-31T09:00` as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def with_key(matricule: str) -> str:
    """Complete the 13 characters of a matricule with the key that belongs to them."""
    number = int(matricule.replace("2A", "19").replace("2B", "18"))
    return f"{matricule}{97 - number % 97:02}"


def ins(number: int) -> str:
    """Return the valid INS of made-up person `number`, 0 to 999."""
    return with_key(f"1791299000{number:03}")


def corsican_ins(number: int) -> str:
    """Return the valid INS of a made-up person of Corse-du-Sud, 0 to 999."""
    return with_key(f"179122A000{number:03}")


def usager(number: int) -> str:
    """Return the address of made-up usager `number`."""
    return f"{ins(number)}@{PATIENTS}"


USAGER, OTHER_USAGER, STRANGER = usager(1), usager(2), usager(3)  # the stranger never opened an ENS


def operator(
    name: str = GHT, kind: OperatorKind = "professionnel", *, contrat: bool = True, annexe_2: str | None = "1.4"
) -> list[AnyCommand]:
    """Register an operator that signs the contrat, and Annexe 2 for one version of the référentiel."""
    commands: list[AnyCommand] = [RegisterOperator(at=SINCE, operator=name, kind=kind)]
    if contrat:
        commands.append(SignInstrument(at=SINCE, operator=name, instrument="contrat"))
    if annexe_2 is not None:
        commands.append(SignInstrument(at=SINCE, operator=name, instrument="annexe-2", referentiel=annexe_2))
    return commands


def hospital_domain() -> AdmitDomain:
    """Admit the hospital's domain, whose mailboxes are held here."""
    return AdmitDomain(at=SINCE, domain=HOSPITAL, operator=GHT, certificate_dns=[HOSPITAL_DN], hosted=True)


def hospital_mailboxes() -> list[AnyCommand]:
    """Create a doctor, a surgeon and a secretariat."""
    return [
        CreateMailbox(at=SINCE, address=DOCTOR, kind="PER", rpps="10000000001"),
        CreateMailbox(at=SINCE, address=SURGEON, kind="PER", rpps="10000000002"),
        CreateMailbox(at=SINCE, address=SECRETARIAT, kind="ORG", finess="990000001", secteur="SA01"),
    ]


def hospital() -> list[AnyCommand]:
    """Set up the hospital: a committed operator, a hosted domain, three mailboxes."""
    return [*operator(), hospital_domain(), *hospital_mailboxes()]


def cabinet() -> AdmitDomain:
    """Admit a remote domain, of which this installation knows no operator and no mailbox."""
    return AdmitDomain(at=SINCE, domain=CABINET, certificate_dns=[CABINET_DN])


def patients(*, hosted: bool = True) -> list[AnyCommand]:
    """Set up the usagers' domain; where it is hosted, two usagers have opened their ENS."""
    opened: list[AnyCommand] = [OpenEns(at=SINCE, ins=ins(number)) for number in (1, 2)] if hosted else []
    return [
        *operator(MES, "usager"),
        AdmitDomain(at=SINCE, domain=PATIENTS, operator=MES, hosted=hosted),
        *opened,
    ]


def world(*, hosted_patients: bool = True) -> list[AnyCommand]:
    """Set up hospital, cabinet and usagers."""
    return [*hospital(), cabinet(), *patients(hosted=hosted_patients)]


def write(
    sender: str,
    *recipients: str,
    id: str | None = None,  # noqa: A002
    at: datetime | None = None,
    reply_to: str | None = None,
    subject: str | None = None,
    mss_mes: str | None = None,
    in_reply_to: str | None = None,
    message_id: str | None = None,
    size: int | None = None,
    certificate_dn: str | None = None,
    certificate_cn: str | None = None,
    final_hop: bool = False,
    stage: Literal["rcpt", "end-of-message"] | None = None,
) -> SubmitMessage:
    """Submit a message under an id of its own."""
    return SubmitMessage(
        id=id or f"m-{next(_ids)}",
        at=at,
        sender=sender,
        recipients=list(recipients),
        reply_to=reply_to,
        subject=subject,
        mss_mes=mss_mes,
        in_reply_to=in_reply_to,
        message_id=message_id,
        size=size,
        certificate_dn=certificate_dn,
        certificate_cn=certificate_cn,
        final_hop=final_hop,
        stage=stage,
    )


def reach(
    sender: str,
    *recipients: str,
    at: datetime | None = None,
    reply_to: str | None = None,
    subject: str | None = None,
    mss_mes: str | None = None,
    message_id: str | None = None,
) -> SubmitMessage:
    """Submit a message at its final hop: where it is accepted, it is received."""
    return write(
        sender,
        *recipients,
        at=at,
        reply_to=reply_to,
        subject=subject,
        mss_mes=mss_mes,
        message_id=message_id,
        final_hop=True,
    )


def received(id: str, recipient: str, at: datetime | None = None) -> ReportDelivery:  # noqa: A002
    """Report that a recipient received a message."""
    return ReportDelivery(id=id, recipient=recipient, status="delivered", at=at)


def lost(id: str, recipient: str, at: datetime | None = None) -> ReportDelivery:  # noqa: A002
    """Report that a message could not be delivered to a recipient."""
    return ReportDelivery(id=id, recipient=recipient, status="undelivered", at=at)
