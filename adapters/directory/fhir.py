"""Writes the directory as FHIR R4 bundles, each a JSON file in one ZIP.

Source: guide d'implémentation Annuaire Santé of the ANS. A mailbox is a `telecom` with the extension
`as-ext-mailbox-mss-metadata` on the resource that bears it: PER on a Practitioner or, with a structure, on a
PractitionerRole, ORG on an Organization.
"""

import zipfile
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import IO, Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from huissier.adapters.directory.names import parted, plain
from huissier.domain.vocabulary.times import written
from huissier.projections.directory.as_of import Listed

ENTRIES_A_BUNDLE: Final = 1_000

_EMAIL_TYPE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type"
_MAIL_SYSTEM: Final = "https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie"
_METADATA: Final = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
_KIND_SYSTEM: Final = "https://mos.esante.gouv.fr/NOS/TRE_R257-TypeBAL/FHIR/TRE-R257-TypeBAL"
_SECTEUR_SYSTEM: Final = "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite"
_NATIONAL_PERSON: Final = "urn:oid:1.2.250.1.71.4.2.1"
_NATIONAL_STRUCTURE: Final = "urn:oid:1.2.250.1.71.4.2.2"
_RPPS: Final = "https://rpps.esante.gouv.fr"
_ADELI: Final = "https://adeli.esante.gouv.fr"
_FINESS: Final = "https://finess.esante.gouv.fr"

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def bundles_name(at: datetime) -> str:
    """Return the name of the archive of bundles, without its ending; the time in it is UTC."""
    return f"Annuaire_MSSante_FHIR_{at:%Y%m%d%H%M}"


def write_bundles(listed: Iterable[Listed], file: IO[bytes], at: datetime) -> int:
    """Write what the national directory shows of these mailboxes, many to a bundle, and return how many that is.

    The same mailboxes at the same time give the same bytes; its year must be one that a ZIP has room for.
    """
    entries = (msgspec.Raw(_encode(_entry(mailbox))) for mailbox in listed if mailbox.is_published)
    count = number = 0
    moment = (at.year, at.month, at.day, at.hour, at.minute, 0)
    with zipfile.ZipFile(file, "w") as archive:
        while some := list(islice(entries, ENTRIES_A_BUNDLE)):
            count, number = count + len(some), number + 1
            info = zipfile.ZipInfo(f"bundle-{number:05}.json", date_time=moment)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            bundle = {"resourceType": "Bundle", "type": "collection", "timestamp": written(at), "entry": some}
            archive.writestr(info, _encode(bundle))
    return count


def _entry(mailbox: Listed) -> Json:
    if mailbox.kind == "ORG":
        resource = _organization(mailbox)
    elif mailbox.finess is None:
        resource = _practitioner(mailbox)
    else:
        resource = _role(mailbox)
    return {"fullUrl": uuid5(NAMESPACE_URL, f"mailto:{mailbox.address}").urn, "resource": resource}


def _practitioner(mailbox: Listed) -> Json:
    resource: Json = {"resourceType": "Practitioner", "active": True, "telecom": [_telecom(mailbox)]}
    if identifiers := _person(mailbox):
        resource["identifier"] = identifiers
    if name := plain(mailbox.name or ""):
        family, given = parted(name)
        resource["name"] = [{"text": name, "family": family} | ({"given": [given]} if given else {})]
    return resource


def _role(mailbox: Listed) -> Json:
    practitioner: Json = {"display": name} if (name := plain(mailbox.name or "")) else {}
    if identifiers := _person(mailbox):
        practitioner["identifier"] = identifiers[0]
    resource: Json = {"resourceType": "PractitionerRole", "active": True, "telecom": [_telecom(mailbox)]}
    if practitioner:
        resource["practitioner"] = practitioner
    return resource | {"organization": {"identifier": _structure(mailbox)[0]}}


def _organization(mailbox: Listed) -> Json:
    resource: Json = {"resourceType": "Organization", "active": True, "telecom": [_telecom(mailbox)]}
    if identifiers := _structure(mailbox):
        resource["identifier"] = identifiers
    name = plain(mailbox.name or "")
    if name or not mailbox.finess:  # an Organization has an identifier or a name (org-1)
        resource["name"] = name or plain(mailbox.service or "") or mailbox.address
    if mailbox.secteur:
        resource["type"] = [{"coding": [{"system": _SECTEUR_SYSTEM, "code": mailbox.secteur}]}]
    return resource


def _person(mailbox: Listed) -> list[Json]:
    """Return the identifiers of a professionnel, the national identification first."""
    found: list[Json] = []
    for code, identifier, system in (("8", mailbox.rpps, _RPPS), ("0", mailbox.adeli, _ADELI)):
        if identifier:
            found += [{"system": _NATIONAL_PERSON, "value": code + identifier}, {"system": system, "value": identifier}]
    return found


def _structure(mailbox: Listed) -> list[Json]:
    """Return the identifiers of a structure, the national identification first."""
    if not mailbox.finess:
        return []
    return [
        {"system": _NATIONAL_STRUCTURE, "value": f"1{mailbox.finess}"},
        {"system": _FINESS, "value": mailbox.finess},
    ]


def _telecom(mailbox: Listed) -> Json:
    metadata: list[Json] = [
        {"url": "type", "valueCodeableConcept": {"coding": [{"system": _KIND_SYSTEM, "code": mailbox.kind}]}},
        {"url": "listeRouge", "valueBoolean": mailbox.liste_rouge},
    ]
    if service := plain(mailbox.service or ""):
        metadata.append({"url": "service", "valueString": service})
    return {
        "system": "email",
        "value": mailbox.address,
        "extension": [
            {"url": _EMAIL_TYPE, "valueCoding": {"system": _MAIL_SYSTEM, "code": "MSSANTE"}},
            {"url": _METADATA, "extension": metadata},
        ],
    }
