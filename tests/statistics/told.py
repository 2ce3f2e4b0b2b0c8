"""A store in a folder, where the small hospital world is told and the program is run."""

from pathlib import Path

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.adapters.testing.hospital import HOSPITAL, world
from huissier.domain.commands import AnyCommand
from huissier.domain.events import StatisticsProduced
from tests.command_line import Done, huissier

NAME = f"202510_EchangesMSSante_{HOSPITAL}.csv"


def tell(folder: Path, *commands: AnyCommand) -> None:
    """Tell some commands to the folder's store, which has the small hospital world in it."""
    with Engine(f"sqlite:///{folder}/huissier.db") as engine:
        engine.handle_many(commands if engine.head else [*world(), *commands])


def produce(folder: Path, *arguments: str, month: str = "2025-10") -> Done:
    """Run `stats exchanges` for the hospital's domain."""
    return huissier("stats", "exchanges", "--month", month, "--domain", HOSPITAL, *arguments, cwd=folder)


def produced(folder: Path) -> list[StatisticsProduced]:
    """Return what the log says was produced."""
    with Engine(f"sqlite:///{folder}/huissier.db", create=False) as engine, engine.log.reading() as look:
        events = [codec.decode(row[1], row[0]).event for row in look.after(0, 10_000)]
    return [event for event in events if isinstance(event, StatisticsProduced)]
