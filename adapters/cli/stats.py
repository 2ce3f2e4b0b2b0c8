"""`huissier stats`: the exchanges file of a month (EX_PSU_5020), and totals by domain and month."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.shared import (
    JsonOption,
    Status,
    StoreOption,
    check_folder,
    errors_told,
    fail,
    read_option,
    status_of,
    tell,
)
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.statistics.layout import Layout
    from huissier.adapters.statistics.summary import Summary
    from huissier.domain.events import StatisticsProduced
    from huissier.projections.exchanges import Totals

stats = typer.Typer(help="Exchange statistics (EX_PSU_5020).", no_args_is_help=True)

DomainOption = Annotated[str | None, typer.Option(help="One domain only.", metavar="DOMAIN")]


@stats.command()
def exchanges(
    context: typer.Context,
    month: Annotated[str, typer.Option(help="Which month, such as 2026-10; it begins and ends in Paris.")],
    domain: DomainOption = None,
    out: Annotated[Path, typer.Option(help="The folder the files are written to.", metavar="DIR")] = Path(),
    layout: Annotated[
        Path | None, typer.Option(help="Your own layout; default: the provisional one.", metavar="FILE")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Count an already produced month again, with what came late.")
    ] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write the file AAAAMM_EchangesMSSante_DOMAIN.csv of each domain held here, and record that it was written.

    A month that is over is counted as of the first time its file was produced: running this again gives the same
    bytes, whatever came late, unless --anew counts it again.
    """
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.cli.views import views_of
    from huissier.adapters.clock import utc_now
    from huissier.adapters.private_file import UnwritableError
    from huissier.adapters.statistics.gate import GateError
    from huissier.adapters.statistics.production import Production
    from huissier.adapters.views.runner import Runner
    from huissier.projections.exchanges import Exchanges
    from huissier.projections.months import parse_month

    which, wanted = parse_month(month), _domain(domain)
    if which is None:
        fail("--month: not a month such as 2026-10", Status.UNREADABLE)
    how = _layout(layout)
    check_folder(out)
    now = utc_now()  # before the log's head is read: if a month was over by then, facts behind the head came late
    with views_of(context, store) as (engine, database):
        with progress_bar(Exchanges.name) as progress:
            production = Production(engine, Runner(engine.log, database, Exchanges), progress)
        domains = production.domains(which)
        if wanted is not None:
            domains = [name for name in domains if name == wanted]
        if not domains:
            fail(f"{'no domain was' if wanted is None else f'{wanted} was not'} held here in {month}", Status.NO)
        failed: list[Status] = []
        for name in domains:
            try:
                fact = production.produce(which, name, out, how, now, anew=anew)
            except (UnwritableError, GateError) as problem:  # the other domains still get their files
                tell(str(problem))
                failed.append(status_of(problem))
                continue
            typer.echo(as_json(fact) if json else _produced(fact, is_recorded=engine.decides))
            if since := production.came_since(fact):
                tell(f"{fact.name}: {since:,} verdicts came since; --anew counts them")
    if failed:
        raise typer.Exit(max(failed))


def _produced(fact: "StatisticsProduced", *, is_recorded: bool) -> str:
    until = f"counted as of position {fact.position:,}" if fact.final else "the month is not over yet"
    noted = "" if is_recorded else "; not recorded in an imported store"
    return f"{fact.name}: {fact.rows:,} rows, {until}{noted}\n  sha256 {fact.sha256}"


@stats.command()
def summary(
    context: typer.Context,
    domain: DomainOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write one page with charts.", metavar="FILE")
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Print what became of messages, by domain and month, including all that came late."""
    from huissier.adapters.cli.views import caught_up
    from huissier.adapters.statistics.summary import summaries
    from huissier.projections.exchanges import Exchanges

    wanted = _domain(domain)
    with caught_up(context, store, Exchanges) as (_, connection, projection):
        if wanted is not None and not projection.was_hosted(connection, wanted):
            fail(f"{wanted} was never held here", Status.NO)
        found = summaries(projection.totals(connection, domain=wanted))
    if html is not None:
        _write_page(html, found)
    if json:
        for totals in (totals for one in found for totals in one.months if totals is not None):
            typer.echo(as_json(totals))
    else:
        nothing = "No exchanges yet." if wanted is None else f"No exchanges of {wanted} yet."
        typer.echo("\n\n".join(map(_as_text, found)) or nothing)


def _domain(text: str | None) -> str | None:
    from huissier.domain.vocabulary.address import Domain

    return None if text is None else read_option("--domain", Domain.parse, text).name


def _layout(path: Path | None) -> "Layout":
    from huissier.adapters.statistics.layout import read_layout, shipped_layout

    return shipped_layout() if path is None else read_option("--layout", read_layout, path)


def _write_page(path: Path, found: "list[Summary]") -> None:
    from huissier.adapters.clock import utc_now
    from huissier.adapters.private_file import private_file
    from huissier.adapters.statistics.page import page_of

    with errors_told(), private_file(path) as file:
        for piece in page_of(found, utc_now().strftime("%Y-%m-%d %H:%M UTC")):
            file.write(piece.encode())


def _as_text(summary: "Summary") -> str:
    from huissier.adapters.statistics.sparkline import sparkline

    lines = [
        f"{summary.domain}  {sparkline(summary.messages)}",
        f"  {'month':<9}{'accepted':>12}{'refused':>12}{'delivered':>12}{'undelivered':>13}",
    ]
    return "\n".join([*lines, *map(_month_as_text, summary.months)])


def _month_as_text(totals: "Totals | None") -> str:
    from huissier.adapters.statistics.summary import GAP, written_month

    if totals is None:
        return f"  {'…':<9}{GAP}"
    counts = f"{totals.accepted:>12,}{totals.refused:>12,}{totals.delivered:>12,}{totals.undelivered:>13,}"
    return f"  {written_month(totals.month):<9}{counts}"
