"""What is written into a list for PostgreSQL is what comes out of it, whatever it holds."""

from collections.abc import Callable
from typing import Any

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.views import postgres_lists

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_HOSTILE = st.sampled_from(["", "NULL", "null", '"', "\\", '\\"', ",", '","', "{}", " ", "é", "\n"])


def test_lists_arrive_as_they_were_given(new_database: Callable[[], str]) -> None:
    url = new_database().replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        postgres_lists.register(connection)

        def sent(kind: str, given: list[Any]) -> object:
            row = connection.execute(f"SELECT %s::{kind}[]".encode(), [given]).fetchone()
            assert row is not None
            return row[0]

        @given(
            texts=st.lists(_TEXTS | _HOSTILE),
            some=st.lists(st.none() | _TEXTS | _HOSTILE),
            numbers=st.lists(st.integers(-(2**63), 2**63 - 1)),
            marks=st.lists(st.none() | st.booleans()),
        )
        def arrive(texts: list[str], some: list[str | None], numbers: list[int], marks: list[bool | None]) -> None:
            assert [sent("text", texts), sent("text", some)] == [texts, some]
            assert [sent("bigint", numbers), sent("boolean", marks)] == [numbers, marks]

        arrive()
