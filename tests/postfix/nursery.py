"""Gateways without the seconds that it takes to load the program: a process that has loaded it forks each of them.

What runs is the program's own `main`, in a process of its own that is signalled and killed like any other. That the
installed program starts by itself is tested in tests/gateway.
"""

import atexit
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_LOADED: Final = (
    "huissier.adapters.cli.main",
    "huissier.adapters.deciding.engine",
    "huissier.adapters.gateway.milter.front",
    "huissier.adapters.gateway.postfix.front",
    "huissier.adapters.gateway.serving.running",
    "huissier.adapters.gateway.settings_file",
)


class Child:
    """A process that is not ours: it is known by a handle, so that no other can be taken for it."""

    def __init__(self, pid: int) -> None:
        """Take a process that has not been waited for yet."""
        self._handle = os.pidfd_open(pid)

    def has_ended(self, within: float = 0.0) -> bool:
        """Say whether it has ended, or does so within some seconds."""
        return bool(select.select([self._handle], [], [], within)[0])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self.has_ended():
            signal.pidfd_send_signal(self._handle, number)


class Nursery:
    """The process that forks, asked in JSON lines; those that ended stay in its table until it ends."""

    def __init__(self) -> None:
        """Load the program."""
        command = [sys.executable, "-m", "tests.postfix.nursery"]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self, arguments: list[str], folder: Path, log: Path) -> Child:
        """Run the program in a folder, with this environment, its standard error at the end of a file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"arguments": arguments, "folder": str(folder), "log": str(log), "environment": dict(os.environ)}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return Child(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@cache
def nursery() -> Nursery:
    """Return the one nursery of this process."""
    only = Nursery()
    atexit.register(only.close)
    return only


def _serve_forks() -> None:
    for name in _LOADED:
        importlib.import_module(name)
    while line := sys.stdin.buffer.readline():
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
        else:
            _become(**json.loads(line))


def _become(arguments: list[str], folder: str, log: str, environment: dict[str, str]) -> None:
    """Be the program, until the process ends."""
    from huissier.adapters.cli.main import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    sys.argv = ["huissier", *arguments]
    try:
        main()
    finally:
        os._exit(1)  # nothing of the nursery's is this process's to clean up


if __name__ == "__main__":
    _serve_forks()
