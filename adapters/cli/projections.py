"""`huissier projections`: how far the read models are, and building them again."""

from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, fail
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.projections.projection import Projection

projections = typer.Typer(help="Read models folded from the log.", no_args_is_help=True)


@projections.command()
def status(context: typer.Context, store: StoreOption = None, json: JsonOption = False) -> None:
    """Say of each projection how far it is behind the log, and what stopped it.

    Exit status 1 if one has stopped.
    """
    from huissier.adapters.cli.views import views_of  # brings the database library, which --help does without
    from huissier.adapters.views.runner import Runner
    from huissier.projections.catalogue import ALL

    with views_of(context, store) as (engine, database):
        standings = [Runner(engine.log, database, kind).standing() for kind in ALL]
    for standing in standings:
        if json:
            typer.echo(as_json(standing))
        else:
            typer.echo(f"{standing.name}: at {standing.position:,}, {standing.lag:,} behind")
            if standing.error:
                typer.echo(f"  {standing.error}")
    if any(standing.error for standing in standings):
        raise typer.Exit(Status.NO)


@projections.command()
def rebuild(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; all by default.")] = None,
    store: StoreOption = None,
) -> None:
    """Fold the whole log into fresh tables and switch over; readers keep reading meanwhile."""
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.cli.views import errors_of_projections, views_of
    from huissier.adapters.views.runner import Runner

    with views_of(context, store) as (engine, database):
        for kind in _named(name):
            with errors_of_projections(), progress_bar(kind.name) as progress:
                Runner(engine.log, database, kind).rebuild(progress)
            typer.echo(f"{kind.name}: rebuilt")


def _named(name: str | None) -> "tuple[type[Projection], ...]":
    from huissier.projections.catalogue import ALL

    found = tuple(kind for kind in ALL if name in (None, kind.name))
    if not found:
        fail(f"there is no projection {name}; there are {', '.join(kind.name for kind in ALL)}", Status.UNREADABLE)
    return found
