"""Processes that decide on one store at the same time, each with an engine and callers of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter

import sqlalchemy as sa

from huissier.adapters.bench.callers import Callers, scratch_engine
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Lap
from huissier.adapters.child_process import Pipe, child_process, received


@contextmanager
def processes(number: int, url: sa.URL, key: str, town: Town, tasks: int) -> Iterator[Callable[[float], Lap]]:
    """Lend a function that has processes, each with `tasks` tasks, ask for some seconds. Raises `StoreError`."""
    with ExitStack() as stack:
        pipes = [
            stack.enter_context(child_process(_decide, url, key, town, tasks, seed)) for seed in range(1, number + 1)
        ]
        for pipe in pipes:
            received(pipe)

        def ask(seconds: float) -> Lap:
            began = perf_counter()
            for pipe in pipes:
                pipe.send(seconds)
            return Lap(sum(received(pipe) for pipe in pipes), perf_counter() - began)

        yield ask


def _decide(pipe: Pipe, url: sa.URL, key: str, town: Town, tasks: int, seed: int) -> None:
    """Take turns as told, in a process of its own; send 0 when ready, then the number of decisions of each turn."""
    with Callers(scratch_engine(url, key), town, seed=seed) as callers:
        pipe.send(0)
        while True:
            pipe.send(callers.tasks(tasks, pipe.recv()).operations)
