"""A gateway: many callers on one engine, each asking and asking again until there is an answer.

`python -m tests.faults.worker URL JOURNAL SEED` goes on until it is killed, or told to end by SIGTERM. Callers are
tasks, or threads where the seed is odd. It first asks again what its journal says was never answered.
"""

import asyncio
import math
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from msgspec.structs import replace

import huissier
from huissier import Answer, AnyCommand
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.errors import StoreError
from tests.faults.journal import Asked, Journal, unanswered
from tests.faults.wards import COMMON, SIZE, Ward

CALLERS: Final = 48
_MOST_PROCESSES: Final = 16
_PAUSE: Final = 0.02  # seconds before asking again
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Handle = Callable[[AnyCommand], Awaitable[Answer]]
Moments = Callable[[], datetime | None]


def own_moments(process: int) -> Moments:
    """Return the present, never twice the same, nor one that another process has."""
    last = 0

    def moment() -> datetime:
        nonlocal last
        last = max(last + 1, time.time_ns() // 1000 // _MOST_PROCESSES)
        return _EPOCH + timedelta(microseconds=last * _MOST_PROCESSES + process)

    return moment


class Gateway:
    """Asks what comes to its mind, in the ward that the log has come to."""

    def __init__(self, handle: Handle, journal: Journal, seed: int, moments: Moments) -> None:
        self._handle = handle
        self._journal = journal
        self._moments = moments
        self._name = f"{seed}-{journal.next_number}"
        self._chance = Random(self._name)  # noqa: S311
        self._head = 0
        self.stopped = False

    async def work(self, before: Sequence[Asked] = (), *, until: float = math.inf) -> None:
        """Settle what was left open before, then let all callers ask until stopped or the log is so long."""
        for command in COMMON:
            await self._settle(self._journal.asks(None, command))
        await asyncio.gather(*(self._settle(asked) for asked in before))
        commands = self._commands()
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(self._call(commands, until))

    async def _call(self, commands: Iterator[Asked], until: float) -> None:
        while not self.stopped and self._head < until:
            await self._settle(next(commands))

    def _commands(self) -> Iterator[Asked]:
        """Yield commands without end; each ward is set up before it is used."""
        while True:
            ward = Ward(self._head // SIZE)
            for command in ward.set_up():
                yield self._journal.asks(ward.number, command)
            while ward.number == self._head // SIZE:
                command = ward.anything(self._chance, f"{self._name}-{self._journal.next_number}")
                yield self._journal.asks(ward.number, replace(command, at=self._moments()))

    async def _settle(self, asked: Asked) -> None:
        """Ask until there is an answer; one who must stop gives up at the first error."""
        while True:
            try:
                answer = await self._handle(asked.command)
            except StoreError as problem:
                self._journal.failed(asked, problem)
                if self.stopped:
                    return
                await asyncio.sleep(_PAUSE)
            else:
                self._journal.answered(asked, answer)
                self._head = max(self._head, answer.position or 0)
                return


def in_threads(engine: AsyncEngine) -> Handle:
    """Return a handle that asks the engine behind from threads."""
    return lambda command: asyncio.to_thread(engine.engine.handle, command)


def in_tasks(engine: AsyncEngine) -> Handle:
    """Return a handle that asks from tasks."""
    return engine.handle


async def _main(url: str, path: Path, seed: int) -> None:
    with Journal(path) as journal:
        async with huissier.open_async(url) as engine:
            handle = in_threads(engine) if seed % 2 else in_tasks(engine)
            gateway = Gateway(handle, journal, seed, own_moments(seed))
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(CALLERS))
            loop.add_signal_handler(signal.SIGTERM, setattr, gateway, "stopped", True)
            await gateway.work(unanswered(path))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
