"""What a projection is: tables, and how a page of facts changes them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from sqlalchemy import Connection, MetaData

from huissier.domain.events import AnyEvent


class Entry(Struct, frozen=True, gc=False):
    """One fact of the log: where it stands, when it was recorded (UTC), and what it says."""

    position: int
    recorded_at: datetime
    event: AnyEvent


class Projection(ABC):
    """A read model folded from the log, in tables of one generation.

    A rebuild fills the next generation beside the one that is read, so every table's name ends with its number:
    `f"directory_mailboxes_{generation}"`. Give `version` a new number when the tables or what they hold change;
    what was folded under another version is then rebuilt.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    def __init__(self, generation: int) -> None:
        """Define the tables of a generation."""
        self.generation = generation
        self.metadata = MetaData()

    @abstractmethod
    def fold(self, connection: Connection, page: Iterable[Entry]) -> None:
        """Change the tables as these facts say, in the order of the log, whatever pages the log is cut into.

        There is at least one, and each is decoded when it is taken. Runs inside a transaction that also keeps the
        position; must not commit.
        """
