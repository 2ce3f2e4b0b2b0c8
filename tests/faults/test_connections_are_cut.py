"""Connections to PostgreSQL cut at any word, also between a commit and the news of it, or silent."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

import psycopg
import pytest
from msgspec.structs import replace

import huissier
from huissier import Answer, AnyCommand
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError, TemporarilyUnavailableError
from tests.faults import LONGER
from tests.faults.at_work import assert_heard_of_it, at_work, end, wait_for_answers
from tests.faults.journal import Journal
from tests.faults.verdict import judge
from tests.faults.wards import COMMON, Ward
from tests.faults.worker import own_moments
from tests.wire import Cut, Wire, wire_to

pytestmark = pytest.mark.faults

ROUNDS: Final = 20 * LONGER
CUTS: Final = 30 * LONGER
PATIENCE: Final = 1.0  # seconds


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    with wire_to(postgres_url) as wire:
        yield wire


@pytest.mark.parametrize(("cut", "may_be_recorded"), [("unsaid", False), ("unheard", True)])
def test_a_connection_cut_at_any_word_is_answered_once_when_asked_again(
    cut: Cut, may_be_recorded: bool, wire: Wire, postgres_url: str, tmp_path: Path
) -> None:
    ward, moment, chance = Ward(0), own_moments(0), Random(7)  # noqa: S311
    recorded = []
    with (
        Journal(tmp_path / "journal") as journal,
        huissier.open(wire.url) as engine,
        huissier.open(postgres_url) as other,
    ):

        def told(ward: int | None, command: AnyCommand) -> None:
            asked, head = journal.asks(ward, command), other.head
            try:
                answer = engine.handle(command)
            except StoreError:
                recorded.append(other.head > head)
                answer = engine.handle(command)
            journal.answered(asked, answer)

        for command in COMMON:
            told(None, command)
        for command in ward.set_up():
            told(0, command)
        for number in range(ROUNDS):
            for words in count():
                wire.cut_after(words, cut)
                told(0, replace(ward.anything(chance, f"{number}-{words}"), at=moment()))
                if not wire.was_cut:
                    break
    judge(postgres_url, tmp_path / "journal")
    assert recorded
    assert any(recorded) == may_be_recorded


def cut_the_wire(wire: Wire, _: str, chance: Random) -> None:
    wire.cut_after(chance.randrange(30), chance.choice(("unsaid", "unheard")))


def terminate_backends(_: Wire, url: str, __: Random) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("seed", [0, 1], ids=["tasks", "threads"])
@pytest.mark.parametrize("cut", [cut_the_wire, terminate_backends])
def test_a_gateway_whose_connections_are_cut_under_load_is_answered_in_the_end(
    cut: Callable[[Wire, str, Random], None], seed: int, wire: Wire, postgres_url: str, tmp_path: Path
) -> None:
    journal, chance = tmp_path / "journal", Random(9)  # noqa: S311
    with at_work(wire.url, journal, seed) as gateway:
        wait_for_answers(journal, gateway)
        for _ in range(CUTS):
            cut(wire, postgres_url, chance)
            time.sleep(chance.uniform(0, 0.1))
        wait_for_answers(journal, gateway)
        end(gateway)
    assert_heard_of_it(journal)
    judge(postgres_url, journal)


def in_a_thread(engine: Engine, command: AnyCommand) -> Answer:
    return engine.handle(command, timeout=PATIENCE)


def in_a_task(engine: Engine, command: AnyCommand) -> Answer:
    return asyncio.run(AsyncEngine(engine).handle(command, timeout=PATIENCE))


@pytest.mark.parametrize("handle", [in_a_thread, in_a_task])
def test_a_server_that_falls_silent_keeps_nobody_for_longer_than_they_wait(
    handle: Callable[[Engine, AnyCommand], Answer], wire: Wire, postgres_url: str, tmp_path: Path
) -> None:
    with Journal(tmp_path / "journal") as journal, huissier.open(wire.url) as engine:
        first, second = (journal.asks(None, command) for command in COMMON[:2])
        journal.answered(first, handle(engine, first.command))
        wire.cut_after(0, "silent")
        began = time.monotonic()
        with pytest.raises(TemporarilyUnavailableError):
            handle(engine, second.command)
        assert time.monotonic() - began < 5 * PATIENCE
        wire.mend()
        journal.answered(second, engine.handle(second.command))
    assert len(judge(postgres_url, tmp_path / "journal").facts) == 2
