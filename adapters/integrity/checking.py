"""`check_store`: everything looked at in one snapshot of a store."""

import os
from collections.abc import Mapping
from contextlib import closing

from huissier.adapters.integrity.findings import Findings, Report
from huissier.adapters.integrity.log_check import LogCheck
from huissier.adapters.integrity.log_rows import LogRows
from huissier.adapters.integrity.schema_check import check_schema
from huissier.adapters.integrity.tag_index import TagIndex
from huissier.adapters.integrity.usagers import Usagers
from huissier.adapters.integrity.vault_check import check_vault, vault_of
from huissier.adapters.log.claim import log_is_elsewhere, vault_is_elsewhere
from huissier.adapters.log.place import Place
from huissier.adapters.log.port import Progress
from huissier.adapters.log.schema import SCHEMA_VERSION
from huissier.adapters.log.session import Session
from huissier.adapters.log.settings import read_setting
from huissier.adapters.log.store import Store


def check_store(
    url: str, *, environment: Mapping[str, str] = os.environ, progress: Progress = lambda _done, _of: None
) -> Report:
    """Read a whole store and say what is wrong with it; nothing in or beside it is changed.

    `progress` is told the position read and the last one. Raises `StoreError` where it cannot be read.
    """
    place = Place(url, read_only=True)
    try:
        with closing(Store(place, _as_it_is)) as store, store.reading() as session, Usagers() as usagers:
            return _check(session, place, usagers, environment, progress)
    finally:
        place.check_undisturbed()  # findings, and errors, in a file that changed meanwhile are worth nothing


def _as_it_is(_session: Session, _is_new: bool) -> None:
    """Prepare nothing: what is wrong is to be found."""


def _check(
    session: Session, place: Place, usagers: Usagers, environment: Mapping[str, str], progress: Progress
) -> Report:
    findings = Findings()
    with findings.reading("the schema"):
        if not check_schema(session, place, findings):
            findings.note("the log and the vault were not read: whatever they hold would be taken for something else")
            return findings.report(0, 0)
    is_elsewhere = _check_database(session, place, findings)
    rows = LogRows(session)
    if is_elsewhere and rows.head:
        findings.problem("the settings say that the log is elsewhere, but here are events")
    log = LogCheck(TagIndex(session, rows, findings), usagers, findings)
    for page in rows.pages():
        log.take_in(page)
        progress(log.head, rows.head)
    log.end()
    with findings.reading("the vault"):
        vault = vault_of(place, environment, session, findings)
        is_elsewhere = vault_is_elsewhere(session)
        if is_elsewhere:
            findings.note("this log was imported from an archive, without its vault")
        check_vault(session, vault, usagers, findings, is_whole=not is_elsewhere)
    return findings.report(log.events, log.head)


def _check_database(session: Session, place: Place, findings: Findings) -> bool:
    """Ask the database itself, and which schema version its settings name; say if the log is elsewhere."""
    if place.is_embedded:
        with findings.reading("the database"):
            for (found,) in session.rows("PRAGMA integrity_check(100)"):
                for line in found.splitlines():
                    if line != "ok":
                        findings.problem(f"the database: {line}")
    with findings.reading("the settings"):
        if read_setting(session, "schema_version") != str(SCHEMA_VERSION):
            findings.problem("the settings name another schema version than the store's")

        if log_is_elsewhere(session):
            findings.note("the log of this store is elsewhere and was not read")
            return True
    return False
