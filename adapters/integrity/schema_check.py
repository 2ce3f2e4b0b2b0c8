"""The schema compared with the one huissier makes: its keys, indexes, append function, and nothing that interferes."""

import re
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Index, Inspector, NullPool, Table
from sqlalchemy.engine.interfaces import ReflectedIndex

from huissier.adapters.integrity.findings import Findings
from huissier.adapters.log.place import Place
from huissier.adapters.log.postgres_append import DEFINITION
from huissier.adapters.log.schema import metadata
from huissier.adapters.log.session import Session

# Every function of the name that a call would find, written as `DEFINITION` is.
_APPEND_FUNCTIONS: Final = """
SELECT format('
CREATE OR REPLACE FUNCTION %s(
    %s
) RETURNS %s LANGUAGE %s %s AS $$%s$$
', proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), lanname,
    CASE WHEN provolatile = 'v' AND NOT prosecdef AND proconfig IS NULL THEN 'VOLATILE' END, prosrc)
FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE proname = 'huissier_append' AND pg_function_is_visible(p.oid)
"""
_INTERFERING: Final = """
SELECT kind FROM (
    SELECT 'trigger', tgrelid FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'rule', ev_class FROM pg_rewrite
    UNION ALL SELECT 'row security policy', oid FROM pg_class WHERE relrowsecurity
) AS found (kind, touched) WHERE touched = to_regclass(?)
"""
_IS_UNLOGGED: Final = "SELECT relpersistence <> 'p' FROM pg_class WHERE oid = to_regclass(?)"
_TRIGGERS_AND_VIEWS: Final = "SELECT type, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"


def check_schema(session: Session, place: Place, findings: Findings) -> bool:
    """Compare the database's schema with ours, and say whether its columns can be read as ours.

    A missing table is reported where it is read. SQLite does not enforce a column's type: there values are looked at.

    To be called before anything is read: the inspector has a connection of its own, for on ours it would end the
    session's snapshot, and it must not wait for somebody who waits for ours.
    """
    engine = sa.create_engine(place.url, connect_args=place.dialect.connect_args, poolclass=NullPool)
    other_columns: list[str] = []
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.tables.values():
            if inspector.has_table(table.name):
                _check_table(inspector, table, findings)
                if not place.is_embedded:
                    other_columns += _other_columns(inspector, table)
    for what in other_columns:
        findings.problem(what)
    for name in metadata.tables:
        for kind in _foreign(session, place, name):
            findings.problem(f"a {kind} that huissier did not make touches the table {name}")
        if not place.is_embedded and session.scalar(_IS_UNLOGGED, (name,)):
            findings.problem(f"the table {name} is unlogged: a crash of the server would empty it")
    if not place.is_embedded:
        _check_append_function(session, findings)
    return not other_columns


def _check_table(inspector: Inspector, table: Table, findings: Findings) -> None:
    if inspector.get_pk_constraint(table.name)["constrained_columns"] != table.primary_key.columns.keys():
        findings.problem(f"the table {table.name} has lost its primary key")
    found = {index["name"]: index for index in inspector.get_indexes(table.name)}
    for index in table.indexes:
        if index.name not in found or not _is_same(index, found[index.name]):
            findings.problem(f"the table {table.name} has lost its index {index.name}")


def _other_columns(inspector: Inspector, table: Table) -> Iterator[str]:
    """Yield which columns of ours are gone, or hold values of another type."""
    found = {column["name"]: column["type"].compile(inspector.dialect) for column in inspector.get_columns(table.name)}
    for column in table.columns:
        ours, theirs = column.type.compile(inspector.dialect), found.get(column.name)
        if theirs is None:
            yield f"the table {table.name} has lost its column {column.name}"
        elif theirs != ours:
            yield f"the column {column.name} of the table {table.name} is {theirs.lower()} and not {ours.lower()}"


def _is_same(index: Index, found: ReflectedIndex) -> bool:
    """Say whether an index of the database has the columns of ours, is as unique, and leaves no row out."""
    is_partial = any(option.endswith("_where") for option in found.get("dialect_options", {}))
    return (found["column_names"], bool(found["unique"]), is_partial) == (index.columns.keys(), index.unique, False)


def _foreign(session: Session, place: Place, table: str) -> list[str]:
    """Return the kind of each thing that touches a table of ours: we make no triggers, views, rules or policies."""
    if not place.is_embedded:
        return [kind for (kind,) in session.rows(_INTERFERING, (table,))]
    named = re.compile(rf"\b{table}\b", re.IGNORECASE)
    return [kind for kind, sql in session.rows(_TRIGGERS_AND_VIEWS) if named.search(sql)]


def _check_append_function(session: Session, findings: Findings) -> None:
    functions = [written for (written,) in session.rows(_APPEND_FUNCTIONS)]
    if not functions:
        findings.problem("the function huissier_append is missing from the database")
    elif functions != [DEFINITION]:
        findings.problem("the function huissier_append is another than the schema version's")
