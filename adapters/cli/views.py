"""What commands that show a read model share: it is caught up with the log before it is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer
from sqlalchemy import Connection

from huissier.adapters.cli.progress import progress_bar
from huissier.adapters.cli.shared import opened
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.projections.projection import Projection

P = TypeVar("P", bound=Projection)


@contextmanager
def caught_up(context: typer.Context, store: str | None, kind: type[P]) -> Iterator[tuple[Engine, Connection, P]]:
    """Open a store for a command, catch a projection up, and look at it in one consistent state."""
    with views_of(context, store) as (engine, database):
        runner = Runner(engine.log, database, kind)
        with progress_bar(kind.name) as progress:
            runner.catch_up(progress)
        with runner.reading() as (connection, projection):
            yield engine, connection, projection


@contextmanager
def views_of(context: typer.Context, store: str | None) -> Iterator[tuple[Engine, ViewsDatabase]]:
    """Open a store and the read models beside it, and report errors."""
    with opened(context, store, None, create=False) as engine, ViewsDatabase(engine.place) as database:
        yield engine, database
