"""Callers who ask again as soon as they are answered: one alone, threads, or tasks.

Building a submission counts as time of the caller's turn, but not as waiting.
"""

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from time import perf_counter
from typing import Final, Self

import sqlalchemy as sa

from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Lap
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.vault import KEY_LENGTH, KEY_VARIABLE
from huissier.domain.answers import Answer
from huissier.domain.commands import SubmitMessage

MOST: Final = 256

Submissions = Iterator[SubmitMessage]
Handle = Callable[[SubmitMessage], Answer]


def new_key() -> str:
    """Make a vault key for throw-away stores."""
    return b64encode(os.urandom(KEY_LENGTH)).decode()


def scratch_engine(url: sa.URL, key: str) -> Engine:
    """Open a store under a key made here."""
    return Engine(url.render_as_string(hide_password=False), environment={KEY_VARIABLE: key})


def check_accepted(answer: Answer) -> None:
    """Make sure that what is measured is what was meant to be: accepted submissions."""
    if answer.outcome != "accepted":
        raise RuntimeError("a submission of the scene was refused: the scene is not as it was meant")


def alone(handle: Handle, submissions: Submissions, seconds: float) -> Lap:
    """Let one caller ask for some seconds."""
    began = perf_counter()
    return _lap(began, [_ask(handle, submissions, began + seconds)])


def in_threads(handle: Handle, callers: Sequence[Submissions], seconds: float) -> Lap:
    """Let callers ask for some seconds, each on a thread of its own."""
    began = perf_counter()
    with ThreadPoolExecutor(len(callers)) as pool:
        return _lap(began, pool.map(lambda submissions: _ask(handle, submissions, began + seconds), callers))


class Callers:
    """Everybody who asks one engine, at most `MOST` at once."""

    def __init__(self, engine: Engine, town: Town, *, seed: int = 0) -> None:
        """Take over an engine on a settled store; callers in another process need another seed."""
        self._engine = AsyncEngine(engine)
        self._runner = asyncio.Runner()
        self._submissions = [town.submissions(MOST * seed + number) for number in range(MOST)]

    def alone(self, seconds: float) -> Lap:
        """Let one caller ask for some seconds."""
        return alone(self._engine.engine.handle, self._submissions[0], seconds)

    def threads(self, number: int, seconds: float) -> Lap:
        """Let threads ask for some seconds."""
        return in_threads(self._engine.engine.handle, self._submissions[:number], seconds)

    def tasks(self, number: int, seconds: float) -> Lap:
        """Let tasks of one event loop ask for some seconds."""
        return self._runner.run(self._in_tasks(number, seconds))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._end())
        self._runner.close()

    async def _end(self) -> None:
        """Cancel whatever still asks, which an interrupt may have left, and close the engine."""
        still_asking = asyncio.all_tasks() - {asyncio.current_task()}
        for task in still_asking:
            task.cancel()
        await asyncio.gather(*still_asking, return_exceptions=True)
        await self._engine.close()

    async def _in_tasks(self, number: int, seconds: float) -> Lap:
        began = perf_counter()
        asking = (self._ask(submissions, began + seconds) for submissions in self._submissions[:number])
        return _lap(began, await asyncio.gather(*asking))

    async def _ask(self, submissions: Submissions, until: float) -> list[float]:
        handle = self._engine.handle
        waits: list[float] = []
        ended = 0.0
        while ended < until:
            submission = next(submissions)
            began = perf_counter()
            check_accepted(await handle(submission))
            ended = perf_counter()
            waits.append(ended - began)
        return waits


def _ask(handle: Handle, submissions: Submissions, until: float) -> list[float]:
    """Ask one submission after the other and return the seconds that each took."""
    waits: list[float] = []
    ended = 0.0
    while ended < until:
        submission = next(submissions)
        began = perf_counter()
        check_accepted(handle(submission))
        ended = perf_counter()
        waits.append(ended - began)
    return waits


def _lap(began: float, waits: Iterable[list[float]]) -> Lap:
    together = list(chain.from_iterable(waits))
    return Lap(len(together), perf_counter() - began, together)
