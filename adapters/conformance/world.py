"""The world that an implementation must have loaded before it is asked: the small hospital, and who has met whom there.

Everybody is made up. Each pair of people belongs to one check, so that checks do not disturb each other; a run leaves
messages behind, so a second run wants a fresh store.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from huissier.adapters.testing.hospital import (
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
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    PublishCgu,
    SignCgu,
    SuspendMailbox,
)

CLINIC: Final = "clinique.mssante.fr"
HOSTED: Final = (HOSPITAL, CLINIC, PATIENTS)

CLINICIAN: Final = f"dr.neuf@{CLINIC}"  # whose operator has signed the contrat and nothing else
SUSPENDED: Final = f"dr.suspendu@{HOSPITAL}"
DELETED: Final = f"dr.parti@{HOSPITAL}"
UNSIGNED: Final = f"dr.sans-cgu@{HOSPITAL}"
PHARMACY: Final = f"pharmacie@{HOSPITAL}"
PLAYERS: Final = tuple(f"dr.{name}@{HOSPITAL}" for name in ("alba", "bruno", "clara"))

IN_TOUCH, PARTED, NEVER_MET = usager(1), usager(2), usager(3)
TO_MEET, TO_PART, TO_ANSWER_ELSEWHERE, TO_BE_SILENT, TO_LEAVE, TO_MISREAD = map(usager, range(4, 10))
TO_PLAY: Final = tuple(map(usager, range(11, 14)))
ALL_USAGERS: Final = range(1, 15)

_MET: Final = datetime(2024, 6, 3, 8, tzinfo=UTC)
_PARTED: Final = datetime(2024, 6, 4, 8, tzinfo=UTC)


def world() -> list[AnyCommand]:
    """Return the commands, in their order; all happened long ago."""
    return [*hospital(), cabinet(), *_clinic(), *_usagers(), *_mailboxes(), *_cgu(), *_past()]


def _clinic() -> list[AnyCommand]:
    return [
        *operator("clinique", annexe_2=None),
        AdmitDomain(at=SINCE, domain=CLINIC, operator="clinique", hosted=True),
        CreateMailbox(at=SINCE, address=CLINICIAN, kind="PER"),
    ]


def _usagers() -> list[AnyCommand]:
    return [
        *operator(MES, "usager"),
        AdmitDomain(at=SINCE, domain=PATIENTS, operator=MES, hosted=True),
        *(OpenEns(at=SINCE, ins=ins(number)) for number in ALL_USAGERS),
    ]


def _mailboxes() -> list[AnyCommand]:
    people = (SUSPENDED, DELETED, UNSIGNED, *PLAYERS)
    return [
        *(CreateMailbox(at=SINCE, address=address, kind="PER") for address in people),
        CreateMailbox(at=SINCE, address=PHARMACY, kind="ORG", secteur="SA33"),
        SuspendMailbox(at=_MET, address=SUSPENDED),
        DeleteMailbox(at=_MET, address=DELETED),
    ]


def _cgu() -> list[AnyCommand]:
    signed = (DOCTOR, SURGEON, SECRETARIAT, SUSPENDED, PHARMACY, *PLAYERS)
    return [
        PublishCgu(at=SINCE, operator=GHT, version="1"),
        *(SignCgu(at=SINCE, mailbox=address, version="1") for address in signed),
    ]


def _past() -> list[AnyCommand]:
    """Who was written to may write; who was sent `[FIN]` may not any more."""
    meetings = [(DOCTOR, who) for who in (IN_TOUCH, PARTED, TO_PART)]
    return [
        *(_known(reach(sender, who, at=_MET), number) for number, (sender, who) in enumerate(meetings)),
        _known(reach(DOCTOR, PARTED, at=_PARTED, subject="[FIN]"), len(meetings)),
    ]


def _known(message: AnyCommand, number: int) -> AnyCommand:
    """Give a message the same id in every print of the world."""
    return replace(message, id=f"conformance-{number}")
