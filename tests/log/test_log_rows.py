"""The rows of a damaged log are read as far as they can be, and reading them ends."""

import sqlite3
from typing import Any

import pytest

from huissier.adapters.integrity.log_rows import LogRows, Row
from huissier.adapters.log.dialects import Sqlite
from huissier.adapters.log.session import Session


class Damaged(Session):
    """Gives up the first rows, and stumbles over everything else."""

    def __init__(self, head: int, readable: int) -> None:
        super().__init__(None, Sqlite())
        self._head = head
        self._readable = readable

    def scalar(self, statement: str, parameters: Any = ()) -> Any:
        if "max(position)" in statement:
            return self._head
        raise sqlite3.DatabaseError("database disk image is malformed")

    def rows(self, statement: str, parameters: Any = ()) -> Any:
        first, last = parameters
        if last > self._readable:
            raise sqlite3.DatabaseError("database disk image is malformed")
        return iter([(position, "kind", b"{}", "[]") for position in range(max(first, 1), last + 1)])


@pytest.mark.parametrize("head", [20_000, 2**62, -1])
def test_a_log_that_gives_up_little_is_read_so_far_and_then_no_further(head: int) -> None:
    rows = [row for page in LogRows(Damaged(head, 1_500)).pages() for row in page]
    read = [row.position for row in rows if row.data is not None]
    assert read == (list(range(1, 1_501)) if head > 0 else list(range(1, 1_000)))
    assert len(rows) < 20_000
    assert Row(1_501, None, None, None) in rows or head < 0
