"""Arrays packed here arrive on PostgreSQL as they were."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from huissier.adapters.log.postgres_arrays import bigints, byteas, register, texts

_texts = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))


@pytest.fixture(scope="module")
def connection(postgres_server: URL) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    url = postgres_server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        register(connection)
        yield connection


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=_texts, datas=st.lists(st.binary()), places=st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whatever_is_packed_comes_back(
    connection: psycopg.Connection[tuple[object, ...]], names: list[str], datas: list[bytes], places: list[int]
) -> None:
    found = connection.execute("SELECT %s, %s, %s", (texts(names), byteas(datas), bigints(places))).fetchone()
    assert found == (names, datas, places)


def test_what_is_empty_has_no_elements(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    query = "SELECT cardinality(%s), cardinality(%s), (SELECT count(*) FROM unnest(%s))"
    assert connection.execute(query, (texts([]), byteas([]), bigints([]))).fetchone() == (0, 0, 0)
