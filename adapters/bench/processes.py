"""Processes that decide on one store at the same time, each with an engine and callers of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from time import perf_counter
from typing import Any, Final

import sqlalchemy as sa

from huissier.adapters.bench.callers import Callers, scratch_engine
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Lap
from huissier.adapters.errors import StoreError

_SECONDS_TO_END: Final = 10.0

Pipe = Any  # of `multiprocessing.connection`, where its class depends on the system


@contextmanager
def processes(number: int, url: sa.URL, key: str, town: Town, tasks: int) -> Iterator[Callable[[float], Lap]]:
    """Lend what lets processes with so many tasks each ask for some seconds. Raises `StoreError`."""
    with ExitStack() as stack:
        pipes = [stack.enter_context(_process(url, key, town, tasks, seed)) for seed in range(1, number + 1)]
        for pipe in pipes:
            _answer(pipe)

        def ask(seconds: float) -> Lap:
            began = perf_counter()
            for pipe in pipes:
                pipe.send(seconds)
            return Lap(sum(_answer(pipe) for pipe in pipes), perf_counter() - began)

        yield ask


@contextmanager
def _process(url: sa.URL, key: str, town: Town, tasks: int, seed: int) -> Iterator[Pipe]:
    """Start a process that ends when its pipe is closed and not before: Ctrl-C is for the one that started it."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_decide, args=(there, url, key, town, tasks, seed), daemon=True)
    before = signal(SIGINT, SIG_IGN)  # a new process ignores what was ignored where it was started
    try:
        process.start()
    finally:
        signal(SIGINT, before)
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join(_SECONDS_TO_END)
        process.kill()


def _answer(pipe: Pipe) -> int:
    """Return how many decisions a process took in its turn, 0 when it is ready; raise what went wrong in it."""
    try:
        answer = pipe.recv()
    except EOFError:
        raise StoreError("a process that took part in the measurement ended") from None
    if isinstance(answer, Exception):
        raise answer
    return int(answer)


def _decide(pipe: Pipe, url: sa.URL, key: str, town: Town, tasks: int, seed: int) -> None:
    """Take turns as told, in a process of its own."""
    try:
        with Callers(scratch_engine(url, key), town, seed=seed) as callers:
            pipe.send(0)
            while True:
                pipe.send(callers.tasks(tasks, pipe.recv()).operations)
    except (EOFError, ConnectionError):
        return  # whoever asked is gone
    except Exception as problem:
        with suppress(ConnectionError):
            pipe.send(problem)
