"""A clock that jumps back and forth: a decision is right for the time that stands in its event."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

import pytest

import huissier
from huissier.adapters.deciding.async_engine import AsyncEngine
from tests.faults import LONGER
from tests.faults.journal import Journal
from tests.faults.verdict import judge
from tests.faults.worker import Gateway, Handle, in_tasks, in_threads

pytestmark = pytest.mark.faults

EVENTS: Final = 2000 * LONGER
NOON: Final = datetime(2026, 10, 31, 12, tzinfo=UTC)
JUMPS: Final = (timedelta(), timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=1), timedelta(days=30))


def jumping_clock() -> Callable[[], datetime]:
    chance = Random(5)  # noqa: S311
    return lambda: NOON + chance.choice((-1, 1)) * chance.choice(JUMPS)


@pytest.mark.parametrize("callers", [in_tasks, in_threads])
def test_commands_without_a_time_are_decided_for_the_clocks_wherever_it_jumps(
    callers: Callable[[AsyncEngine], Handle], store_url: str, tmp_path: Path
) -> None:
    async def story(journal: Journal) -> None:
        async with huissier.open_async(store_url, clock=jumping_clock()) as engine:
            await Gateway(callers(engine), journal, 0, lambda: None).work(until=EVENTS)

    with Journal(tmp_path / "journal") as journal:
        asyncio.run(story(journal))
    facts = judge(store_url, tmp_path / "journal").facts
    steps = [later.event.at - earlier.event.at for earlier, later in pairwise(facts)]
    assert min(steps) < timedelta(days=-29)
    assert max(steps) > timedelta(days=29)
