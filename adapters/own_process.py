"""The process that opened something: a fork of it has neither its connections, its locks nor its threads."""

import os

from huissier.adapters.errors import EngineClosedError


class OwnProcess:
    """The process that made this."""

    def __init__(self) -> None:
        """Note which it is."""
        self._number = os.getpid()

    @property
    def is_left(self) -> bool:
        """Whether this is a fork of it."""
        return os.getpid() != self._number

    def check(self) -> None:
        """Refuse a fork of it. Raises `EngineClosedError`."""
        if os.getpid() != self._number:  # asked at every turn
            raise EngineClosedError("the engine was opened before this process was forked; open one after forking")
