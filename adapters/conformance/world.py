"""The world that an implementation must have loaded before it is asked: the small hospital, and who has met whom there.

Everybody is made up. Each pair of people belongs to one check, so that checks do not disturb each other; a run leaves
messages behind, so a second run needs a fresh store.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from huissier.adapters.testing.hospital import (
    CABINET,
    DOCTOR,
    GHT,
    HOSPITAL,
    MES,
    PATIENTS,
    SECRETARIAT,
    SINCE,
    SURGEON,
    cabinet,
    hospital,
    ins,
    operator,
    reach,
    usager,
)
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    PublishCgu,
    ResumeMailbox,
    SignCgu,
    SuspendMailbox,
    WithdrawDomain,
)

CLINIC: Final = "clinique.mssante.fr"
POLYCLINIC: Final = "polyclinique.mssante.fr"
MATERNITY: Final = "maternite.mssante.fr"
HOSTED: Final = (HOSPITAL, CLINIC, POLYCLINIC, MATERNITY, PATIENTS)
WITHDRAWN: Final = "ancien.mssante.fr"

CLINICIAN: Final = f"dr.neuf@{CLINIC}"  # whose operator has signed the contrat and nothing else
VETERAN: Final = f"dr.dix@{POLYCLINIC}"  # whose operator was in the space before, and lacks Avenant N°1
MIDWIFE: Final = f"sage-femme@{MATERNITY}"  # whose operator has not signed the contrat
FORMER: Final = f"dr.ancien@{WITHDRAWN}"
FORMER_CN: Final = "mss.ancien-cabinet.fr"  # of a certificate that the cabinet no longer has
SUSPENDED: Final = f"dr.suspendu@{HOSPITAL}"
RESUMED: Final = f"dr.revenu@{HOSPITAL}"  # who was suspended
DELETED: Final = f"dr.parti@{HOSPITAL}"
UNSIGNED: Final = f"dr.sans-cgu@{HOSPITAL}"
OUTDATED: Final = f"dr.cgu-anciennes@{HOSPITAL}"  # who has signed the version before
PHARMACY: Final = f"pharmacie@{HOSPITAL}"
HIDDEN_PHARMACY: Final = f"pharmacie.interne@{HOSPITAL}"  # on the liste rouge
PHARMACIST: Final = f"pharmacien@{HOSPITAL}"  # a person
PLAYERS: Final = tuple(f"dr.{name}@{HOSPITAL}" for name in ("alba", "bruno", "clara"))

IN_TOUCH, PARTED, NEVER_MET = usager(1), usager(2), usager(3)
TO_MEET, TO_PART, TO_ANSWER_ELSEWHERE, TO_BE_SILENT, TO_LEAVE, TO_MISREAD = map(usager, range(4, 10))
TO_MEET_AGAIN, TO_MEET_ONE, TO_READ_ON, TO_KEEP = map(usager, range(10, 14))
TO_PLAY: Final = tuple(map(usager, range(14, 20)))
LEFT: Final = usager(20)  # whose ENS is closed
ALL_USAGERS: Final = range(1, 21)

_LONG_BEFORE: Final = datetime(2019, 1, 7, tzinfo=UTC)
_RENEWED: Final = datetime(2024, 1, 8, tzinfo=UTC)
_MET: Final = datetime(2024, 6, 3, 8, tzinfo=UTC)
_PARTED: Final = datetime(2024, 6, 4, 8, tzinfo=UTC)


def world() -> list[AnyCommand]:
    """Return the commands, in their order; all happened long ago."""
    return [
        *hospital(),
        cabinet(),
        *_other_operators(),
        *_withdrawn(),
        *_usagers(),
        *_mailboxes(),
        *_cgu(),
        *_past(),
    ]


def _other_operators() -> list[AnyCommand]:
    long_before = [replace(command, at=_LONG_BEFORE) for command in operator("polyclinique")]
    return [
        *_operated("clinique", CLINIC, CLINICIAN, operator("clinique", annexe_2=None)),
        *_operated("polyclinique", POLYCLINIC, VETERAN, long_before),
        *_operated("maternite", MATERNITY, MIDWIFE, operator("maternite", contrat=False)),
    ]


def _operated(name: str, domain: str, mailbox: str, signed: list[AnyCommand]) -> list[AnyCommand]:
    return [
        *signed,
        AdmitDomain(at=SINCE, domain=domain, operator=name, hosted=True),
        CreateMailbox(at=SINCE, address=mailbox, kind="PER"),
    ]


def _withdrawn() -> list[AnyCommand]:
    former_dn = f"CN={FORMER_CN},O=CABINET EXEMPLE,C=FR"
    return [
        AdmitDomain(at=SINCE, domain=WITHDRAWN),
        AdmitDomain(at=SINCE, domain=CABINET, certificate_dns=[former_dn]),
        WithdrawDomain(at=_PARTED, domain=WITHDRAWN),
        WithdrawDomain(at=_PARTED, domain=CABINET, certificate_dns=[former_dn]),
    ]


def _usagers() -> list[AnyCommand]:
    return [
        *operator(MES, "usager"),
        AdmitDomain(at=SINCE, domain=PATIENTS, operator=MES, hosted=True),
        *(OpenEns(at=SINCE, ins=ins(number)) for number in ALL_USAGERS),
        CloseEns(at=_PARTED, ins=LEFT.partition("@")[0]),
    ]


def _mailboxes() -> list[AnyCommand]:
    people = (SUSPENDED, RESUMED, DELETED, UNSIGNED, OUTDATED, *PLAYERS)
    return [
        *(CreateMailbox(at=SINCE, address=address, kind="PER") for address in people),
        CreateMailbox(at=SINCE, address=PHARMACY, kind="ORG", secteur="SA33"),
        CreateMailbox(at=SINCE, address=PHARMACIST, kind="PER", secteur="SA33"),
        CreateMailbox(at=SINCE, address=HIDDEN_PHARMACY, kind="ORG", secteur="SA33", liste_rouge=True),
        *(SuspendMailbox(at=_MET, address=address) for address in (SUSPENDED, RESUMED)),
        ResumeMailbox(at=_PARTED, address=RESUMED),
        DeleteMailbox(at=_MET, address=DELETED),
    ]


def _cgu() -> list[AnyCommand]:
    organisations = (SECRETARIAT, PHARMACY, HIDDEN_PHARMACY)
    signed = (DOCTOR, SURGEON, SUSPENDED, RESUMED, DELETED, PHARMACIST, *organisations, *PLAYERS)
    return [
        PublishCgu(at=SINCE, operator=GHT, version="1"),
        SignCgu(at=SINCE, mailbox=OUTDATED, version="1"),
        PublishCgu(at=_RENEWED, operator=GHT, version="2"),
        *(SignCgu(at=_RENEWED, mailbox=address, version="2") for address in signed),
        PublishCgu(at=_RENEWED, operator=GHT, version="3", deadline="2099-12-31"),  # not in force, signed by nobody
    ]


def _past() -> list[AnyCommand]:
    """Let some usagers be written to, who then may write, and end the right of some again with `[FIN]`."""
    met = [reach(DOCTOR, who, at=_MET) for who in (IN_TOUCH, PARTED, TO_PART, TO_MEET_AGAIN, TO_KEEP)]
    ends = ((DOCTOR, PARTED), (PHARMACY, PARTED), (DOCTOR, TO_MEET_AGAIN))
    ended = [reach(*pair, at=_PARTED, subject="[FIN]") for pair in ends]
    # Fixed ids: generated ones would differ each time the world is printed.
    return [replace(message, id=f"conformance-{number}") for number, message in enumerate(met + ended)]
