"""Fixtures: a store in which the world of all tests stands, and a gateway behind a Postfix."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

import huissier
from huissier.adapters.testing.hospital import world
from huissier.domain.commands import AnyCommand
from tests.postfix.gateway import Front, Gateway, gateway
from tests.postfix.server import MASTER, Postfix, postfix

NewSite = Callable[..., "Site"]


class Site(NamedTuple):
    """A mail server, the gateway it asks, and their store."""

    server: Postfix
    gateway: Gateway
    url: str

    def tell(self, *commands: AnyCommand) -> None:
        """Have commands handled, as an administrator would meanwhile."""
        with huissier.open(self.url) as engine:
            engine.handle_many(commands)


@pytest.fixture(autouse=True)
def _a_postfix() -> None:
    if not MASTER.exists():
        pytest.skip("there is no Postfix on this machine")
    if os.geteuid() != 0:
        pytest.skip("Postfix only runs for root")


@contextmanager
def site(front: Front, url: str, folder: Path, *, settings: str = "", more: str = "") -> Iterator[Site]:
    """Set up a world and run a gateway on it behind a Postfix."""
    with huissier.open(url) as engine:
        engine.handle_many(world())
    with gateway(front, url, folder, settings) as running, postfix(f"{running.lines}\n{more}") as server:
        yield Site(server, running, url)


@pytest.fixture(params=["postfix", "milter"])
def front(request: pytest.FixtureRequest) -> Front:
    """Each protocol that a Postfix asks by."""
    found: Front = request.param
    return found


@pytest.fixture
def new_site(front: Front, tmp_path: Path) -> Iterator[NewSite]:
    """Run a site on an SQLite file; see `site` for the options."""
    with ExitStack() as stack:

        def start(**options: str) -> Site:
            url = options.pop("url", f"sqlite:///{tmp_path / 'huissier.db'}")
            return stack.enter_context(site(front, url, tmp_path, **options))

        yield start
