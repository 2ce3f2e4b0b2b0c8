"""huissier as a process of its own behind a Postfix, by either protocol."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from tests.postfix.nursery import Child, nursery
from tests.postfix.server import LONGEST, answers, free_port
from tests.waiting import eventually

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
        self._process: Child | None = None

    @property
    def lines(self) -> str:
        """The lines of main.cf that have a Postfix ask it."""
        if self.front == "milter":
            return f"smtpd_milters = inet:127.0.0.1:{self.port}\nmilter_default_action = tempfail"
        service = f"check_policy_service inet:127.0.0.1:{self.port}"
        return f"smtpd_recipient_restrictions = {service}\nsmtpd_end_of_data_restrictions = {service}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        arguments = ["serve", self.front, "--config", str(self._config), "--store", self.url]
        arguments += ["--listen", f"inet:127.0.0.1:{self.port}", "--name", NAME]
        process = self._process = nursery().start(arguments, self._folder, self._folder / "gateway.log")
        eventually(lambda: answers(self.port), process.has_ended)

    def kill(self) -> None:
        """Kill it at once."""
        self._end(signal.SIGKILL)

    def reload(self) -> None:
        """Have it read its configuration again."""
        assert self._process is not None
        self._process.signal(signal.SIGHUP)

    def stop(self) -> None:
        """Have it end in order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.signal(number)
            assert self._process.has_ended(within=LONGEST), "it goes on"


@contextmanager
def gateway(front: Front, url: str, folder: Path, settings: str = "") -> Iterator[Gateway]:
    """Run a gateway on a store that is there."""
    running = Gateway(front, url, folder, settings)
    try:
        running.start()
        yield running
    finally:
        running.stop()
