"""Mailboxes are found by how what one knows of them begins, without accents and case, on every database alike."""

from datetime import datetime
from typing import Final

import pytest

from huissier import (
    AdmitDomain,
    CreateMailbox,
    DeleteMailbox,
    PublishCgu,
    RegisterOperator,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    GHT,
    HOSPITAL,
    HOSPITAL_DN,
    NOW,
    SECRETARIAT,
    SINCE,
    SURGEON,
    hospital_domain,
    hospital_mailboxes,
    operator,
    patients,
)
from huissier.domain.events import (
    CguSigned,
    DomainAdmitted,
    DomainWithdrawn,
    ListeRougeSet,
    MailboxCreated,
    MailboxDeleted,
    MailboxSuspended,
)
from huissier.projections.directory.as_of import Listed
from tests.directory.conftest import Store

EMILE = f"e.lefevre@{HOSPITAL}"
HEART = f"contact@{HOSPITAL}"
UNDERLINED = f"a_b.c@{HOSPITAL}"
SECOND = f"deux@{HOSPITAL}"


def find(store: Store, *words: str, at: datetime = NOW) -> list[str]:
    with store.as_of(at) as directory:
        return [listed.address for listed in directory.search(words)]


@pytest.fixture
def hospital(store: Store) -> Store:
    store.tell(
        *operator(),
        hospital_domain(),
        *hospital_mailboxes(),
        CreateMailbox(at=SINCE, address=EMILE, kind="PER", name="LEFÈVRE Émile-Zoé", adeli="2A9900001"),
        CreateMailbox(at=SINCE, address=HEART, kind="ORG", name="Clinique du Sacré-Cœur", service="Pédiatrie"),
        CreateMailbox(at=SINCE, address=UNDERLINED, kind="APP", name="Øyvind Łukasz Đorđe"),
        CreateMailbox(at=SINCE, address=SECOND, kind="ORG", name="Cabinet №2 Médi™ ℡ Ǿstergård Ħal"),
        *patients(),
    )
    return store


BEGINNINGS: Final[dict[tuple[str, ...], list[str]]] = {
    ("lefevre",): [EMILE],
    ("LEFÈV",): [EMILE],
    ("E\u0301mile",): [EMILE],
    ("émile-zoé",): [EMILE],
    ("zoe", "lefevre"): [EMILE],
    ("zoe lefevre",): [EMILE],
    ("efevre",): [],
    ("lefevre", "martin"): [],
    ("sacre-coeur",): [HEART],
    ("SACRÉ", "cœur"): [HEART],
    ("pediatrie",): [HEART],
    ("dr.martin@ch-ex",): [DOCTOR],
    ("DR.MARTIN",): [DOCTOR],
    ("martin",): [DOCTOR],
    ("10000000002",): [SURGEON],
    ("1000000000",): [SURGEON, DOCTOR],
    ("2a99",): [EMILE],
    ("990000001",): [SECRETARIAT],
    ("@ch-exemple.mssante.fr", "secr"): [SECRETARIAT],
    ("a_b",): [UNDERLINED],
    ("oyvind", "lukasz", "dorde"): [UNDERLINED],
    ("ØYVIND",): [UNDERLINED],
    ("no2", "meditm", "tel"): [SECOND],
    ("№2", "MÉDI™", "TEL"): [SECOND],
    ("ostergard", "hal"): [SECOND],
    ("_",): [],
    ("%",): [],
    ("dr%",): [SURGEON, DOCTOR],
    ("/",): [],
    ("mssante",): [],
    (HOSPITAL,): sorted([DOCTOR, EMILE, HEART, UNDERLINED, SECOND, SECRETARIAT, SURGEON]),
}


def test_a_word_is_the_beginning_of_something(hospital: Store) -> None:
    assert {words: find(hospital, *words) for words in BEGINNINGS} == BEGINNINGS


def test_usagers_stand_under_their_opaque_addresses_only(hospital: Store) -> None:
    usagers = find(hospital, "patient.mssante.fr")
    assert len(usagers) == 2
    assert all(address.startswith("usager:") for address in usagers)
    assert find(hospital, usagers[0]) == usagers[:1]


def test_before_a_mailbox_was_created_it_is_not_found(hospital: Store) -> None:
    assert find(hospital, "lefevre", at=SINCE - DAY) == []


def look(store: Store, address: str, at: datetime) -> Listed:
    with store.as_of(at) as directory:
        return directory.at_addresses([address])[address]


def test_a_late_fact_changes_what_was_and_nothing_else(store: Store) -> None:
    days = [SINCE + number * DAY for number in range(10)]
    store.tell(*operator(), hospital_domain(), *hospital_mailboxes(), SuspendMailbox(address=DOCTOR, at=days[6]))
    assert [look(store, DOCTOR, day).status for day in days[5:8]] == ["active", "suspended", "suspended"]
    store.tell(
        SetListeRouge(address=DOCTOR, liste_rouge=True, at=days[2]),
        SuspendMailbox(address=DOCTOR, at=days[3]),
        ResumeMailbox(address=DOCTOR, at=days[4]),
        SuspendMailbox(address=SURGEON, at=days[4]),
        ResumeMailbox(address=DOCTOR, at=days[8]),
    )
    doctor = [look(store, DOCTOR, day) for day in days]
    assert [listed.liste_rouge for listed in doctor] == [False] * 2 + [True] * 8
    statuses = "".join(listed.status[0] for listed in doctor)  # a day each: active or suspended
    assert statuses == "aaasaassaa"
    assert (doctor[9].since, doctor[9].status_since) == (SINCE, days[8])


def test_the_cgu_are_those_of_the_operator_of_that_time(store: Store) -> None:
    store.tell(
        *operator(),
        hospital_domain(),
        *hospital_mailboxes(),
        PublishCgu(operator=GHT, version="2020", at=SINCE),
        SignCgu(mailbox=DOCTOR, version="2020", at=SINCE + DAY),
        RegisterOperator(operator="autre", kind="professionnel", at=SINCE),
        AdmitDomain(domain=HOSPITAL, operator="autre", at=SINCE + 2 * DAY),
    )
    before, signed, moved = (look(store, DOCTOR, SINCE + number * DAY) for number in range(3))
    assert [(listed.operator, listed.cgu) for listed in (before, signed, moved)] == [
        (GHT, None),
        (GHT, "2020"),
        ("autre", None),
    ]


def test_the_life_of_a_mailbox_is_told_in_the_order_it_happened(store: Store) -> None:
    store.tell(
        *operator(),
        hospital_domain(),
        *hospital_mailboxes(),
        PublishCgu(operator=GHT, version="2020", at=SINCE),
        DeleteMailbox(address=DOCTOR, at=SINCE + 5 * DAY),
        SuspendMailbox(address=DOCTOR, at=SINCE + 2 * DAY, motive="congé"),
        AdmitDomain(domain=HOSPITAL, certificate_dns=["CN=un autre"], at=SINCE + 3 * DAY),
        AdmitDomain(domain=HOSPITAL, hosted=False, at=SINCE + 4 * DAY),
        WithdrawDomain(domain=HOSPITAL, certificate_dns=[HOSPITAL_DN], at=SINCE + 4 * DAY),
        WithdrawDomain(domain=HOSPITAL, certificate_dns=["CN=un autre"], at=SINCE + 4 * DAY),
        SignCgu(mailbox=DOCTOR, version="2020", at=SINCE + DAY),
        SetListeRouge(address=DOCTOR, liste_rouge=True, at=SINCE + DAY),
        SuspendMailbox(address=SURGEON, at=SINCE + DAY),
        AdmitDomain(domain=CABINET, at=SINCE + DAY),
    )
    with store.as_of(NOW) as directory:
        whole = directory.life(DOCTOR)
    with store.as_of(SINCE + DAY) as directory:
        young = directory.life(DOCTOR)
    assert [type(fact.event) for fact in whole] == [
        DomainAdmitted,
        MailboxCreated,
        CguSigned,
        ListeRougeSet,
        MailboxSuspended,
        DomainAdmitted,
        DomainWithdrawn,
        MailboxDeleted,
    ]
    assert young == whole[:4]
    assert [fact.at for fact in whole] == sorted(fact.at for fact in whole)


def test_what_the_directory_shows_lists_no_deleted_nor_remote_mailbox(store: Store) -> None:
    store.tell(*operator(), hospital_domain(), *hospital_mailboxes(), DeleteMailbox(address=DOCTOR, at=SINCE + DAY))
    gone, there = look(store, DOCTOR, NOW), look(store, SURGEON, NOW)
    assert (gone.status, gone.is_published, there.is_published) == ("deleted", False, True)
    store.tell(WithdrawDomain(domain=HOSPITAL, at=SINCE + 2 * DAY))
    there = look(store, SURGEON, NOW)
    assert (there.local, there.is_published) == (False, False)
