"""A store with a hospital in it, and its directory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlalchemy import Connection

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import AnyCommand
from huissier.projections.directory.as_of import AsOf
from huissier.projections.directory.facts import Directory


class Store:
    """An engine, and its directory caught up whenever it is looked at."""

    def __init__(self, engine: Engine, database: ViewsDatabase) -> None:
        self.engine = engine
        self.runner = Runner(engine.log, database, Directory)

    def tell(self, *commands: AnyCommand) -> None:
        """Handle commands, all of which must be recorded."""
        assert [answer.outcome for answer in self.engine.handle_many(commands)] == ["recorded"] * len(commands)

    @contextmanager
    def directory(self) -> Iterator[tuple[Connection, Directory]]:
        self.runner.catch_up()
        with self.runner.reading() as (connection, directory):
            yield connection, directory

    @contextmanager
    def as_of(self, at: datetime) -> Iterator[AsOf]:
        with self.directory() as (connection, directory):
            yield AsOf(directory, connection, at)


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    url = {"sqlite": f"sqlite:///{tmp_path}/huissier.db", "memory": "sqlite://"}.get(request.param)
    if url is None:
        monkeypatch.setenv("HUISSIER_VAULT_KEY", "A" * 43 + "=")
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        url = new_database()
    with Engine(url, clock=lambda: NOW) as engine, ViewsDatabase(engine.place) as database:
        yield Store(engine, database)
