"""What the directory says of a time is what a plain reading of the past says, however the log was folded."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import Connection

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.adapters.log.place import Place
from huissier.adapters.testing.reference.past import Box, Entry, domain_at, mailbox_at
from huissier.adapters.testing.strategies import histories
from huissier.adapters.testing.strategies.town import MOMENTS
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import AnyCommand
from huissier.domain.events import AnyEvent, CguSigned
from huissier.projections.directory.as_of import AsOf
from huissier.projections.directory.facts import Directory
from tests.properties import histories_looked_at


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def views(request: pytest.FixtureRequest) -> Iterator[ViewsDatabase]:
    url = "sqlite://"
    if request.param == "postgres":
        server: sa.URL = request.getfixturevalue("postgres_server")
        name = f"huissier_directory_{os.getpid()}"
        with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = server.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    with ViewsDatabase(Place(url)) as database:
        yield database


Rows = list[tuple[Any, ...]]


def rows_of(runner: Runner[Directory]) -> tuple[Rows, Rows]:
    def read(connection: Connection, table: sa.Table) -> Rows:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.position))]

    with runner.reading() as (connection, directory):
        return read(connection, directory.mailboxes), read(connection, directory.domains)


@histories_looked_at(8)
@given(history=histories(), page=st.integers(1, 7), together=st.integers(1, 5))
def test_rebuilding_gives_what_keeping_up_gave_wherever_pages_are_cut(
    views: ViewsDatabase, history: list[AnyCommand], page: int, together: int
) -> None:
    with Engine("sqlite://") as engine:
        keeping_up = Runner(engine.log, views, Directory, page=page)
        keeping_up.rebuild()
        for start in range(0, len(history), together):
            engine.handle_many(history[start : start + together])
            keeping_up.catch_up()
        kept_up = rows_of(keeping_up)
        rebuilding = Runner(engine.log, views, Directory)
        rebuilding.rebuild()
        assert rows_of(rebuilding) == kept_up


def recorded(engine: Engine, history: list[AnyCommand]) -> Iterator[tuple[Entry, AnyEvent]]:
    """Yield what was recorded, as the reference reads it, with the fact it became."""
    answers = [engine.handle(command) for command in history]
    with engine.log.reading() as look:
        events = {position: codec.decode(data, position).event for position, data, _ in look.after(0, 10_000)}
    for command, answer in zip(history, answers, strict=True):
        if answer.outcome == "recorded" and answer.position is not None:
            fact = events[answer.position]
            address = getattr(fact, "address", None) or getattr(fact, "mailbox", None)
            box = None if address is None else Box(address, address.rpartition("@")[2])
            yield Entry(fact.at, answer.position, command, box), fact


@histories_looked_at(15)
@given(history=histories(), moment=st.sampled_from(MOMENTS))
def test_as_of_any_time_it_agrees_with_the_reference(
    views: ViewsDatabase, history: list[AnyCommand], moment: datetime
) -> None:
    with Engine("sqlite://") as engine:
        said = list(recorded(engine, history))
        runner = Runner(engine.log, views, Directory)
        runner.rebuild()
        with runner.reading() as (connection, directory):
            shown = {listed.address: listed for listed in AsOf(directory, connection, moment).all()}
    before = sorted(((entry, fact) for entry, fact in said if entry.at <= moment), key=lambda pair: pair[0][:2])
    past = [entry for entry, _ in before]
    boxes = {entry.box: mailbox_at(past, entry.box) for entry in past if entry.box is not None}
    existing = {box.name: then for box, then in boxes.items() if then.status is not None}
    assert shown.keys() == existing.keys()
    seen(f"{min(len(shown), 3)} mailboxes or more")
    for address, then in existing.items():
        listed, domain = shown[address], domain_at(past, address.rpartition("@")[2])
        assert (listed.status, listed.liste_rouge) == (then.status, then.liste_rouge)
        assert (listed.operator, listed.local) == (domain.operator, domain.admitted and domain.hosted)
        if then.created is None:
            assert listed.kind == "USAGER"
        else:
            wanted = then.created
            assert (listed.kind, listed.secteur, listed.rpps) == (wanted.kind, wanted.secteur, wanted.rpps)
        signed = [
            fact.version
            for _, fact in before
            if isinstance(fact, CguSigned) and (fact.mailbox, fact.operator) == (address, domain.operator)
        ]
        assert listed.cgu == (signed[-1] if signed else None)
