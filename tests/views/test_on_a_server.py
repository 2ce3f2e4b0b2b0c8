"""Read models on a server: in a schema beside the log's, made by who may and used by who is granted it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.evidence.kept import kept_beside
from huissier.adapters.evidence.nodes import Nodes
from huissier.adapters.log.place import Place
from huissier.adapters.testing.hospital import DOCTOR, REMOTE_DOCTOR, world, write
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.projections.directory.facts import Directory
from tests.command_line import expect_one_line, huissier
from tests.stores import KEY


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@contextmanager
def administering(url: str) -> Iterator[psycopg.Connection]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection


def test_logs_in_two_schemas_of_one_database_have_read_models_of_their_own(url: str, tmp_path: Path) -> None:
    within: dict[str, str] = {}
    with administering(url) as admin:
        for schema in ("a", "B c"):
            admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            path = '-csearch_path="' + schema.replace(" ", "\\ ") + '"'
            beside = make_url(url).update_query_dict({"options": path})
            within[schema] = beside.render_as_string(hide_password=False)
    within["public"] = url
    for number, (schema, mine) in enumerate(within.items()):
        with Engine(mine, environment=KEY) as engine, ViewsDatabase(engine.place) as database:
            engine.handle_many(
                [*world(), *(write(DOCTOR, REMOTE_DOCTOR, id=f"{schema}-{n}") for n in range(300 + number))]
            )
            Nodes(engine.log, database).tree()
            Runner(engine.log, database, Directory).catch_up()
    for mine in within.values():
        done = huissier("projections", "status", "--store", mine, cwd=tmp_path, env=KEY)
        assert (done.returncode, "another log" in done.stdout) == (0, False)
    kept = []
    for mine in within.values():
        with kept_beside(Place(mine)) as hashes:
            kept.append(tuple(hashes(0) or ()))
    assert len({hashes for hashes in kept if hashes}) == 3
    with administering(url) as admin:
        named = admin.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'huissier%' ORDER BY 1").fetchall()
    assert named == [("huissier_views",), ("huissier_views_B c",), ("huissier_views_a",)]


def test_a_schema_of_any_name_has_read_models_of_its_own_each_time_they_are_opened(url: str) -> None:
    names = ["s" * 62 + end for end in "ab"] + ["s" * 48, "s" * 49, "a%b", "a%sb", "p%(x)s"]
    for schema in names:
        with administering(url) as admin:
            admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        mine = make_url(url).update_query_dict({"options": f'-csearch_path="{schema}"'})
        for _ in range(2):
            with Engine(mine.render_as_string(hide_password=False), environment=KEY) as engine:
                ViewsDatabase(engine.place).close()
    with administering(url) as admin:
        (made,) = admin.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'huissier%'").fetchone() or (0,)
        assert ("huissier_views_p%(x)s",) in admin.execute("SELECT nspname FROM pg_namespace").fetchall()
    assert made == len(names)


def test_a_role_that_may_not_make_schemas_uses_the_one_that_it_is_granted(url: str, tmp_path: Path) -> None:
    with Engine(url, environment=KEY) as engine:
        engine.handle_many(world())
    role = f"mail_{os.getpid()}_{make_url(url).database}"[:60]
    theirs = make_url(url).set(username=role, password="x").render_as_string(hide_password=False)
    asked = ("directory", "search", "martin", "--store", theirs)
    with administering(url) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(role)))
        try:
            grant(admin, role, "public")
            expect_one_line(huissier(*asked, cwd=tmp_path, env=KEY), 3, "permission denied for database")
            assert huissier("directory", "search", "martin", "--store", url, cwd=tmp_path, env=KEY).returncode == 0
            grant(admin, role, "huissier_views")
            assert huissier(*asked, cwd=tmp_path, env=KEY).stdout.startswith(DOCTOR)
            done = huissier("projections", "rebuild", "directory", "--store", theirs, cwd=tmp_path, env=KEY)
            assert (done.returncode, done.stderr.count("\n")) == (3, 1)
            assert "permission denied for schema huissier_views" in done.stderr
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


def grant(admin: psycopg.Connection, role: str, schema: str) -> None:
    for rights in ("USAGE ON SCHEMA {0}", "ALL ON ALL TABLES IN SCHEMA {0}", "ALL ON ALL SEQUENCES IN SCHEMA {0}"):
        statement = f"GRANT {rights} TO {{1}}"
        admin.execute(sql.SQL(statement).format(sql.Identifier(schema), sql.Identifier(role)))
