"""`huissier projections`: how far the read models are, and building them again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, fail
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.engine import Engine
    from huissier.adapters.views.database import ViewsDatabase
    from huissier.adapters.views.runner import Progress

    Rebuild = Callable[[Progress], None]

projections = typer.Typer(help="Read models folded from the log.", no_args_is_help=True)


@projections.command()
def status(context: typer.Context, store: StoreOption = None, json: JsonOption = False) -> None:
    """Say of each projection how far it is behind the log, and what stopped it.

    Exit status 1 if one has stopped.
    """
    from huissier.adapters.cli.views import views_of  # brings the database library, which --help does without
    from huissier.adapters.evidence.nodes import Nodes
    from huissier.adapters.views.runner import Runner
    from huissier.projections.catalogue import ALL

    with views_of(context, store) as (engine, database):
        standings = [Runner(engine.log, database, kind).standing() for kind in ALL]
        standings.append(Nodes(engine.log, database).standing())
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
    """Fold the whole log into fresh tables and switch over; readers keep reading meanwhile.

    The tree behind checkpoints is hashed again in place: `rebuild tree` where its log was replaced by another.
    """
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.cli.views import errors_of_projections, views_of

    with views_of(context, store) as (engine, database):
        for called, again in _named(name, engine, database):
            with errors_of_projections(), progress_bar(called) as progress:
                again(progress)
            typer.echo(f"{called}: rebuilt")


def _named(name: str | None, engine: "Engine", database: "ViewsDatabase") -> "list[tuple[str, Rebuild]]":
    """Return what is meant by a name, all by default, each with what builds it again."""
    from huissier.adapters.evidence.nodes import NAME, Nodes
    from huissier.adapters.views.runner import Runner
    from huissier.projections.catalogue import ALL

    known: list[tuple[str, Rebuild]] = [(kind.name, Runner(engine.log, database, kind).rebuild) for kind in ALL]
    known.append((NAME, Nodes(engine.log, database).rebuild))
    found = [one for one in known if name in (None, one[0])]
    if not found:
        fail(f"there is no projection {name}; there are {', '.join(called for called, _ in known)}", Status.UNREADABLE)
    return found
