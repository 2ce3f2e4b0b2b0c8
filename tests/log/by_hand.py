"""A store's tables in the hands of somebody who has the database's own tools, and what version 1 looked like."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url


class ByHand:
    """Changes a store behind huissier's back; statements are written with `?`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._url = make_url(url)
        self.is_embedded = self._url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        assert self.is_embedded
        return Path(self._url.database or "")

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        if self.is_embedded:
            with closing(sqlite3.connect(self.path, isolation_level=None)) as file:
                return file.execute(statement, values).fetchall()
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as server:
            cursor = server.execute(statement.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: object) -> Any:
        return self.run(statement, *values)[0][0]

    def rewrite(self, position: int, change: Callable[[bytes], bytes]) -> None:
        """Change the bytes of one event."""
        data = self.value("SELECT data FROM events WHERE position = ?", position)
        self.run("UPDATE events SET data = ? WHERE position = ?", change(data), position)

    @property
    def version(self) -> int:
        if self.is_embedded:
            return int(self.value("PRAGMA user_version"))
        return int(self.value("SELECT value FROM settings WHERE name = 'schema_version'"))

    @version.setter
    def version(self, version: int) -> None:
        self.run("UPDATE settings SET value = ? WHERE name = 'schema_version'", str(version))
        if self.is_embedded:
            self.run(f"PRAGMA user_version = {version}")

    def back_to_version_1(self) -> None:
        """Turn a new store back into what huissier made at first: on PostgreSQL without the append function."""
        self.version = 1
        if not self.is_embedded:
            self.run("DROP FUNCTION huissier_append")

    @property
    def has_function(self) -> bool:
        return bool(self.value("SELECT count(*) FROM pg_proc WHERE proname = 'huissier_append'"))


def overwrite_leaf(path: Path, source: int, target: int, tree: str = "events") -> None:
    """Write one leaf of a b-tree over another, counted from 0 or from the end: a write that went astray."""
    with closing(sqlite3.connect(path)) as file:
        page_size = file.execute("PRAGMA page_size").fetchone()[0]
        root = file.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (tree,)).fetchone()[0]
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    start = (root - 1) * page_size

    def number(at: int, length: int) -> int:
        return int.from_bytes(content[at : at + length])

    assert content[start] in (2, 5), "the root has something below it"
    cells = [start + number(start + 12 + 2 * cell, 2) for cell in range(number(start + 3, 2))]
    leaves = [*(number(cell, 4) for cell in cells), number(start + 8, 4)]
    here, there = ((leaves[one] - 1) * page_size for one in (source, target))
    assert content[there] in (10, 13), "there is nothing but leaves"
    content[there : there + page_size] = content[here : here + page_size]
    path.write_bytes(content)
