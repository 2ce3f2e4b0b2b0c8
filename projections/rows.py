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
    """Add rows, each with a value a column of the table; one whose key is there already is passed over."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_sqlite_insert(table, connection.dialect), list(rows))
    else:
        columns = zip(*rows, strict=True)
        connection.execute(_postgresql_insert(table), dict(zip(table.columns.keys(), map(list, columns), strict=True)))


def among(connection: Connection, text: sa.ColumnElement[str], values: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a text is one of some, however many they are."""
    if connection.dialect.name == "sqlite":
        listed = sa.func.json_each(sa.literal(json.dumps(list(values)), sa.Text)).table_valued("value")
        return text.in_(sa.select(listed.c.value))
    return text == sa.any_(sa.literal(list(values), postgresql.ARRAY(sa.Text)))


def rows_with(connection: Connection, table: Table, column: str, values: Collection[str]) -> Sequence[Any]:
    """Return the rows that have one of some texts in a column."""
    if not values:
        return ()
    if connection.dialect.name == "sqlite":
        return connection.execute(_sqlite_select(table, column), {"values": json.dumps(list(values))}).all()
    return connection.execute(_postgresql_select(table, column), {"values": list(values)}).all()


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
def _sqlite_select(table: Table, column: str) -> sa.Select[Any]:
    values = sa.func.json_each(sa.bindparam("values", type_=sa.Text)).table_valued("value")
    return sa.select(table).where(table.c[column].in_(sa.select(values.c.value)))


@lru_cache
def _postgresql_select(table: Table, column: str) -> sa.Select[Any]:
    values = sa.bindparam("values", type_=postgresql.ARRAY(sa.Text))
    return sa.select(table).where(table.c[column] == sa.any_(values))
