"""`huissier projections`: says how far the read models are, keeps them up with the log, builds them again."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, fail, tell, until_ended
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.deciding.engine import Engine
    from huissier.adapters.log.port import Progress
    from huissier.adapters.views.database import ViewsDatabase

    Rebuild = Callable[[Progress], None]

T = TypeVar("T")

projections = typer.Typer(help="Read models folded from the log.", no_args_is_help=True)


@projections.command()
def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; all by default.")] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say how far each projection is behind the log, and what stopped it or its last rebuild.

    Exit status 1 if one has stopped.
    """
    from huissier.adapters.cli.views import views_of  # imports the database library, which --help does not need
    from huissier.adapters.evidence.nodes import NAME, Nodes
    from huissier.adapters.views.runner import Runner
    from huissier.projections.catalogue import ALL

    with views_of(context, store) as (engine, database):
        known = [(kind.name, Runner(engine.log, database, kind).standing) for kind in ALL]
        tree = (NAME, Nodes(engine.log, database).standing)
        standings = [standing() for _, standing in _named(name, [*known, tree])]
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

    The tree behind checkpoints is hashed again in place: run `rebuild tree` if its log was replaced by another. Exit
    status 1 if a projection has stopped at a fact that it cannot fold; the others are rebuilt.
    """
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.cli.views import views_of
    from huissier.adapters.ending import unwound_at_the_end
    from huissier.adapters.views.runner import ProjectionError

    is_whole = True
    with unwound_at_the_end(), views_of(context, store) as (engine, database):
        for called, again in _rebuilds(name, engine, database):
            try:
                with progress_bar(called) as progress:
                    again(progress)
            except ProjectionError as problem:  # the others are still rebuilt
                tell(str(problem))
                is_whole = False
            else:
                typer.echo(f"{called}: rebuilt")
    if not is_whole:
        raise typer.Exit(Status.NO)


@projections.command()
def follow(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; all by default.")] = None,
    store: StoreOption = None,
) -> None:
    """Keep read models up with the log until Ctrl-C or SIGTERM; one that stops is reported, and the others go on.

    Exit status 1 if one has stopped.
    """
    from huissier.adapters.cli.views import views_of
    from huissier.adapters.errors import HuissierError, TemporarilyUnavailableError
    from huissier.adapters.views.follower import Follower
    from huissier.adapters.views.runner import Runner
    from huissier.projections.catalogue import ALL

    kinds, stopped = _named(name, [(kind.name, kind) for kind in ALL]), 0

    def told(problem: HuissierError) -> None:
        nonlocal stopped
        tell(str(problem))
        stopped += not isinstance(problem, TemporarilyUnavailableError)

    with views_of(context, store) as (engine, database):
        follower = Follower(engine.log, [Runner(engine.log, database, kind) for _, kind in kinds])
        with until_ended(follower.stop):
            follower.run(told)
    if stopped:
        raise typer.Exit(Status.NO)


def _rebuilds(name: str | None, engine: "Engine", database: "ViewsDatabase") -> "Sequence[tuple[str, Rebuild]]":
    """Return the name and the rebuilding function of the projection of a name, of all without one."""
    from huissier.adapters.evidence.nodes import NAME, Nodes
    from huissier.adapters.views.runner import Runner
    from huissier.projections.catalogue import ALL

    known: list[tuple[str, Rebuild]] = [(kind.name, Runner(engine.log, database, kind).rebuild) for kind in ALL]
    return _named(name, [*known, (NAME, Nodes(engine.log, database).rebuild)])


def _named(name: str | None, known: Sequence[tuple[str, T]]) -> Sequence[tuple[str, T]]:
    """Return the one of this name, all without a name; an unknown name ends the program."""
    found = [one for one in known if name in (None, one[0])]
    if not found:
        fail(f"there is no projection {name}; there are {', '.join(called for called, _ in known)}", Status.UNREADABLE)
    return found
