"""What is imported is created once, what is not is reported, and what is exported is what others may see."""

from collections.abc import Callable, Iterable
from datetime import datetime
from io import BytesIO
from typing import IO, Any, Final
from zipfile import ZipFile

import msgspec
import pytest

from huissier import (
    AdmitDomain,
    CreateMailbox,
    DeleteMailbox,
    SetListeRouge,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.adapters.directory.columns import COLUMNS, SEPARATOR
from huissier.adapters.directory.fhir import ENTRIES_A_BUNDLE, bundles_name, write_bundles
from huissier.adapters.directory.importing import ROWS_AT_ONCE, Counts, Import, NotTaken
from huissier.adapters.directory.reading import read_extraction
from huissier.adapters.directory.writing import extraction_name, write_extraction
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    HOSPITAL,
    MES,
    NOW,
    PATIENTS,
    REMOTE_DOCTOR,
    SECRETARIAT,
    SINCE,
    SURGEON,
    cabinet,
    hospital_domain,
    hospital_mailboxes,
    ins,
    operator,
    world,
)
from huissier.projections.directory.as_of import Listed
from tests.directory.conftest import Store
from tests.directory.made import extraction, row

Write = Callable[[Iterable[Listed], IO[bytes], datetime], int]


def imported(store: Store, content: bytes) -> tuple[list[NotTaken], Counts]:
    with store.directory() as (connection, directory):
        work = Import(store.engine, connection, directory, None)
        return list(work.run(read_extraction(BytesIO(content)))), work.counts


def exported(store: Store, write: Write = write_extraction, at: datetime = NOW) -> bytes:
    file = BytesIO()
    with store.as_of(at) as directory:
        count = write(directory.all(), file, at)
    assert count == sum(listed.is_published for listed in everything(store, at))
    return file.getvalue()


def everything(store: Store, at: datetime = NOW) -> list[Listed]:
    with store.as_of(at) as directory:
        return list(directory.all())


def rows(archive: bytes) -> list[dict[str, str]]:
    with ZipFile(BytesIO(archive)) as opened:
        (name,) = opened.namelist()
        header, *lines = opened.read(name).decode().removesuffix("\n").split("\n")
    assert header == SEPARATOR.join(COLUMNS)
    return [dict(zip(COLUMNS, line.split(SEPARATOR), strict=True)) for line in lines]


def test_an_extraction_is_imported_once(store: Store) -> None:
    store.tell(*operator(), hospital_domain(), cabinet())
    content = extraction(
        row(DOCTOR, Nom_d_exercice="MARTIN"),
        row(REMOTE_DOCTOR),
        row(f"dr.x@{CABINET}x"),
        row(SECRETARIAT, "ORG"),
        "nonsense",
        row(DOCTOR.upper()),
    )
    not_taken, counts = imported(store, content)
    assert [(row.line, row.outcome, row.error) for row in not_taken] == [
        (3, "elsewhere", f"the domain {CABINET} is not hosted here"),
        (4, "elsewhere", f"the domain {CABINET}x is not hosted here"),
        (6, "invalid", "1 columns where the header names 31: one is missing, or a value holds a |"),
        (7, "refused", "the address stands on line 2 already"),
    ]
    assert counts == Counts(rows=6, created=2, unchanged=0, elsewhere=2, refused=1, invalid=1)
    assert [(listed.address, listed.name) for listed in everything(store)] == [(DOCTOR, "MARTIN"), (SECRETARIAT, None)]
    head = store.engine.head
    again = imported(store, content)
    assert again == (not_taken, Counts(rows=6, created=0, unchanged=2, elsewhere=2, refused=1, invalid=1))
    assert store.engine.head == head


def test_a_mailbox_that_is_another_or_deleted_is_left_as_it_is(store: Store) -> None:
    store.tell(*operator(), hospital_domain(), *hospital_mailboxes(), DeleteMailbox(address=SURGEON, at=SINCE + DAY))
    head = store.engine.head
    not_taken, counts = imported(
        store,
        extraction(
            row(DOCTOR, "ORG", Type_identifiant_structure="1", Identification_Structure="990000009"),
            row(SURGEON),
            row(SECRETARIAT, "ORG"),
        ),
    )
    assert [(row.line, row.outcome, row.error) for row in not_taken] == [
        (2, "refused", "the mailbox exists with another kind, finess"),
        (3, "refused", "the mailbox was deleted; its address is never given again"),
    ]
    assert (counts.refused, counts.unchanged) == (2, 1)
    assert store.engine.head == head


def test_what_somebody_else_did_meanwhile_is_reported_too(store: Store) -> None:
    store.tell(*operator(), hospital_domain())
    with store.directory() as (connection, directory):
        work = Import(store.engine, connection, directory, None)
        store.tell(CreateMailbox(address=DOCTOR, kind="ORG"), CreateMailbox(address=SURGEON, kind="PER"))
        (only,) = work.run(read_extraction(BytesIO(extraction(row(DOCTOR), row(SURGEON)))))
    assert (only.line, only.outcome) == (2, "refused")
    assert only.error.startswith("ALREADY_EXISTS: ")
    assert work.counts == Counts(rows=2, created=0, unchanged=1, elsewhere=0, refused=1, invalid=0)


def test_rows_are_taken_in_many_transactions_and_reported_in_order(store: Store) -> None:
    store.tell(*operator(), hospital_domain())
    some = [row(f"dr.{number % ROWS_AT_ONCE}@{HOSPITAL}") for number in range(ROWS_AT_ONCE + 10)]
    not_taken, counts = imported(store, extraction(*some, "nonsense"))
    assert [row.line for row in not_taken] == [*range(ROWS_AT_ONCE + 2, ROWS_AT_ONCE + 13)]
    assert (counts.created, counts.refused, counts.invalid) == (ROWS_AT_ONCE, 10, 1)


HIDDEN: Final = f"cache@{HOSPITAL}"


def whole_world(store: Store) -> None:
    store.tell(
        *world(),
        CreateMailbox(at=SINCE, address=f"app@{HOSPITAL}", kind="APP"),
        CreateMailbox(at=SINCE, address=f"cab@{HOSPITAL}", kind="CAB"),
        CreateMailbox(at=SINCE, address=HIDDEN, kind="PER", liste_rouge=True),
        CreateMailbox(at=SINCE, address=f"parti@{HOSPITAL}", kind="PER"),
        DeleteMailbox(at=SINCE + DAY, address=f"parti@{HOSPITAL}"),
        CreateMailbox(at=SINCE, address=f"pause@{HOSPITAL}", kind="PER"),
        SuspendMailbox(at=SINCE + DAY, address=f"pause@{HOSPITAL}"),
        AdmitDomain(at=SINCE, domain="vendu.mssante.fr", hosted=True),
        CreateMailbox(at=SINCE, address="dr@vendu.mssante.fr", kind="PER"),
        AdmitDomain(at=SINCE + DAY, domain="vendu.mssante.fr", hosted=False),
        CreateMailbox(at=SINCE, address=f"reponse.automatique@{PATIENTS}", kind="PER"),
        AdmitDomain(at=SINCE, domain="mes.mssante.fr", operator=MES, hosted=True),
        CreateMailbox(at=SINCE, address="reponse@mes.mssante.fr", kind="ORG"),
    )


def test_unlisted_app_cab_and_usagers_mailboxes_never_appear(store: Store) -> None:
    whole_world(store)
    assert len(everything(store)) == 13
    assert [row["Adresse BAL"] for row in rows(exported(store))] == [SURGEON, DOCTOR, SECRETARIAT]
    shown = exported(store, write_bundles)
    assert [mailbox["value"] for mailbox in telecoms(shown)] == [SURGEON, DOCTOR, SECRETARIAT]


def test_how_many_there_are_is_told_before_they_are_read(store: Store) -> None:
    whole_world(store)
    for at in (SINCE - DAY, SINCE, NOW):
        with store.as_of(at) as directory:
            assert directory.how_many() == len(list(directory.all()))


def test_what_was_published_on_a_day_is_exported_for_that_day(store: Store) -> None:
    whole_world(store)
    store.tell(
        SetListeRouge(at=SINCE + 2 * DAY, address=HIDDEN, liste_rouge=False),
        WithdrawDomain(at=SINCE + 3 * DAY, domain=HOSPITAL),
    )
    first = [row["Adresse BAL"] for row in rows(exported(store, at=SINCE))]
    others = [f"parti@{HOSPITAL}", f"pause@{HOSPITAL}", "dr@vendu.mssante.fr"]
    assert first == sorted([SURGEON, DOCTOR, SECRETARIAT, *others])
    assert HIDDEN in [row["Adresse BAL"] for row in rows(exported(store, at=SINCE + 2 * DAY))]
    assert rows(exported(store, at=SINCE + 3 * DAY)) == []
    assert rows(exported(store, at=SINCE - DAY)) == []


def test_the_columns_hold_what_the_log_knows(store: Store) -> None:
    store.tell(
        *operator(),
        hospital_domain(),
        CreateMailbox(
            address=DOCTOR, kind="PER", name="MARTIN Zoé", rpps="99000000001", finess="990000001", service="Cœur|\r\nII"
        ),
        CreateMailbox(address=SURGEON, kind="PER", name="Docteur Durand", adeli="990000001"),
        CreateMailbox(address=SECRETARIAT, kind="ORG", name="CH EXEMPLE", secteur="SA01"),
    )
    durand, martin, secretariat = ({k: v for k, v in row.items() if v} for row in rows(exported(store)))
    assert martin == {
        "Type de BAL": "PER",
        "Adresse BAL": DOCTOR,
        "Type Identifiant PP": "8",
        "Identifiant PP": "99000000001",
        "Identification nationale PP": "899000000001",
        "Type identifiant structure": "1",
        "Identification Structure": "990000001",
        "Service de rattachement": "Cœur II",
        "Nom d'exercice": "MARTIN",
        "Prénom d'exercice": "Zoé",
    }
    assert durand["Identification nationale PP"] == "0990000001"
    assert durand["Nom d'exercice"] == "Docteur Durand"
    assert secretariat == {
        "Type de BAL": "ORG",
        "Adresse BAL": SECRETARIAT,
        "Raison Sociale structure BAL": "CH EXEMPLE",
    }


@pytest.mark.parametrize("write", [write_extraction, write_bundles])
@pytest.mark.parametrize("apart", ["", " ", " " * 100, "|"])
def test_no_ins_leaves_in_an_export_whatever_the_log_let_in(write: Write, apart: str) -> None:
    name = f"MARTIN {ins(1)[:5]}{apart}{ins(1)[5:]}"
    listed = [
        Listed(address=address, kind=kind, status="active", since=SINCE, status_since=SINCE, local=True, name=name)
        for address, kind in ((DOCTOR, "PER"), (SECRETARIAT, "ORG"))
    ]
    file = BytesIO()
    write([msgspec.structs.replace(mailbox, service=name) for mailbox in listed], file, NOW)
    with ZipFile(file) as opened:
        text = opened.read(opened.namelist()[0]).decode()
    assert text.count("usager") == (4 if write is write_extraction else 5)
    assert ins(1)[5:] not in text


def test_importing_what_was_exported_changes_nothing(store: Store) -> None:
    whole_world(store)
    store.tell(
        CreateMailbox(
            address=f"a@{HOSPITAL}", kind="PER", name="LE  GOFF\t| Anne ", rpps="99000000001", adeli="990000001"
        ),
        CreateMailbox(address=f"b@{HOSPITAL}", kind="ORG", name="Clinique", finess="990000002", secteur="SA01"),
    )
    head = store.engine.head
    with ZipFile(BytesIO(exported(store))) as opened:
        content = opened.read(opened.namelist()[0])
    assert imported(store, content) == ([], Counts(rows=5, unchanged=5))
    assert store.engine.head == head


def test_the_same_time_gives_the_same_bytes_however_often(store: Store) -> None:
    whole_world(store)
    for write in (write_extraction, write_bundles):
        assert exported(store, write, SINCE) == exported(store, write, SINCE)
    assert extraction_name(SINCE) == "Extraction_Correspondance_MSSante_202003110000"
    assert bundles_name(SINCE) == "Annuaire_MSSante_FHIR_202003110000"


def bundles(archive: bytes) -> list[dict[str, Any]]:
    with ZipFile(BytesIO(archive)) as opened:
        return [msgspec.json.decode(opened.read(name)) for name in opened.namelist()]


def resources(archive: bytes) -> list[dict[str, Any]]:
    return [entry["resource"] for bundle in bundles(archive) for entry in bundle["entry"]]


def telecoms(archive: bytes) -> list[dict[str, Any]]:
    return [telecom for resource in resources(archive) for telecom in resource["telecom"]]


def test_the_bearer_of_a_mailbox_is_a_person_a_role_or_an_organization(store: Store) -> None:
    store.tell(
        *operator(),
        hospital_domain(),
        CreateMailbox(address=f"a@{HOSPITAL}", kind="PER", name="MARTIN Zoé", rpps="99000000001", adeli="990000003"),
        CreateMailbox(
            address=f"b@{HOSPITAL}", kind="PER", name="MARTIN Zoé", rpps="99000000001", finess="990000001", service="II"
        ),
        CreateMailbox(address=f"c@{HOSPITAL}", kind="ORG", name="CH", finess="990000001", secteur="SA01"),
        CreateMailbox(address=f"d@{HOSPITAL}", kind="ORG"),
        CreateMailbox(address=f"e@{HOSPITAL}", kind="PER"),
        CreateMailbox(address=f"f@{HOSPITAL}", kind="PER", finess="990000001"),
    )
    person, role, organization, bare, nobody, post = resources(exported(store, write_bundles))
    oid = "urn:oid:1.2.250.1.71.4.2"
    assert (person["resourceType"], person["identifier"][0]) == (
        "Practitioner",
        {"system": f"{oid}.1", "value": "899000000001"},
    )
    assert {"system": "https://adeli.esante.gouv.fr", "value": "990000003"} in person["identifier"]
    assert person["name"] == [{"text": "MARTIN Zoé", "family": "MARTIN", "given": ["Zoé"]}]
    assert role["resourceType"] == "PractitionerRole"
    assert role["practitioner"] == {"display": "MARTIN Zoé", "identifier": person["identifier"][0]}
    assert role["organization"] == {"identifier": {"system": f"{oid}.2", "value": "1990000001"}}
    assert (organization["resourceType"], organization["name"]) == ("Organization", "CH")
    assert organization["type"][0]["coding"][0]["code"] == "SA01"
    assert {"system": "https://finess.esante.gouv.fr", "value": "990000001"} in organization["identifier"]
    assert bare == {**nobody, "resourceType": "Organization", "name": f"d@{HOSPITAL}", "telecom": bare["telecom"]}
    assert nobody.keys() == {"resourceType", "active", "telecom"}
    assert post.keys() == {"resourceType", "active", "telecom", "organization"}
    (email,) = role["telecom"]
    assert (email["system"], email["value"]) == ("email", f"b@{HOSPITAL}")
    metadata = next(e for e in email["extension"] if e["url"].endswith("/as-ext-mailbox-mss-metadata"))
    said = {part["url"]: part for part in metadata["extension"]}
    assert said["type"]["valueCodeableConcept"]["coding"][0]["code"] == "PER"
    assert said["listeRouge"]["valueBoolean"] is False
    assert said["service"]["valueString"] == "II"


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_bundles_are_cut_and_each_entry_has_its_own_url(store: Store) -> None:
    store.tell(*operator(), hospital_domain())
    store.tell(*(CreateMailbox(address=f"{n}@{HOSPITAL}", kind="PER") for n in range(ENTRIES_A_BUNDLE + 1)))
    found = bundles(exported(store, write_bundles))
    assert [len(bundle["entry"]) for bundle in found] == [ENTRIES_A_BUNDLE, 1]
    assert {(bundle["resourceType"], bundle["type"], bundle["timestamp"]) for bundle in found} == {
        ("Bundle", "collection", "2026-10-31T09:00:00Z")
    }
    urls = [entry["fullUrl"] for bundle in found for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert all(url.startswith("urn:uuid:") for url in urls)
