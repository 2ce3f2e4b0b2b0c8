"""`huissier store`: checks whether a store is whole, and migrates an older one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, errors_told, url_of
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.integrity import Report

store = typer.Typer(help="The store itself: its integrity and its schema.", no_args_is_help=True)


@store.command()
def check(context: typer.Context, store: StoreOption = None, json: JsonOption = False) -> None:
    """Read the whole store and name everything that is wrong with it; change nothing.

    It checks positions, events, tags and their index, the vault against the log, and the database itself; a copy will
    do. Exit status 0 if nothing is wrong, 1 if something is, 3 if the store cannot be read.
    """
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.integrity import check_store

    with errors_told(), progress_bar("checking") as progress:
        report = check_store(url_of(context, store), progress=progress)
    typer.echo(as_json(report) if json else "\n".join(_as_text(report)))
    if report.problems:
        raise typer.Exit(Status.NO)


@store.command()
def migrate(context: typer.Context, store: StoreOption = None, json: JsonOption = False) -> None:
    """Bring a store that an older huissier made to this one's schema version.

    All in one transaction: a failure leaves the store as it was. First stop whatever uses the store and back it up.
    """
    from huissier.adapters.log.migrations import migrate

    with errors_told():
        done = migrate(url_of(context, store))
    if json:
        typer.echo(as_json(done))
    elif done.before == done.after:
        typer.echo(f"The store is already at version {done.after}.")
    else:
        typer.echo(f"The store was migrated from version {done.before} to version {done.after}.")


def _as_text(report: "Report") -> Iterator[str]:
    yield from map(str, report.problems)
    for note in report.notes:
        yield f"note: {note}"
    found = "nothing is wrong" if not report.problems else "the store is not whole"
    yield f"{report.events} events up to position {report.head}: {found}."
