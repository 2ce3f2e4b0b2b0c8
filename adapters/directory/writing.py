"""Writes the directory as the national extraction: one text of 31 columns, in a ZIP of the same name."""

import zipfile
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Final

from huissier.adapters.directory.columns import (
    ADDRESS,
    ADELI,
    COLUMNS,
    COMPANY,
    FAMILY,
    FINESS,
    GIVEN,
    KIND,
    NATIONAL_PERSON,
    PERSON,
    PERSON_TYPE,
    RPPS,
    SEPARATOR,
    SERVICE,
    STRUCTURE,
    STRUCTURE_TYPE,
)
from huissier.adapters.directory.names import parted, plain
from huissier.projections.directory.as_of import Listed

YEARS: Final = range(1980, 2108)  # that a ZIP has room for


def extraction_name(at: datetime) -> str:
    """Return the name of an extraction, without its ending; the time in it is UTC."""
    return f"Extraction_Correspondance_MSSante_{at:%Y%m%d%H%M}"


def write_extraction(listed: Iterable[Listed], file: IO[bytes], at: datetime) -> int:
    """Write what the national directory shows of these mailboxes and return how many rows that is.

    The same mailboxes at the same time give the same bytes; its year must be one of `YEARS`.
    """
    rows = 0
    text = zipfile.ZipInfo(f"{extraction_name(at)}.txt", date_time=(at.year, at.month, at.day, at.hour, at.minute, 0))
    text.compress_type = zipfile.ZIP_DEFLATED
    text.external_attr = 0o600 << 16
    with zipfile.ZipFile(file, "w") as archive, archive.open(text, "w") as out:
        out.write(_line(COLUMNS))
        for mailbox in listed:
            if mailbox.is_published:
                out.write(_line(_row(mailbox)))
                rows += 1
    return rows


def _line(values: Iterable[str]) -> bytes:
    return SEPARATOR.join(values).encode() + b"\n"


def _row(mailbox: Listed) -> list[str]:
    values = {KIND: mailbox.kind, ADDRESS: mailbox.address, SERVICE: plain(mailbox.service or "")}
    values |= _names(mailbox) | _person(mailbox)
    if mailbox.finess is not None:
        values |= {STRUCTURE_TYPE: FINESS, STRUCTURE: mailbox.finess}
    return [values.get(name, "") for name in COLUMNS]


def _names(mailbox: Listed) -> dict[str, str]:
    name = plain(mailbox.name or "")
    if mailbox.kind == "ORG":
        return {COMPANY: name}
    family, given = parted(name)
    return {FAMILY: family, GIVEN: given}


def _person(mailbox: Listed) -> dict[str, str]:
    for code, identifier in ((RPPS, mailbox.rpps), (ADELI, mailbox.adeli)):
        if identifier is not None:
            return {PERSON_TYPE: code, PERSON: identifier, NATIONAL_PERSON: code + identifier}
    return {}
