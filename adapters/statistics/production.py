"""Producing the files of a month: counted as of a position of the log, written, and recorded."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.port import Progress
from huissier.adapters.statistics.exchanges_file import exchanges_file
from huissier.adapters.statistics.layout import Layout
from huissier.adapters.views.runner import Runner
from huissier.domain.events import StatisticsProduced
from huissier.projections.exchanges import Exchanges
from huissier.projections.months import end_of


class _SecondError(Exception):
    """Somebody else produced the month for the first time meanwhile: it is counted as of their position."""


class Production:
    """One run: all its files are counted as of the log's head at its beginning."""

    def __init__(self, engine: Engine, runner: Runner[Exchanges], progress: Progress | None = None) -> None:
        """Catch up with the log. Raises `ProjectionError`."""
        self._engine = engine
        self._runner = runner
        self._head = engine.head
        runner.catch_up(progress)

    def domains(self, month: int) -> list[str]:
        """Name the domains held here for any part of a month (AAAAMM)."""
        with self._runner.reading() as (connection, exchanges):
            return exchanges.hosted_in(connection, month)

    def produce(
        self, month: int, domain: str, folder: Path, layout: Layout, now: datetime, *, anew: bool = False
    ) -> StatisticsProduced:
        """Write the file of a domain and return the fact of it, recorded; a store without its vault records none.

        A month that is over is counted as of the position it was first produced at, so that its bytes stay the
        same; `anew` counts it as of now, from now on. Raises `UnwritableError` and `GateError`.
        """
        try:
            return self._produced(month, domain, folder, layout, now, anew=anew)
        except _SecondError:
            self._runner.catch_up()
            return self._produced(month, domain, folder, layout, now)

    def came_since(self, fact: StatisticsProduced) -> int:
        """Return how many verdicts of a file's month are known by now that the file does not count."""
        if fact.position >= self._head:
            return 0
        with self._runner.reading() as (connection, exchanges):
            return exchanges.verdicts_between(connection, fact.domain, fact.month, fact.position, self._head)

    def _produced(
        self, month: int, domain: str, folder: Path, layout: Layout, now: datetime, *, anew: bool = False
    ) -> StatisticsProduced:
        """Write one file and record it."""
        is_over = end_of(month) <= now
        with ExitStack() as file:
            with self._runner.reading() as (connection, exchanges):
                before = exchanges.final_position(connection, domain, month) if is_over and not anew else None
                position = self._head if before is None else before
                lines = exchanges.exchanges(connection, domain, month, position)
                written = file.enter_context(exchanges_file(folder, month, domain, layout, lines))
            fact = StatisticsProduced(
                at=now,
                name=written.name,
                sha256=written.sha256,
                rows=written.rows,
                month=month,
                domain=domain,
                layout=layout.name,
                position=position,
                final=is_over,
            )
            if self._engine.decides:  # or it is an auditor's store, which counts again and records nothing
                is_first = before is None and fact.final and not anew
                # Before the file has its name: no file is handed on that is not in the log.
                if not self._engine.record(fact, first_behind=self._head if is_first else None):
                    raise _SecondError
            return fact
