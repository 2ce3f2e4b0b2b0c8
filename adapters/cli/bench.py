"""`huissier bench`: what the disk or server of a store lets huissier do."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from huissier.adapters.cli.shared import JsonOption, StoreOption, errors_told, url_of
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.bench.measuring import Findings
    from huissier.adapters.bench.turns import Figure

_SAID: Final = {
    "raw": "the limit: one row a commit, one connection",
    "one_caller": "one caller",
    "threads_8": "8 threads",
    "async_64": "64 asyncio callers",
    "async_256": "256 asyncio callers",
    "two_processes": "two processes of 64 asyncio callers",
    "async_64_p50": "64 asyncio callers: half are answered in",
    "async_64_p99": "64 asyncio callers: 99 of 100 are answered in",
    "threads_8_p50": "8 threads: half are answered in",
    "threads_8_p99": "8 threads: 99 of 100 are answered in",
    "cursor": "the limit: read and decode a log",
    "replay": "read, decode and fold it",
}
_PROMISED: Final = ("one_caller", "async_64", "async_256", "two_processes", "replay")


class Result(msgspec.Struct):
    """One figure, over the rounds."""

    name: str
    unit: str
    min: float
    median: float
    max: float


class Report(msgspec.Struct):
    """What `--json` prints; `ratios` are those to the limit."""

    results: list[Result]
    ratios: dict[str, float]


def bench(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Take tiny turns: shows it runs, measures little.")] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Measure what the disk or server of a store lets huissier do, beside its raw limit. Takes about a minute.

    The store itself is not opened: an SQLite store is measured in a scratch folder beside its file, a PostgreSQL
    one in scratch schemas of its database; both are removed in the end. Submissions are decided as in service,
    each durable before it is answered. Each figure is the median of five rounds; each ratio is the median of the
    rounds' ratios to the limit. Other writers on the same PostgreSQL database have to wait now and then meanwhile.
    """
    from huissier.adapters.bench.measuring import QUICK, USUAL, measure  # imports the database library

    plan = QUICK if quick else USUAL
    with errors_told(), _ended_in_order() as go_on, _bar(plan.turns) as advance:
        findings = measure(url_of(context, store), plan, lambda: (go_on(), advance()))
    typer.echo(as_json(_report(findings)) if json else _table(findings))


@contextmanager
def _ended_in_order() -> Iterator[Callable[[], None]]:
    """Have SIGTERM and SIGHUP end the work as Ctrl-C does: what was made is removed first.

    Call what is yielded between steps: it ends the work if Python dropped the interrupt while it freed memory.
    """
    asked: list[int] = []

    def end(number: int, _: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    def go_on() -> None:
        if asked:
            raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield go_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(turns: int) -> Iterator[Callable[[], object]]:
    """Show a bar, on a terminal only; it is drawn between the turns so that it does not disturb them."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("measuring", total=turns)

        def advance() -> None:
            progress.update(task, advance=1, refresh=True)

        yield advance


def _report(findings: "Findings") -> Report:
    return Report([_result(figure) for figure in findings.figures], {n: findings.ratios[n].median for n in _PROMISED})


def _result(figure: "Figure") -> Result:
    return Result(figure.name, figure.unit, min(figure.values), figure.median, max(figure.values))


def _table(findings: "Findings") -> str:
    from huissier.adapters.bench.table import as_table, short

    rows = [["", "median", "min", "max", "", "to the limit"]]
    for figure in findings.figures:
        ratio = findings.ratios.get(figure.name)
        times = "" if ratio is None else f"{short(ratio.median)} ×"
        values = (figure.median, min(figure.values), max(figure.values))
        rows.append([_SAID[figure.name], *map(short, values), figure.unit, times])
    return as_table(rows)
