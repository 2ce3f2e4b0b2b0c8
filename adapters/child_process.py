"""Processes that work for this one: each ends when its pipe is closed, and what goes wrong in it is raised here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from threading import current_thread, main_thread
from typing import Any, Final

from huissier.adapters.errors import StoreError
from huissier.adapters.garbage import look_seldom

Pipe = Any  # of `multiprocessing.connection`, where its class depends on the system

_SECONDS_TO_END: Final = 10.0


@contextmanager
def child_process(work: Callable[..., None], *arguments: object) -> Iterator[Pipe]:
    """Start a process that calls `work` with its end of a pipe; only the process that started it hears Ctrl-C."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=run, args=(there, work, *arguments), daemon=True)
    _start_deaf(process)
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join(_SECONDS_TO_END)
        process.kill()


def received(pipe: Pipe) -> Any:
    """Return what a process sent next; raise what went wrong in it."""
    try:
        answer = pipe.recv()
    except (EOFError, ConnectionError):
        raise StoreError("a process that took part in the work ended") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _start_deaf(process: Any) -> None:
    """Start a process that does not hear Ctrl-C: the signal is ignored here while it starts, and it inherits that."""
    if current_thread() is not main_thread():  # only the main thread may say what a signal does
        process.start()
        return
    before = signal(SIGINT, SIG_IGN)
    try:
        process.start()
    finally:
        signal(SIGINT, before)


def run(pipe: Pipe, work: Callable[..., None], *arguments: object) -> None:
    """Work in a process of its own, and end quietly when nobody listens any more."""
    look_seldom()
    try:
        work(pipe, *arguments)
    except (EOFError, ConnectionError):
        return  # whoever asked is gone
    except Exception as problem:
        with suppress(ConnectionError):
            pipe.send(problem)
