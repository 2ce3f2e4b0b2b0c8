"""huissier as a process of its own behind a Postfix, by either protocol."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from tests.command_line import PROGRAM
from tests.postfix.server import LONGEST, answers, free_port, kill, wait_until

Front = Literal["postfix", "milter"]
NAME: Final = "mx1"


class Gateway:
    """A gateway that can be killed and started again at the same address."""

    def __init__(self, front: Front, url: str, folder: Path, settings: str) -> None:
        self.front = front
        self.url = url
        self.port = free_port()
        self._folder = folder
        self._config = folder / "gateway.toml"
        self._config.write_text(settings)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def lines(self) -> str:
        """The lines of main.cf that have a Postfix ask it."""
        if self.front == "milter":
            return f"smtpd_milters = inet:127.0.0.1:{self.port}\nmilter_default_action = tempfail"
        service = f"check_policy_service inet:127.0.0.1:{self.port}"
        return f"smtpd_recipient_restrictions = {service}\nsmtpd_end_of_data_restrictions = {service}"

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [str(PROGRAM), "serve", self.front, "--config", str(self._config), "--store", self.url]
        command += ["--listen", f"inet:127.0.0.1:{self.port}", "--name", NAME]
        with (self._folder / "gateway.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stderr=log, env={**os.environ})
        wait_until(lambda: answers(self.port), self._process)

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            kill(self._process)

    def reload(self) -> None:
        """Have it read its configuration again."""
        os.kill(self.pid, signal.SIGHUP)

    def stop(self) -> None:
        """Have it end in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(LONGEST)


@contextmanager
def gateway(front: Front, url: str, folder: Path, settings: str = "") -> Iterator[Gateway]:
    """Run a gateway on a store that is there."""
    running = Gateway(front, url, folder, settings)
    try:
        running.start()
        yield running
    finally:
        running.stop()
