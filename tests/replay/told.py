"""Histories lived through an engine, and their logs at hand."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import huissier
from huissier import Options
from huissier.adapters.audit.replay.replaying import Difference, replay
from huissier.adapters.audit.replay.sources import Row, Source
from huissier.adapters.deciding.engine import Engine
from huissier.domain.commands import AnyCommand

NOW = datetime(2026, 12, 1, tzinfo=UTC)


class RowsSource(NamedTuple):
    """Facts that are at hand."""

    facts: Iterable[Row]
    head: int

    def rows(self, until: int) -> Iterator[Row]:
        """Yield the facts up to a position."""
        return (row for row in self.facts if row.position <= until)


def log_of(engine: Engine) -> RowsSource:
    """Return all of an engine's log."""
    with engine.log.reading() as look:
        return RowsSource([Row(*row) for row in look.after(0, look.head + 1)], look.head)


def lived(history: Sequence[AnyCommand], options: Options | None = None) -> RowsSource:
    """Return the log of a history, command by command."""
    with huissier.open("sqlite://", clock=lambda: NOW, options=options) as engine:
        for command in history:
            engine.handle(command)
        return log_of(engine)


def differences(source: Source, **arguments: int) -> list[Difference]:
    """Return what a replay within this process finds."""
    return list(replay(source, jobs=1, **arguments).findings())
