"""Stores for the faults to happen to."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from huissier.adapters.vault import KEY_LENGTH, KEY_VARIABLE


@pytest.fixture(autouse=True)
def vault_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give all processes of a test one key, which a store on a server needs."""
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(bytes(KEY_LENGTH)).decode())


@pytest.fixture
def postgres_url(new_database: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'huissier.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
