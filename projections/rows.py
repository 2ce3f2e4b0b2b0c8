"""Many rows at once, in and out, as fast as the two databases take and give them.

SQLAlchemy spends more on the parameters of a row than SQLite on the row; so a statement is written once by
SQLAlchemy, and then the driver gets tuples. PostgreSQL gets a page's columns as arrays, in one statement.
"""

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def add_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, each with one value per column of the table; a row whose key is there already is passed over."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_sqlite_insert(table, connection.dialect), list(rows))
    else:
        columns = zip(*rows, strict=True)
        connection.execute(_postgresql_insert(table), dict(zip(table.columns.keys(), map(list, columns), strict=True)))


def among(connection: Connection, text: sa.ColumnElement[str], values: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a text is one of some values, however many they are."""
    dialect = connection.dialect.name
    return _is_in(dialect, text, sa.literal(_listed(dialect, values), _list_type(dialect)))


def rows_with(connection: Connection, table: Table, column: str, values: Collection[str]) -> Sequence[Any]:
    """Return the rows that have one of some texts in a column."""
    if not values:
        return ()
    dialect = connection.dialect.name
    return connection.execute(_select(dialect, table, column), {"values": _listed(dialect, values)}).all()


@lru_cache
def _sqlite_insert(table: Table, dialect: Dialect) -> str:
    return str(sqlite.insert(table).on_conflict_do_nothing().compile(dialect=dialect))


@lru_cache
def _postgresql_insert(table: Table) -> Any:
    arrays = [
        sa.func.unnest(sa.bindparam(column.name, type_=postgresql.ARRAY(column.type))) for column in table.columns
    ]
    return postgresql.insert(table).from_select(table.columns.keys(), sa.select(*arrays)).on_conflict_do_nothing()


@lru_cache
def _select(dialect: str, table: Table, column: str) -> sa.Select[Any]:
    values = sa.bindparam("values", type_=_list_type(dialect))
    return sa.select(table).where(_is_in(dialect, table.c[column], values))


def _is_in(dialect: str, text: sa.ColumnElement[str], values: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    if dialect == "sqlite":
        return text.in_(sa.select(sa.func.json_each(values).table_valued("value").c.value))
    return text == sa.any_(values)


def _listed(dialect: str, values: Collection[str]) -> str | list[str]:
    """Return texts as one parameter: a database takes only so many parameters."""
    return json.dumps(list(values)) if dialect == "sqlite" else list(values)


def _list_type(dialect: str) -> Any:
    return sa.Text() if dialect == "sqlite" else postgresql.ARRAY(sa.Text)
